//! Signatures made with a key that is kept.

use serde_json::{Value, json};
use sigstore_verify::types::pae;

use super::instance::{Draft, Instance, b64, image, policy, simple_signing, statement};
use crate::key::KeyPair;
use crate::statement::{PAYLOAD_TYPE, predicate};
use crate::verify::{Layer, Policy, Rejection, Signer, Verified, legacy};

/// A bundle that is in no log.
pub(crate) fn bundle(key: &KeyPair) -> Value {
    let payload = statement(image(), predicate::SIGNATURE);
    let signature = key.sign(&pae(PAYLOAD_TYPE, &payload)).unwrap();
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "publicKey": { "hint": key.public().unwrap().hint() } },
        "dsseEnvelope": {
            "payloadType": PAYLOAD_TYPE,
            "payload": b64(&payload),
            "signatures": [{ "sig": signature.to_base64() }],
        },
    })
}

/// The same in the log, under the key of `verifier`.
fn logged(instance: &Instance, key: &KeyPair, verifier: &KeyPair) -> Value {
    let mut bundle = bundle(key);
    let envelope = &bundle["dsseEnvelope"];
    let payload = statement(image(), predicate::SIGNATURE);
    let hash = json!({ "algorithm": "sha256", "value": ci_oci::Digest::of(payload).hex() });
    let body = json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": hash,
        "payloadHash": hash,
        "signatures": [{
            "signature": envelope["signatures"][0]["sig"],
            "verifier": b64(verifier.public().unwrap().to_pem().as_bytes()),
        }],
    }});
    let entry = instance.entry(&body, super::instance::SIGNED_AT);
    bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
    bundle
}

fn verify(instance: &Instance, key: &KeyPair, bundle: &Value) -> Result<Verified, Rejection> {
    let policy: Policy = Signer::Key(key.public().unwrap()).into();
    let json = bundle.to_string();
    crate::verify::bundle(json.as_bytes(), image(), &policy, &instance.trust())
}

pub(crate) fn old_form(key: &KeyPair) -> Layer {
    let payload = simple_signing(image());
    let signature = key.sign(&payload).unwrap().to_base64();
    let name = crate::legacy::annotation::SIGNATURE;
    Layer {
        payload,
        annotations: super::instance::annotations(&[(name, &signature)]),
    }
}

fn verify_old_form(
    instance: &Instance,
    key: &KeyPair,
    layer: &Layer,
) -> Result<Verified, Rejection> {
    let policy: Policy = Signer::Key(key.public().unwrap()).into();
    legacy(layer, image(), &policy, &instance.trust())
}

#[test]
fn a_key_needs_no_log_and_no_time() {
    let (instance, key) = (Instance::new(), KeyPair::generate().unwrap());
    let verified = verify(&instance, &key, &bundle(&key)).unwrap();
    assert!(!verified.logged);
    assert_eq!(
        verified.signer,
        format!("key {}", key.public().unwrap().hint())
    );
    assert_eq!(verified.predicate.as_deref(), Some(predicate::SIGNATURE));
    let verified = verify_old_form(&instance, &key, &old_form(&key)).unwrap();
    assert!(!verified.logged);
    assert_eq!(verified.predicate, None);
}

#[test]
fn a_log_entry_that_is_there_has_to_be_right() {
    let (instance, key) = (Instance::new(), KeyPair::generate().unwrap());
    let verified = verify(&instance, &key, &logged(&instance, &key, &key)).unwrap();
    assert!(verified.logged);
    // G2: the entry is of this signature, under another key.
    let other = KeyPair::generate().unwrap();
    let error = verify(&instance, &key, &logged(&instance, &key, &other)).unwrap_err();
    insta::assert_snapshot!(error, @"the log entry is of something else");
    // G1: it is of another log.
    let theirs = logged(&Instance::new(), &key, &key);
    insta::assert_snapshot!(verify(&instance, &key, &theirs).unwrap_err(), @"the log's proof ends at no checkpoint of a log that is trusted");
}

#[test]
fn another_key_is_another_signer() {
    let (instance, key) = (Instance::new(), KeyPair::generate().unwrap());
    let other = KeyPair::generate().unwrap();
    let mut bundle = bundle(&other);
    // The hint is only a name.
    bundle["verificationMaterial"]["publicKey"]["hint"] = json!(key.public().unwrap().hint());
    assert_eq!(verify(&instance, &key, &bundle), Err(Rejection::Signature));
    let error = verify_old_form(&instance, &key, &old_form(&other));
    assert_eq!(error, Err(Rejection::Signature));
}

#[test]
fn g2_a_certificate_where_a_key_is_expected() {
    let (instance, key) = (Instance::new(), KeyPair::generate().unwrap());
    let keyless = instance.bundle(&Draft::default());
    insta::assert_snapshot!(verify(&instance, &key, &keyless).unwrap_err(), @"it brings a certificate where a key is expected");
    let layer = instance.legacy(image(), &Draft::default());
    insta::assert_snapshot!(verify_old_form(&instance, &key, &layer).unwrap_err(), @"it brings a certificate where a key is expected");
    // A signature by the key, beside which somebody put a certificate of their own.
    let mut layer = old_form(&key);
    let theirs = instance.legacy(image(), &Draft::default());
    for name in [
        "dev.sigstore.cosign/certificate",
        "dev.sigstore.cosign/bundle",
    ] {
        let value = theirs.annotations[name].clone();
        layer.annotations.insert(name.to_owned(), value);
    }
    insta::assert_snapshot!(verify_old_form(&instance, &key, &layer).unwrap_err(), @"it brings a certificate where a key is expected");
}

#[test]
fn g2_a_key_where_a_certificate_is_expected() {
    let (instance, key) = (Instance::new(), KeyPair::generate().unwrap());
    let trust = instance.trust();
    let json = bundle(&key).to_string();
    let error = crate::verify::bundle(json.as_bytes(), image(), &policy(), &trust).unwrap_err();
    insta::assert_snapshot!(error, @"it brings a key where a certificate is expected");
    let error = legacy(&old_form(&key), image(), &policy(), &trust).unwrap_err();
    insta::assert_snapshot!(error, @"it brings only a signature where a certificate is expected");
}
