//! Attestations beside a signature, of one signer.

use ci_signing::predicate;
use test_support::sigstore::{Job, Logs};

use crate::stand::{Kind, Stand, policy, signer};
use crate::verifiers::{By, Cosign};
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
    image.sign(&signer);
    assert!(image.attest(&signer, &kinds).iter().all(|one| !one.already));
    // Once is enough.
    assert!(image.attest(&signer, &kinds).iter().all(|one| one.already));

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
    assert_eq!(image.bundles().len(), 4);
    let judged = image.judged(&policy(sigstore, &job), sigstore);
    for kind in kinds {
        assert_eq!(judged.attestations(kind).count(), 1, "{judged:#?}");
    }
    Ok(())
}
