//! Bundles that somebody has laid a hand on: we refuse what all others refuse.

use ci_signing::verify;
use serde_json::{Value, json};
use test_support::sigstore::{Job, Logs};

use crate::stand::{Image, Kind, Stand, policy, signer, trust};
use crate::verifiers::{By, Cosign, javascript, python};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    ("tampering::rekor_v1", |stand| refused(stand, Logs::V1)),
    ("tampering::rekor_v2", |stand| refused(stand, Logs::V2)),
];

/// A verifier, and why it refuses, if it does.
type Opinion = (&'static str, Result<(), String>);

/// What is done to a bundle of which there is another one, of the same signer.
type Change = fn(&mut Value, &Value);

const CHANGES: &[(&str, Change)] = &[
    // G1: an entry that is in the log, and of something else.
    ("the entry of another signature", |bundle, other| {
        take(bundle, other, "/verificationMaterial/tlogEntries");
    }),
    ("the certificate of another signature", |bundle, other| {
        take(bundle, other, "/verificationMaterial/certificate");
    }),
    ("the signature of another statement", |bundle, other| {
        take(bundle, other, "/dsseEnvelope/signatures");
    }),
    ("another statement", |bundle, other| {
        take(bundle, other, "/dsseEnvelope/payload");
    }),
    // G3.
    ("another payload type", |bundle, _| {
        *at(bundle, "/dsseEnvelope/payloadType") = json!("text/plain");
    }),
    ("two signatures", |bundle, other| {
        let more = other["dsseEnvelope"]["signatures"][0].clone();
        let signatures = at(bundle, "/dsseEnvelope/signatures").as_array_mut();
        signatures.unwrap().push(more);
    }),
    ("no entry", |bundle, _| {
        *at(bundle, "/verificationMaterial/tlogEntries") = json!([]);
    }),
    ("no proof, and no promise, of the entry", |bundle, _| {
        let entry = at(bundle, "/verificationMaterial/tlogEntries/0").as_object_mut();
        let entry = entry.unwrap();
        entry.remove("inclusionProof");
        entry.remove("inclusionPromise");
    }),
    ("the proof of another entry", |bundle, other| {
        take(
            bundle,
            other,
            "/verificationMaterial/tlogEntries/0/inclusionProof",
        );
    }),
];

fn at<'a>(document: &'a mut Value, path: &str) -> &'a mut Value {
    document.pointer_mut(path).unwrap()
}

fn take(document: &mut Value, other: &Value, path: &str) {
    *at(document, path) = other.pointer(path).unwrap().clone();
}

fn refused(stand: &Stand, logs: Logs) -> Verdict {
    let sigstore = stand.sigstore()?;
    let job = Job::default();
    let sign = |name: &str| -> Result<(Image, Value), String> {
        let repository = format!("tampering/{name}-{logs:?}").to_lowercase();
        let image = stand.image(Kind::With, &repository)?;
        image.sign(&signer(sigstore, &job, logs));
        let bundle = serde_json::from_slice(&image.bundles()[0]).unwrap();
        Ok((image, bundle))
    };
    let ((image, bundle), (_, other)) = (sign("one")?, sign("other")?);
    let (trust, policy) = (trust(sigstore), policy(sigstore, &job));
    let (issuer, identity) = (sigstore.issuer(), job.identity());
    let by = (issuer.as_str(), identity.as_str());
    let verdicts = |bundle: &Value| -> Result<Vec<Opinion>, String> {
        let bundle = bundle.to_string().into_bytes();
        let bundles = std::slice::from_ref(&bundle);
        let ours = verify::bundle(&bundle, image.digest, &policy, &trust);
        let cosign = Cosign::three(sigstore);
        let cosign = cosign.blob(By::Identity(by.0, by.1), image.digest, &bundle)?;
        let python = python(sigstore, by, image.digest, bundles)?;
        let javascript = javascript(sigstore, by, image.digest, bundles)?;
        Ok(vec![
            ("ours", ours.map(drop).map_err(|why| why.to_string())),
            ("cosign 3", cosign.map(drop)),
            ("sigstore-python", python.map(drop)),
            ("sigstore-js", javascript.map(drop)),
        ])
    };
    for (verifier, verdict) in verdicts(&bundle)? {
        assert_eq!(verdict, Ok(()), "{verifier}");
    }
    for (what, change) in CHANGES {
        let mut changed = bundle.clone();
        change(&mut changed, &other);
        assert_ne!(changed, bundle, "{what}");
        let accepting: Vec<_> = verdicts(&changed)?
            .into_iter()
            .filter(|(_, verdict)| verdict.is_ok())
            .collect();
        assert!(accepting.is_empty(), "{what}: {accepting:?}");
    }
    Ok(())
}
