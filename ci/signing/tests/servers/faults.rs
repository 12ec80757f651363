//! Servers that are away, and signers that are many.

use std::collections::BTreeSet;

use ci_catalog::SignatureFormat;
use ci_oci::Digest;
use test_support::sigstore::{Job, Logs, Sigstore};

use crate::stand::{Kind, Stand, policy, signer};
use crate::verifiers::{By, Cosign};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    (
        "faults::nothing_is_attached_while_the_log_is_down",
        log_down,
    ),
    ("faults::two_signers_at_once_lose_nothing", two_signers),
    ("faults::signing_again_changes_nothing", again),
];

/// G4: there is a certificate, and no log.
fn log_down(stand: &Stand) -> Verdict {
    // One of its own: others need theirs.
    let mut sigstore = Sigstore::start()?;
    let job = Job::default();
    for logs in [Logs::V1, Logs::V2] {
        let image = stand.image(Kind::Without, &format!("down/{logs:?}").to_lowercase())?;
        sigstore.stop_logs();
        let formats = BTreeSet::from(SignatureFormat::ALL);
        let signed = image.try_sign(&signer(&sigstore, &job, logs), &formats);
        signed.unwrap_err();
        let found = image.found();
        assert!(
            found.referrers.is_empty() && found.legacy.is_empty(),
            "{found:#?}"
        );

        sigstore.resume_logs();
        image.sign(&signer(&sigstore, &job, logs));
        let (issuer, identity) = (sigstore.issuer(), job.identity());
        let by = By::Identity(&issuer, &identity);
        Cosign::three(&sigstore)
            .verify(by, &[], &image.pinned())?
            .unwrap();
    }
    Ok(())
}

/// G5: each reads, changes and writes the same index and the same tag.
fn two_signers(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    for kind in Kind::ALL {
        let image = stand.image(kind, "two/signers")?;
        let jobs = ["deliver.yml", "release.yml"].map(|workflow| Job {
            workflow: workflow.to_owned(),
            ..Job::default()
        });
        std::thread::scope(|scope| {
            for job in &jobs {
                let image = &image;
                scope.spawn(move || image.sign(&signer(sigstore, job, Logs::V1)));
            }
        });
        for job in &jobs {
            let judged = image.judged(&policy(sigstore, job), sigstore);
            assert_eq!(judged.signatures().count(), 2, "{judged:#?}");
            let (issuer, identity) = (sigstore.issuer(), job.identity());
            let by = By::Identity(&issuer, &identity);
            for cosign in [Cosign::two(sigstore), Cosign::three(sigstore)] {
                cosign.verify(by, &[], &image.pinned())?.unwrap();
            }
        }
    }
    Ok(())
}

fn again(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let image = stand.image(Kind::Without, "signed/again")?;
    let sign = || image.sign(&signer(sigstore, &Job::default(), Logs::Both));
    let manifests = |signed: &ci_signing::Signed| -> Vec<Digest> {
        let attached = [signed.bundle, signed.legacy];
        attached
            .into_iter()
            .flatten()
            .map(|one| one.manifest)
            .collect()
    };
    let (first, second) = (sign(), sign());
    assert!(!first.already() && second.already());
    assert_eq!(manifests(&first), manifests(&second));
    Ok(())
}
