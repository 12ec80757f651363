//! Attestations beside a signature, of one signer.

use ci_signing::{Predicate, attest, predicate};
use serde_json::json;
use test_support::sigstore::{Job, Logs};

use crate::stand::{Kind, Stand, policy, signer, wait};
use crate::verifiers::{By, Cosign, javascript, python};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    ("attestations::rekor_v1", |stand| {
        accepted(stand, Kind::Without, Logs::V1)
    }),
    ("attestations::rekor_v2", |stand| {
        accepted(stand, Kind::With, Logs::V2)
    }),
];

fn accepted(stand: &Stand, kind: Kind, logs: Logs) -> Verdict {
    let sigstore = stand.sigstore()?;
    let job = Job::default();
    let image = stand.image(kind, "attested/app")?;
    let signer = signer(sigstore, &job, logs);
    let kinds = [predicate::PROVENANCE, predicate::SPDX, predicate::CYCLONEDX];
    let predicates = || {
        let of = |kind: &str| Predicate {
            kind: kind.to_owned(),
            content: json!({ "of": kind }),
        };
        kinds.map(of).to_vec()
    };
    image.sign(&signer);
    let attest = || {
        wait(attest(
            &image.client,
            &image.reference,
            image.digest,
            &signer,
            predicates(),
        ))
    };
    assert!(attest().unwrap().iter().all(|one| !one.already));
    // Once is enough.
    assert!(attest().unwrap().iter().all(|one| one.already));

    let (issuer, identity) = (sigstore.issuer(), job.identity());
    let by = By::Identity(&issuer, &identity);
    for cosign in [Cosign::two(sigstore), Cosign::three(sigstore)] {
        for kind in kinds {
            let said = cosign.attestation(by, kind, &image.pinned())?.unwrap();
            assert!(!said.is_empty(), "{kind}");
        }
        let absent = "https://example.com/absent";
        cosign
            .attestation(by, absent, &image.pinned())?
            .unwrap_err();
    }
    // The signature is still found among them.
    Cosign::three(sigstore)
        .verify(by, &[], &image.pinned())?
        .unwrap();
    let bundles = image.bundles();
    assert_eq!(bundles.len(), 4);
    let by = (issuer.as_str(), identity.as_str());
    python(sigstore, by, image.digest, &bundles)?.unwrap();
    javascript(sigstore, by, image.digest, &bundles)?.unwrap();
    let judged = image.judged(&policy(sigstore, &job), sigstore);
    for kind in kinds {
        assert_eq!(judged.attestations(kind).count(), 1, "{judged:#?}");
    }
    Ok(())
}
