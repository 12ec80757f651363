//! What we say that cosign 2 and 3 make of an image, and what they do make of it: the same, whatever is attached.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ci_catalog::SignatureFormat::{self, Bundle, Legacy};
use ci_signing::discovery::{Matrix, Verifier};
use ci_signing::verify::{Policy, Signer as By};
use ci_signing::{KeyPair, Predicate, Signer, attest, predicate};
use serde_json::json;
use tempfile::TempDir;
use test_support::sigstore::{Job, Logs};

use crate::stand::{Image, Kind, Stand, policy, signer, wait};
use crate::verifiers::{By as Told, Cosign};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    ("matrix::of_an_identity", of_an_identity),
    ("matrix::of_a_key", of_a_key),
];

fn sign(image: &Image, signer: &Signer, format: SignatureFormat) {
    image.try_sign(signer, &BTreeSet::from([format])).unwrap();
}

/// Says of an SBOM, in a bundle, and of nothing else.
fn state(image: &Image, signer: &Signer) {
    let said = Predicate {
        kind: predicate::SPDX.to_owned(),
        content: json!({}),
    };
    let (client, reference) = (&image.client, &image.reference);
    wait(attest(client, reference, image.digest, signer, vec![said])).unwrap();
}

/// That both cosigns do as the matrix says; whether they accept.
fn compare(
    stand: &Stand,
    image: &Image,
    policy: &Policy,
    told: Told<'_>,
    case: &str,
) -> Result<[bool; 2], String> {
    let sigstore = stand.sigstore()?;
    let judged = image.judged(policy, sigstore);
    let both = [
        (Verifier::Cosign2, Cosign::two(sigstore)),
        (Verifier::Cosign3, Cosign::three(sigstore)),
    ];
    let mut accepted = Vec::new();
    for (verifier, cosign) in both {
        let said = cosign.verify(told, &[], &image.pinned())?;
        let rows = Matrix::of(&judged, Some(verifier)).rows;
        assert_eq!(
            rows[0].accepted,
            said.is_ok(),
            "{case}: {rows:#?}\n{said:?}"
        );
        accepted.push(said.is_ok());
    }
    Ok([accepted[0], accepted[1]])
}

fn of_an_identity(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let job = Job::default();
    let mallory = Job {
        repository: "mallory/shop".to_owned(),
        ..Job::default()
    };
    let ours = |logs| signer(sigstore, &job, logs);
    let theirs = || signer(sigstore, &mallory, Logs::V1);
    type Attach<'a> = &'a dyn Fn(&Image);
    let cases: [(&str, Attach<'_>, [bool; 2]); 8] = [
        ("nothing", &|_| {}, [false, false]),
        (
            "bundle",
            &|image| sign(image, &ours(Logs::V1), Bundle),
            [true, true],
        ),
        (
            "legacy",
            &|image| sign(image, &ours(Logs::V1), Legacy),
            [true, true],
        ),
        // Its time is that of the log for cosign 2, and Rekor v2 tells none.
        (
            "bundle-v2",
            &|image| sign(image, &ours(Logs::V2), Bundle),
            [false, true],
        ),
        // One bundle, whosever it is, and nobody looks at the legacy signature.
        (
            "bundle-of-another",
            &|image| {
                sign(image, &ours(Logs::V1), Legacy);
                sign(image, &theirs(), Bundle);
            },
            [false, false],
        ),
        (
            "legacy-of-another",
            &|image| {
                sign(image, &theirs(), Legacy);
                sign(image, &ours(Logs::V1), Bundle);
            },
            [true, true],
        ),
        (
            "both-of-both",
            &|image| {
                for format in SignatureFormat::ALL {
                    sign(image, &theirs(), format);
                    sign(image, &ours(Logs::V1), format);
                }
            },
            [true, true],
        ),
        // What is stated makes no difference to them.
        (
            "attestation",
            &|image| state(image, &ours(Logs::V1)),
            [true, true],
        ),
    ];
    let (issuer, identity) = (sigstore.issuer(), job.identity());
    // Which of the two kinds of registries it is decides nothing here; both are asked.
    for ((case, attach, expected), kind) in cases.iter().zip(Kind::ALL.into_iter().cycle()) {
        let image = stand.image(kind, &format!("matrix/{case}"))?;
        attach(&image);
        let told = Told::Identity(&issuer, &identity);
        let accepted = compare(stand, &image, &policy(sigstore, &job), told, case)?;
        assert_eq!(accepted, *expected, "{case}");
    }
    Ok(())
}

fn of_a_key(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let folder = TempDir::new().unwrap();
    let file: PathBuf = folder.path().join("cosign.pub");
    let pair = || KeyPair::generate().unwrap();
    for (case, logged) in [("logged", true), ("unlogged", false)] {
        for format in SignatureFormat::ALL {
            let key = pair();
            let public = key.public().unwrap();
            std::fs::write(&file, public.to_pem()).unwrap();
            let services = logged.then(|| crate::stand::services(sigstore, Logs::V1));
            let signer = Signer::key(key, services).unwrap();
            let repository = format!("matrix/key-{case}-{format:?}").to_lowercase();
            let image = stand.image(Kind::Without, &repository)?;
            sign(&image, &signer, format);
            let policy = Policy::from(By::Key(public));
            let accepted = compare(stand, &image, &policy, Told::Key(&file), case)?;
            assert_eq!(accepted, [logged; 2], "{case}, {format:?}");
        }
    }
    Ok(())
}
