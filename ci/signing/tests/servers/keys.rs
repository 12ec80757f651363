//! Signed with a key: cosign and openssl accept it, and cosign's keys are ours.

use std::path::{Path, PathBuf};

use ci_registry::Secret;
use ci_signing::verify::{Policy, Signer as Who};
use ci_signing::{KeyPair, PublicKey, Signer, annotation};
use tempfile::TempDir;
use test_support::sigstore::{Logs, Sigstore};

use crate::stand::{Kind, Stand, services};
use crate::verifiers::{By, Cosign, PASSWORD, openssl};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    ("keys::cosign_and_openssl_accept_our_signatures", ours),
    ("keys::a_signature_in_no_log", unlogged),
    ("keys::cosign_signs_with_our_keys", our_key),
    ("keys::we_sign_with_cosigns_keys", their_key),
];

/// A public key in a file.
fn file(folder: &TempDir, key: &PublicKey) -> PathBuf {
    let file = folder.path().join("cosign.pub");
    std::fs::write(&file, key.to_pem()).unwrap();
    file
}

#[track_caller]
fn assert_cosigns_accept(sigstore: &Sigstore, key: &Path, image: &str) -> Verdict {
    let by = By::Key(key);
    for said in [
        Cosign::two(sigstore).verify(by, &[], image)?,
        Cosign::three(sigstore).verify(by, &[], image)?,
    ] {
        said.unwrap();
    }
    Ok(())
}

fn ours(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let folder = TempDir::new().unwrap();
    for kind in Kind::ALL {
        let image = stand.image(kind, "keys/ours")?;
        let pair = KeyPair::generate().unwrap();
        let key = pair.public().unwrap();
        let public = file(&folder, &key);
        let signer = Signer::key(pair, Some(services(sigstore, Logs::V1))).unwrap();
        image.sign(&signer);
        assert_cosigns_accept(sigstore, &public, &image.pinned())?;

        let [layer] = <[_; 1]>::try_from(image.found().legacy).unwrap();
        let signature = base64(&layer.annotations[annotation::SIGNATURE]);
        openssl(&public, &layer.payload, &signature)?.unwrap();
        openssl(&public, b"another", &signature)?.unwrap_err();

        // Not with another key.
        let other = KeyPair::generate().unwrap().public().unwrap();
        let other = file(&folder, &other);
        let (two, three) = (Cosign::two(sigstore), Cosign::three(sigstore));
        two.verify(By::Key(&other), &[], &image.pinned())?
            .unwrap_err();
        three
            .verify(By::Key(&other), &[], &image.pinned())?
            .unwrap_err();
        let judged = image.judged(&Policy::from(Who::Key(key)), sigstore);
        assert_eq!(judged.signatures().count(), 2, "{judged:#?}");
    }
    Ok(())
}

/// Nothing leaves this machine but the signature; whoever verifies has to say that this is enough.
fn unlogged(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let folder = TempDir::new().unwrap();
    let image = stand.image(Kind::Without, "keys/unlogged")?;
    let pair = KeyPair::generate().unwrap();
    let public = file(&folder, &pair.public().unwrap());
    image.sign(&Signer::key(pair, None).unwrap());
    for cosign in [Cosign::two(sigstore), Cosign::three(sigstore)] {
        cosign
            .verify(By::Key(&public), &[], &image.pinned())?
            .unwrap_err();
        let unlogged = ["--insecure-ignore-tlog=true"];
        let said = cosign.verify(By::Key(&public), &unlogged, &image.pinned())?;
        said.unwrap();
    }
    Ok(())
}

fn our_key(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let folder = TempDir::new().unwrap();
    let image = stand.image(Kind::Without, "keys/our-key")?;
    let pair = KeyPair::generate().unwrap();
    let file = folder.path().join("cosign.key");
    let password = Secret::new(PASSWORD);
    std::fs::write(&file, pair.to_cosign_pem(&password).unwrap()).unwrap();
    let arguments = [
        "sign".to_owned(),
        "--yes".to_owned(),
        format!("--key={}", file.display()),
        format!(
            "--signing-config={}",
            sigstore.signing_config(Logs::V2).display()
        ),
        format!("--trusted-root={}", sigstore.trusted_root().display()),
        image.pinned(),
    ];
    Cosign::three(sigstore).run(&arguments)?.unwrap();
    let key = pair.public().unwrap();
    let judged = image.judged(&Policy::from(Who::Key(key)), sigstore);
    assert_eq!(judged.signatures().count(), 1, "{judged:#?}");
    Ok(())
}

fn their_key(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let folder = TempDir::new().unwrap();
    let prefix = folder.path().join("theirs");
    let arguments = [
        "generate-key-pair".to_owned(),
        format!("--output-key-prefix={}", prefix.display()),
    ];
    for cosign in [Cosign::two(sigstore), Cosign::three(sigstore)] {
        cosign.run(&arguments)?.unwrap();
        let text = std::fs::read(prefix.with_extension("key")).unwrap();
        KeyPair::from_pem(&text, Some(&Secret::new("wrong"))).unwrap_err();
        let pair = KeyPair::from_pem(&text, Some(&Secret::new(PASSWORD))).unwrap();
        let public = std::fs::read(prefix.with_extension("pub")).unwrap();
        assert_eq!(
            PublicKey::from_pem(&public).unwrap(),
            pair.public().unwrap()
        );

        let image = stand.image(Kind::Without, "keys/their-key")?;
        let signer = Signer::key(pair, Some(services(sigstore, Logs::V1))).unwrap();
        image.sign(&signer);
        assert_cosigns_accept(sigstore, &prefix.with_extension("pub"), &image.pinned())?;
        for extension in ["key", "pub"] {
            std::fs::remove_file(prefix.with_extension(extension)).unwrap();
        }
    }
    Ok(())
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text).unwrap()
}
