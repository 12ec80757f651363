//! Tests of `key`: forms of keys, and what openssl makes of them.

use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn problem(result: Result<KeyPair, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_key_that_is_sealed_opens_with_its_password_only() {
    let pair = KeyPair::generate().unwrap();
    let pem = pair.to_cosign_pem(&secret("correct horse")).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    let opened = KeyPair::from_pem(pem.as_bytes(), Some(&secret("correct horse"))).unwrap();
    assert_eq!(opened.public().unwrap(), pair.public().unwrap());
    let wrong = KeyPair::from_pem(pem.as_bytes(), Some(&secret("battery staple")));
    insta::assert_snapshot!(problem(wrong), @"the private key does not open with this password");
    let without = KeyPair::from_pem(pem.as_bytes(), None);
    insta::assert_snapshot!(problem(without), @"the private key is encrypted and needs a password (COSIGN_PASSWORD)");
}

#[test]
fn a_signature_is_of_one_key_over_one_message() {
    let (ours, theirs) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let signature = ours.sign(b"message").unwrap();
    let public = ours.public().unwrap();
    public.verify(b"message", signature.as_bytes()).unwrap();
    assert!(public.verify(b"massage", signature.as_bytes()).is_err());
    let other = theirs.public().unwrap();
    assert!(other.verify(b"message", signature.as_bytes()).is_err());
}

#[test]
fn a_public_key_survives_its_file() {
    let public = KeyPair::generate().unwrap().public().unwrap();
    let read = PublicKey::from_pem(public.to_pem().as_bytes()).unwrap();
    assert_eq!(read, public);
    assert_eq!(public.hint().len(), 44);
}

// S1, S4
#[test]
fn neither_key_nor_password_is_shown() {
    let pair = KeyPair::generate().unwrap();
    let shown = format!("{pair:?} {pair:#?}");
    assert_eq!(shown, "KeyPair { .. } KeyPair { .. }");
    let pem = pair.to_cosign_pem(&secret("hunter2")).unwrap();
    let broken = pem.replace("-----END", "----END");
    for text in [broken.as_str(), &format!("{pem}{pem}"), "hunter2"] {
        let message = problem(KeyPair::from_pem(text.as_bytes(), Some(&secret("hunter2"))));
        assert!(
            !message.contains("hunter2") && !message.contains("eyJ"),
            "{message}"
        );
    }
}

#[test]
fn a_key_that_asks_for_endless_work_is_refused() {
    for params in [
        r#"{"N":1073741824,"r":8,"p":1}"#,
        r#"{"N":65537,"r":8,"p":1}"#,
        r#"{"N":65536,"r":8,"p":100}"#,
        r#"{"N":65536,"r":4294967295,"p":1}"#,
        r#"{"N":0,"r":0,"p":0}"#,
    ] {
        let json = format!(
            r#"{{"kdf":{{"name":"scrypt","params":{params},"salt":"AAAA"}},"cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":"AAAA"}}"#,
            "A".repeat(32)
        );
        let pem = armored(cosign::LABELS[0], json.as_bytes());
        let message = problem(KeyPair::from_pem(pem.as_bytes(), Some(&secret("x"))));
        assert!(message.contains("more work"), "{message}");
    }
}

#[test]
fn other_files_are_told_apart() {
    let of = |label: &str| problem(KeyPair::from_pem(armored(label, b"x").as_bytes(), None));
    insta::assert_snapshot!(of("PRIVATE KEY"), @"the private key is not one of ECDSA on P-256, the only kind that is used");
    insta::assert_snapshot!(of("EC PRIVATE KEY"), @"the private key is in a form that is not read: `openssl pkcs8 -topk8 -nocrypt` converts it");
    insta::assert_snapshot!(of("CERTIFICATE"), @r#"the private key is a PEM of "CERTIFICATE""#);
    let public = PublicKey::from_pem(armored("PUBLIC KEY", b"x").as_bytes());
    insta::assert_snapshot!(public.unwrap_err(), @"the public key is not one of ECDSA on P-256, the only kind that is used");
}

#[test]
fn openssl_verifies_what_is_signed_and_reads_its_keys_here() {
    let Ok(version) = Command::new("openssl").arg("version").output() else {
        eprintln!("skipped: openssl is not installed");
        return;
    };
    assert!(version.status.success());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let key = Command::new("openssl")
        .args([
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .output()
        .unwrap();
    assert!(key.status.success());
    let pair = KeyPair::from_pem(&key.stdout, None).unwrap();
    std::fs::write(file("key.pub"), pair.public().unwrap().to_pem()).unwrap();
    std::fs::write(file("signature"), pair.sign(b"message").unwrap().as_bytes()).unwrap();
    let verifies = |message: &[u8]| {
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-verify"])
            .arg(file("key.pub"))
            .arg("-signature")
            .arg(file("signature"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        openssl.stdin.take().unwrap().write_all(message).unwrap();
        openssl.wait().unwrap().success()
    };
    assert!(verifies(b"message"));
    assert!(!verifies(b"massage"));
}
