//! Signatures in cosign's legacy form, of an identity.

use serde_json::{Value, json};

use super::instance::{Draft, Instance, SIGNED_AT, WORKFLOW, image, policy, simple_signing};
use crate::key::KeyPair;
use crate::legacy::annotation;
use crate::verify::{Layer, Rejection, Verified, legacy};

fn verify(instance: &Instance, layer: &Layer) -> Result<Verified, Rejection> {
    legacy(layer, image(), &policy(), &instance.trust())
}

/// What people read of a signature that was changed.
fn refused_after(change: impl FnOnce(&Instance, &mut Layer)) -> String {
    let instance = Instance::new();
    let mut layer = instance.legacy(image(), &Draft::default());
    verify(&instance, &layer).unwrap();
    change(&instance, &mut layer);
    verify(&instance, &layer).unwrap_err().to_string()
}

/// Changes the annotation with the log entry.
fn entry(layer: &mut Layer, change: impl FnOnce(&mut Value)) {
    let text = layer.annotations.get_mut(annotation::BUNDLE).unwrap();
    let mut value = serde_json::from_str(text).unwrap();
    change(&mut value);
    *text = value.to_string();
}

#[test]
fn a_signature_of_the_identity_counts() {
    let instance = Instance::new();
    let verified = verify(&instance, &instance.legacy(image(), &Draft::default())).unwrap();
    assert_eq!(verified.signer, WORKFLOW);
    assert_eq!(verified.times, ["2020-01-10T00:05:00Z"]);
    assert!(verified.logged && verified.log_time);
    assert_eq!(verified.predicate, None);
}

#[test]
fn g1_an_entry_of_another_payload() {
    let message = refused_after(|instance, layer| {
        let other = instance.legacy(ci_oci::Digest::of("other"), &Draft::default());
        let entry = other.annotations[annotation::BUNDLE].clone();
        layer
            .annotations
            .insert(annotation::BUNDLE.to_owned(), entry);
    });
    insta::assert_snapshot!(message, @"the log entry is of something else");
}

#[test]
fn g1_an_entry_of_another_signature_of_the_same() {
    let message = refused_after(|instance, layer| {
        let again = instance.legacy(image(), &Draft::default());
        let entry = again.annotations[annotation::BUNDLE].clone();
        layer
            .annotations
            .insert(annotation::BUNDLE.to_owned(), entry);
    });
    insta::assert_snapshot!(message, @"the log entry is of something else");
}

/// The log is honest: somebody entered this signature, of this payload, under a key of their own.
#[test]
fn g2_an_entry_under_another_key() {
    let message = refused_after(|instance, layer| {
        let key = KeyPair::generate().unwrap().public().unwrap().to_pem();
        let signature = layer.annotations[annotation::SIGNATURE].clone();
        let promised = instance.promised(&layer.payload, &signature, &key, SIGNED_AT);
        layer
            .annotations
            .insert(annotation::BUNDLE.to_owned(), promised.to_string());
    });
    insta::assert_snapshot!(message, @"the log entry is of another kind, or cannot be read");
}

#[test]
fn g3_without_the_log_there_is_no_time_and_no_signature() {
    let message = refused_after(|_, layer| {
        layer.annotations.remove(annotation::BUNDLE);
    });
    insta::assert_snapshot!(message, @"there is no log entry with it");
    let message = refused_after(|_, layer| {
        entry(layer, |entry| {
            entry["Payload"]["integratedTime"] = json!(SIGNED_AT + 1)
        });
    });
    insta::assert_snapshot!(message, @"the log's promise is of something else, or of no log that is trusted");
    let instance = Instance::new();
    let expired = Draft {
        time: SIGNED_AT + 24 * 60 * 60,
        ..Draft::default()
    };
    let error = verify(&instance, &instance.legacy(image(), &expired)).unwrap_err();
    insta::assert_snapshot!(error, @"the certificate had expired when it was used");
}

#[test]
fn g3_the_payload_is_of_this_image_and_a_signature() {
    let instance = Instance::new();
    let other = instance.legacy(ci_oci::Digest::of("other"), &Draft::default());
    insta::assert_snapshot!(verify(&instance, &other).unwrap_err(), @"it is of another image: sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, not sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d");
    let message = refused_after(|_, layer| {
        let payload = String::from_utf8(simple_signing(image())).unwrap();
        layer.payload = payload
            .replace("cosign container image", "atomic container")
            .into();
    });
    insta::assert_snapshot!(message, @r#"what is signed is of the type "atomic container signature", not an in-toto statement"#);
    // Changed after it was signed, so that it names this image still.
    let message = refused_after(|_, layer| layer.payload.push(b' '));
    insta::assert_snapshot!(message, @"the signature is wrong");
}

#[test]
fn nobody_else_is_the_signer() {
    let instance = Instance::new();
    let other = Draft {
        identity: "https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main",
        ..Draft::default()
    };
    let error = verify(&instance, &instance.legacy(image(), &other)).unwrap_err();
    insta::assert_snapshot!(error, @"https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main");
    let theirs = Instance::new().legacy(image(), &Draft::default());
    insta::assert_snapshot!(verify(&instance, &theirs).unwrap_err(), @"the log's promise is of something else, or of no log that is trusted");
}

#[test]
fn annotations_that_are_missing_or_broken_are_told() {
    let message = refused_after(|_, layer| {
        layer.annotations.remove(annotation::SIGNATURE);
    });
    insta::assert_snapshot!(message, @"it cannot be read: the annotation dev.cosignproject.cosign/signature is missing");
    for name in [
        annotation::CERTIFICATE,
        annotation::BUNDLE,
        annotation::SIGNATURE,
    ] {
        let instance = Instance::new();
        let mut layer = instance.legacy(image(), &Draft::default());
        layer.annotations.insert(name.to_owned(), "{".to_owned());
        let error = verify(&instance, &layer).unwrap_err();
        assert!(matches!(error, Rejection::Malformed(_)), "{name}: {error}");
    }
    let message = refused_after(|_, layer| {
        entry(layer, |entry| {
            let body = json!({ "kind": "intoto", "apiVersion": "0.0.1" }).to_string();
            entry["Payload"]["body"] = json!(super::instance::b64(body.as_bytes()));
        });
    });
    insta::assert_snapshot!(message, @"it cannot be read: the signature: unsupported Rekor entry format: intoto/0.0.1");
}

/// Whatever is changed about a signature, it counts no more, or it says what it said.
#[test]
fn no_changed_byte_makes_another_signature() {
    let instance = Instance::new();
    let layer = instance.legacy(image(), &Draft::default());
    let whole = verify(&instance, &layer).unwrap();
    let trust = instance.trust();
    for name in layer.annotations.keys() {
        for at in (0..layer.annotations[name].len()).step_by(7) {
            let mut bytes = layer.annotations[name].clone().into_bytes();
            bytes[at] ^= 1 << (at % 7);
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let mut changed = layer.clone();
            changed.annotations.insert(name.clone(), text);
            if let Ok(verified) = legacy(&changed, image(), &policy(), &trust) {
                assert_eq!(verified, whole, "{name}, byte {at}");
            }
        }
    }
}
