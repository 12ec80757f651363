//! Signed by a workflow, without a key: everybody accepts it, and nobody as somebody else's.

use std::collections::BTreeSet;

use ci_catalog::SignatureFormat;
use ci_oci::Digest;
use ci_signing::discovery::{Matrix, Verifier};
use ci_signing::predicate;
use test_support::sigstore::{Job, Logs};

use crate::stand::{Kind, Stand, policy, signer};
use crate::verifiers::{By, Cosign, Library, STAMPED, Said};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    ("keyless::rekor_v1_without_referrers_api", |stand| {
        accepted(stand, Kind::Without, Logs::V1)
    }),
    ("keyless::rekor_v1_with_referrers_api", |stand| {
        accepted(stand, Kind::With, Logs::V1)
    }),
    ("keyless::rekor_v2_without_referrers_api", |stand| {
        accepted(stand, Kind::Without, Logs::V2)
    }),
    ("keyless::rekor_v2_with_referrers_api", |stand| {
        accepted(stand, Kind::With, Logs::V2)
    }),
    ("keyless::both_logs", |stand| {
        accepted(stand, Kind::Without, Logs::Both)
    }),
    ("keyless::older_form_alone", older),
    ("keyless::older_form_without_rekor_v1", older_unlogged),
    ("keyless::sigstore_python", |stand| {
        library(stand, Library::Python)
    }),
    ("keyless::sigstore_js", |stand| {
        library(stand, Library::JavaScript)
    }),
    ("keyless::somebody_else_is_refused_by_all", somebody_else),
];

/// A verifier, and what it says of an image.
type Verdicts = Vec<(&'static str, Result<String, String>)>;

/// What cosign says in its versions, of a signature by `by`.
fn all(stand: &Stand, image: &crate::stand::Image, by: (&str, &str)) -> Result<Verdicts, String> {
    let sigstore = stand.sigstore()?;
    let identity = By::Identity(by.0, by.1);
    let (two, three) = (Cosign::two(sigstore), Cosign::three(sigstore));
    let pinned = image.pinned();
    let mut verdicts = Vec::new();
    let mut add = |name, said: Said| -> Verdict {
        verdicts.push((name, said?));
        Ok(())
    };
    add("cosign 2", two.verify(identity, &[], &pinned))?;
    add(
        "cosign 2, timestamps",
        two.verify(identity, &[STAMPED], &pinned),
    )?;
    add("cosign 3", three.verify(identity, &[], &pinned))?;
    Ok(verdicts)
}

fn accepted(stand: &Stand, kind: Kind, logs: Logs) -> Verdict {
    let sigstore = stand.sigstore()?;
    let job = Job::default();
    let repository = format!("keyless/{kind:?}-{logs:?}").to_lowercase();
    let image = stand.image(kind, &repository)?;
    image.sign(&signer(sigstore, &job, logs));
    assert_eq!(image.bundles().len(), 1);

    let issuer = sigstore.issuer();
    let mut refusing = Vec::new();
    for (verifier, verdict) in all(stand, &image, (&issuer, &job.identity()))? {
        if let Err(why) = verdict {
            refusing.push((verifier, why));
        }
    }
    if logs == Logs::V2 {
        // It takes the log for the time of a signature, and this log tells none. That it finds the bundle keeps it from the older form.
        let at = refusing
            .iter()
            .position(|(verifier, _)| *verifier == "cosign 2");
        refusing.remove(at.unwrap());
    }
    assert!(refusing.is_empty(), "{refusing:#?}");

    // What we say of it, and of them.
    let judged = image.judged(&policy(sigstore, &job), sigstore);
    assert_eq!(
        judged.signatures().count(),
        if logs == Logs::V2 { 1 } else { 2 },
        "{judged:#?}"
    );
    for (verifier, accepts) in [
        (Verifier::Cosign2, logs != Logs::V2),
        (Verifier::Cosign3, true),
    ] {
        let matrix = Matrix::of(&judged, Some(verifier));
        assert_eq!(
            matrix.rows.iter().any(|row| row.accepted),
            accepts,
            "{matrix:#?}"
        );
    }
    Ok(())
}

/// Where an image has no bundle, both take the older form.
fn older(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let job = Job::default();
    for kind in Kind::ALL {
        let image = stand.image(kind, "keyless/older")?;
        let formats = BTreeSet::from([SignatureFormat::Legacy]);
        image
            .try_sign(&signer(sigstore, &job, Logs::Both), &formats)
            .unwrap();
        let (issuer, identity) = (sigstore.issuer(), job.identity());
        for cosign in [Cosign::two(sigstore), Cosign::three(sigstore)] {
            let by = By::Identity(&issuer, &identity);
            cosign.verify(by, &[], &image.pinned())?.unwrap();
            let by = By::Identity(&issuer, "https://github.com/acme/shop");
            cosign.verify(by, &[], &image.pinned())?.unwrap_err();
        }
    }
    Ok(())
}

/// Such an entry has no place in it: what there is to see is a timestamp, and whoever verifies has to say that this is enough.
fn older_unlogged(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let job = Job::default();
    let image = stand.image(Kind::Without, "keyless/older-unlogged")?;
    let formats = BTreeSet::from([SignatureFormat::Legacy]);
    image
        .try_sign(&signer(sigstore, &job, Logs::V2), &formats)
        .unwrap();
    let (issuer, identity) = (sigstore.issuer(), job.identity());
    let by = By::Identity(&issuer, &identity);
    for cosign in [Cosign::two(sigstore), Cosign::three(sigstore)] {
        cosign.verify(by, &[], &image.pinned())?.unwrap_err();
        cosign.verify(by, &[STAMPED], &image.pinned())?.unwrap_err();
        let enough = [STAMPED, "--insecure-ignore-tlog=true"];
        cosign.verify(by, &enough, &image.pinned())?.unwrap();
    }
    Ok(())
}

fn library(stand: &Stand, library: Library) -> Verdict {
    let sigstore = stand.sigstore()?;
    let (job, issuer) = (Job::default(), sigstore.issuer());
    for logs in [Logs::V1, Logs::V2] {
        let repository = format!("keyless/{library:?}-{logs:?}").to_lowercase();
        let image = stand.image(Kind::Without, &repository)?;
        let signer = signer(sigstore, &job, logs);
        image.sign(&signer);
        image.attest(&signer, &[predicate::PROVENANCE, predicate::SPDX]);
        let bundles = image.bundles();
        assert_eq!(bundles.len(), 3);
        let says = |identity: &str, digest| {
            library.verify(sigstore, (&issuer, identity), digest, &bundles)
        };
        let statements = says(&job.identity(), image.digest)?.unwrap();
        assert_eq!(statements.lines().count(), 3, "{statements}");
        let other = Job {
            workflow: "release.yml".to_owned(),
            ..Job::default()
        };
        says(&other.identity(), image.digest)?.unwrap_err();
        says(&job.identity(), Digest::of("another"))?.unwrap_err();
    }
    Ok(())
}

fn somebody_else(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let image = stand.image(Kind::With, "keyless/mallory")?;
    let mallory = Job {
        repository: "mallory/shop".to_owned(),
        ..Job::default()
    };
    image.sign(&signer(sigstore, &mallory, Logs::V1));
    let issuer = sigstore.issuer();
    for (verifier, verdict) in all(stand, &image, (&issuer, &Job::default().identity()))? {
        assert!(verdict.is_err(), "{verifier}");
    }
    // They do accept mallory's own: it is the identity that they refuse.
    for (verifier, verdict) in all(stand, &image, (&issuer, &mallory.identity()))? {
        assert!(verdict.is_ok(), "{verifier}: {verdict:?}");
    }
    let judged = image.judged(&policy(sigstore, &Job::default()), sigstore);
    assert_eq!(judged.signatures().count(), 0, "{judged:#?}");
    Ok(())
}
