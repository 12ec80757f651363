//! Bundles that somebody has laid a hand on: we refuse what all others refuse.

use ci_oci::Digest;
use ci_signing::verify;
use serde_json::{Value, json};
use test_support::sigstore::{Job, Logs, Sigstore};

use crate::stand::{Image, Kind, Stand, policy, signer, trust};
use crate::verifiers::{By, Cosign, Library, Said};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    ("tampering::refused_by_us", |stand| refused(stand, ours)),
    ("tampering::refused_by_cosign_3", |stand| {
        refused(stand, cosign)
    }),
    ("tampering::refused_by_sigstore_python", |stand| {
        refused(stand, |sigstore, job, image, bundle| {
            library(Library::Python, sigstore, job, image, bundle)
        })
    }),
    ("tampering::refused_by_sigstore_js", |stand| {
        refused(stand, |sigstore, job, image, bundle| {
            library(Library::JavaScript, sigstore, job, image, bundle)
        })
    }),
];

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

/// Verifies a bundle that says that an image is signed by a job; why not.
type Verify = fn(&Sigstore, &Job, Digest, &[u8]) -> Said;

fn ours(sigstore: &Sigstore, job: &Job, image: Digest, bundle: &[u8]) -> Said {
    let verified = verify::bundle(bundle, image, &policy(sigstore, job), &trust(sigstore));
    let verified = verified.map(|it| it.signer);
    Ok(verified.map_err(|why| why.to_string()))
}

fn cosign(sigstore: &Sigstore, job: &Job, image: Digest, bundle: &[u8]) -> Said {
    let (issuer, identity) = (sigstore.issuer(), job.identity());
    Cosign::three(sigstore).blob(By::Identity(&issuer, &identity), image, bundle)
}

fn library(library: Library, sigstore: &Sigstore, job: &Job, image: Digest, bundle: &[u8]) -> Said {
    let (issuer, identity) = (sigstore.issuer(), job.identity());
    library.verify(sigstore, (&issuer, &identity), image, &[bundle.to_vec()])
}

fn refused(stand: &Stand, verify: Verify) -> Verdict {
    let sigstore = stand.sigstore()?;
    let job = Job::default();
    for logs in [Logs::V1, Logs::V2] {
        let sign = |name: &str| -> Result<(Image, Value), String> {
            let repository = format!("tampering/{name}-{logs:?}").to_lowercase();
            let image = stand.image(Kind::With, &repository)?;
            image.sign(&signer(sigstore, &job, logs));
            let bundle = serde_json::from_slice(&image.bundles()[0]).unwrap();
            Ok((image, bundle))
        };
        let ((image, bundle), (_, other)) = (sign("one")?, sign("other")?);
        let says = |bundle: &Value| {
            let bundle = bundle.to_string();
            verify(sigstore, &job, image.digest, bundle.as_bytes())
        };
        says(&bundle)?.unwrap();
        for (what, change) in CHANGES {
            let mut changed = bundle.clone();
            change(&mut changed, &other);
            assert_ne!(changed, bundle, "{what}");
            assert!(says(&changed)?.is_err(), "{what}");
        }
    }
    Ok(())
}
