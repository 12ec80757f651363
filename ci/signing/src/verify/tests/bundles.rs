//! Bundles of an identity.

use serde_json::{Value, json};

use super::instance::{
    COMMIT, Draft, Instance, Log, SIGNED_AT, WORKFLOW, identity, image, policy, statement,
};
use crate::statement::predicate;
use crate::verify::{MAX_BUNDLE, Policy, Rejection, Verified};

const DAY: u64 = 24 * 60 * 60;

fn verify(instance: &Instance, bundle: &Value) -> Result<Verified, Rejection> {
    verify_by(instance, bundle, &policy())
}

fn verify_by(instance: &Instance, bundle: &Value, policy: &Policy) -> Result<Verified, Rejection> {
    let json = bundle.to_string();
    crate::verify::bundle(json.as_bytes(), image(), policy, &instance.trust())
}

/// What people read of a bundle that does not count.
fn refused(instance: &Instance, bundle: &Value) -> String {
    verify(instance, bundle).unwrap_err().to_string()
}

/// The same of one that was made so.
fn refused_draft(draft: &Draft) -> String {
    let instance = Instance::new();
    refused(&instance, &instance.bundle(draft))
}

/// A bundle that counts, changed.
fn refused_after(change: impl FnOnce(&Instance, &mut Value)) -> String {
    let instance = Instance::new();
    let mut bundle = instance.bundle(&Draft::default());
    verify(&instance, &bundle).unwrap();
    change(&instance, &mut bundle);
    refused(&instance, &bundle)
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

fn remove(value: &mut Value, member: &str) {
    assert!(value.as_object_mut().unwrap().remove(member).is_some());
}

#[test]
fn a_bundle_of_the_identity_counts() {
    let instance = Instance::new();
    let verified = verify(&instance, &instance.bundle(&Draft::default())).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&verified).unwrap(), @r#"
    {
      "signer": "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main",
      "issuer": "https://token.actions.githubusercontent.com",
      "claims": {
        "repository": "https://github.com/acme/shop",
        "ref": "refs/heads/main",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "workflow": "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main",
        "trigger": "push"
      },
      "times": [
        "2020-01-10T00:05:00Z"
      ],
      "logged": true,
      "logTime": true,
      "predicate": "https://sigstore.dev/cosign/sign/v1"
    }
    "#);
}

#[test]
fn attestations_are_told_with_what_they_state() {
    let instance = Instance::new();
    let draft = Draft::of(statement(image(), predicate::PROVENANCE));
    let verified = verify(&instance, &instance.bundle(&draft)).unwrap();
    assert_eq!(verified.predicate.as_deref(), Some(predicate::PROVENANCE));
    assert_eq!(verified.content, json!({}));
}

#[test]
fn g1_an_entry_of_something_else_is_none() {
    // Of the same log, proven, promised, of the same signer: of another image.
    let message = refused_after(|instance, bundle| {
        let other = Draft::of(statement(ci_oci::Digest::of("other"), predicate::SIGNATURE));
        *entry(bundle) = instance.bundle(&other)["verificationMaterial"]["tlogEntries"][0].take();
    });
    insta::assert_snapshot!(message, @"the log entry is of something else");
    // Of the same image and signer, by another certificate and signature.
    let message = refused_after(|instance, bundle| {
        let mut again = instance.bundle(&Draft::default());
        *entry(bundle) = entry(&mut again).take();
    });
    insta::assert_snapshot!(message, @"the log entry is of something else");
    // Of another kind, which says of some file that it has this digest.
    let message = refused_after(|instance, bundle| {
        let draft = Draft {
            log: Log::V2,
            ..Draft::of(statement(ci_oci::Digest::of("other"), predicate::SIGNATURE))
        };
        let mut other = instance.bundle(&draft)["verificationMaterial"]["tlogEntries"][0].take();
        // Beside its own, so that there is a time.
        bundle["verificationMaterial"]["tlogEntries"]
            .as_array_mut()
            .unwrap()
            .push(other.take());
    });
    insta::assert_snapshot!(message, @"the log entry is of something else");
}

#[test]
fn g1_an_entry_that_was_changed_is_in_no_log() {
    let other = |value: &Value| {
        let text = value.as_str().unwrap();
        json!(text.replacen(&text[..4], "AAAA", 1))
    };
    let message = refused_after(|_, bundle| {
        let hash = &mut entry(bundle)["inclusionProof"]["hashes"][0];
        *hash = other(hash);
    });
    insta::assert_snapshot!(message, @"the log's proof is of something else");
    let message = refused_after(|_, bundle| {
        let root = &mut entry(bundle)["inclusionProof"]["rootHash"];
        *root = other(root);
    });
    insta::assert_snapshot!(message, @"it cannot be read: inclusion proof root hash does not match checkpoint root hash");
    let message = refused_after(|_, bundle| {
        entry(bundle)["integratedTime"] = json!((SIGNED_AT + 1).to_string());
    });
    insta::assert_snapshot!(message, @"the log's promise is of something else, or of no log that is trusted");
    let message = refused_after(|_, bundle| {
        entry(bundle)["logIndex"] = json!("0");
    });
    insta::assert_snapshot!(message, @"the log's promise is of something else, or of no log that is trusted");
}

#[test]
fn g1_every_entry_is_proven_not_only_one() {
    let unproven = refused_after(|_, bundle| remove(entry(bundle), "inclusionProof"));
    insta::assert_snapshot!(unproven, @"a log entry has no proof that the log has it");
    let unsigned = refused_after(|_, bundle| {
        remove(&mut entry(bundle)["inclusionProof"], "checkpoint");
    });
    insta::assert_snapshot!(unsigned, @"the proof of a log entry has no checkpoint");
    let beside_another = refused_after(|_, bundle| {
        let mut second = entry(bundle).clone();
        remove(&mut second, "inclusionProof");
        bundle["verificationMaterial"]["tlogEntries"]
            .as_array_mut()
            .unwrap()
            .push(second);
    });
    insta::assert_snapshot!(beside_another, @"a log entry has no proof that the log has it");
    let none = refused_after(|_, bundle| {
        bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    });
    insta::assert_snapshot!(none, @"it cannot be read: application/vnd.dev.sigstore.bundle.v0.3+json bundle must have an inclusion proof");
}

#[test]
fn another_log_is_not_trusted() {
    let message = refused_after(|_, bundle| {
        let mut other = Instance::new().bundle(&Draft::default());
        *entry(bundle) = entry(&mut other).take();
    });
    insta::assert_snapshot!(message, @"the log's promise is of something else, or of no log that is trusted");
}

#[test]
fn g3_a_certificate_that_was_not_valid_when_it_was_used() {
    let expired = Draft {
        time: SIGNED_AT + DAY,
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&expired), @"the certificate had expired when it was used");
    let early = Draft {
        time: SIGNED_AT - DAY,
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&early), @"the certificate was used before it was valid");
}

#[test]
fn g3_without_a_time_that_somebody_vouches_for_nothing_counts() {
    // Entries of Rekor v2 carry none.
    let stampless = Draft {
        log: Log::V2,
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&stampless), @"nobody who is trusted says when it was signed");
    // The time of an entry counts only with the promise, which is what signs it.
    let message = refused_after(|_, bundle| remove(entry(bundle), "inclusionPromise"));
    insta::assert_snapshot!(message, @"nobody who is trusted says when it was signed");
    // Nobody is trusted to stamp.
    let message = refused_after(|_, bundle| {
        bundle["verificationMaterial"]["timestampVerificationData"] =
            json!({ "rfc3161Timestamps": [{ "signedTimestamp": "MAMCAQA=" }] });
    });
    insta::assert_snapshot!(message, @"the timestamp is of something else, or of no authority that is trusted");
}

#[test]
fn g3_two_signatures_in_one_envelope() {
    let message = refused_after(|_, bundle| {
        let signatures = bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
        signatures.push(signatures[0].clone());
    });
    insta::assert_snapshot!(message, @"it cannot be read: DSSE envelope must contain exactly one signature, found 2");
}

#[test]
fn g3_what_is_signed_is_a_statement() {
    let draft = Draft {
        payload_type: "text/plain",
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&draft), @r#"what is signed is of the type "text/plain", not an in-toto statement"#);
    let kind = String::from_utf8(statement(image(), predicate::SIGNATURE)).unwrap();
    let draft = Draft::of(
        kind.replace("in-toto.io/Statement", "example.com/Statement")
            .into(),
    );
    insta::assert_snapshot!(refused_draft(&draft), @r#"what is signed is of the type "https://example.com/Statement/v1", not an in-toto statement"#);
    insta::assert_snapshot!(refused_draft(&Draft::of(b"{}".to_vec())), @"it cannot be read: its statement: missing field `_type`");
}

#[test]
fn g3_a_statement_about_another_image() {
    let draft = Draft::of(statement(ci_oci::Digest::of("other"), predicate::SIGNATURE));
    insta::assert_snapshot!(refused_draft(&draft), @"it is of another image: sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, not sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d");
}

#[test]
fn a_signature_of_something_else_is_wrong() {
    let message = refused_after(|_, bundle| {
        let payload = statement(image(), predicate::PROVENANCE);
        bundle["dsseEnvelope"]["payload"] = json!(super::instance::b64(&payload));
    });
    insta::assert_snapshot!(message, @"the signature is wrong");
}

#[test]
fn nobody_else_is_the_signer() {
    let other = Draft {
        identity: "https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main",
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&other), @"https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main");
    // A beginning is no match, and neither is a pull request's reference.
    let longer = Draft {
        identity: "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main2",
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&longer), @"https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main2 signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main");
    let issuer = Draft {
        issuer: "https://token.actions.githubusercontent.com.example",
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&issuer), @"https://token.actions.githubusercontent.com.example vouches for the signer, not https://token.actions.githubusercontent.com");
}

/// An identity is of one kind: whoever owns a mailbox with the name of a workflow does not own the workflow.
#[test]
fn an_address_of_mail_is_no_address_of_the_web() {
    let instance = Instance::new();
    let identity =
        ci_catalog::Identity::new("https://accounts.example.com", "ci@acme.example").unwrap();
    let policy: Policy = crate::verify::Signer::Identity(identity).into();
    let mail = Draft {
        identity: "ci@acme.example",
        issuer: "https://accounts.example.com",
        ..Draft::default()
    };
    assert!(verify_by(&instance, &instance.bundle(&mail), &policy).is_ok());
    let web = Draft {
        identity: "https://ci@acme.example",
        issuer: "https://accounts.example.com",
        ..Draft::default()
    };
    assert!(verify_by(&instance, &instance.bundle(&web), &policy).is_err());
}

#[test]
fn certificates_of_others_and_unlisted_ones_are_not_trusted() {
    let instance = Instance::new();
    let theirs = Instance::new().bundle(&Draft::default());
    let mut bundle = theirs.clone();
    // Their log is of no interest here.
    let mut ours = instance.bundle(&Draft::default());
    *entry(&mut bundle) = entry(&mut ours).take();
    insta::assert_snapshot!(refused(&instance, &bundle), @"nobody who is trusted issued the certificate");
    let unlisted = Draft {
        transparent: false,
        ..Draft::default()
    };
    insta::assert_snapshot!(refused_draft(&unlisted), @"no log of certificates that is trusted has the certificate");
}

#[test]
fn an_instance_without_a_log_of_certificates_needs_none() {
    let instance = Instance::new();
    let mut root = instance.trusted_root();
    root["ctlogs"] = json!([]);
    let trust = crate::verify::Trust::from_json(&root.to_string(), "the root").unwrap();
    let draft = Draft {
        transparent: false,
        ..Draft::default()
    };
    let bundle = instance.bundle(&draft).to_string();
    let verified = crate::verify::bundle(bundle.as_bytes(), image(), &policy(), &trust);
    assert_eq!(verified.unwrap().signer, WORKFLOW);
}

#[test]
fn bundles_of_other_forms_are_none() {
    for (version, shown) in [("+json;version=0.1", "0.1"), ("+json;version=0.2", "0.2")] {
        let message = refused_after(|_, bundle| {
            bundle["mediaType"] = json!(format!("application/vnd.dev.sigstore.bundle{version}"));
        });
        assert_eq!(
            message,
            format!("it is a bundle of version {shown}; images have 0.3")
        );
    }
    let message = refused_after(|_, bundle| {
        bundle["messageSignature"] = json!({ "signature": "AAAA" });
        remove(bundle, "dsseEnvelope");
    });
    insta::assert_snapshot!(message, @"it is a bundle without a statement");
    let trust = Instance::new().trust();
    let large = vec![b' '; usize::try_from(MAX_BUNDLE).unwrap() + 1];
    for json in [&large[..], b"", b"[]", b"\xff"] {
        let error = crate::verify::bundle(json, image(), &policy(), &trust).unwrap_err();
        assert!(matches!(error, Rejection::Malformed(_)), "{error}");
    }
}

#[test]
fn a_certificate_is_expected() {
    let message = refused_after(|_, bundle| {
        remove(&mut bundle["verificationMaterial"], "certificate");
        bundle["verificationMaterial"]["publicKey"] = json!({ "hint": "a" });
    });
    insta::assert_snapshot!(message, @"it brings a key where a certificate is expected");
    assert_eq!(identity().identity(), WORKFLOW);
    assert_eq!(COMMIT.len(), 40);
}

/// Whatever is changed about a bundle, it counts no more, or it says what it said.
#[test]
fn no_changed_byte_makes_another_signature() {
    let instance = Instance::new();
    let trust = instance.trust();
    let json = instance.bundle(&Draft::default()).to_string().into_bytes();
    let whole = crate::verify::bundle(&json, image(), &policy(), &trust).unwrap();
    for at in (0..json.len()).step_by(7) {
        let mut changed = json.clone();
        changed[at] ^= 1 << (at % 7);
        if let Ok(verified) = crate::verify::bundle(&changed, image(), &policy(), &trust) {
            assert_eq!(verified, whole, "byte {at}");
        }
    }
}
