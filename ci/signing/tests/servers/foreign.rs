//! What cosign signs and attests, verified by us.

use ci_signing::predicate;
use test_support::sigstore::{Job, Logs, Sigstore};

use crate::stand::{Image, Kind, Stand, policy};
use crate::verifiers::Cosign;
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    ("foreign::cosign_3_in_rekor_v1", |stand| {
        bundle(stand, Logs::V1)
    }),
    ("foreign::cosign_3_in_rekor_v2", |stand| {
        bundle(stand, Logs::V2)
    }),
    ("foreign::cosign_2_in_the_older_form", legacy),
    ("foreign::cosign_3_attests", attested),
];

/// Options for keyless signing with cosign 3.
fn options(sigstore: &Sigstore, logs: Logs) -> Vec<String> {
    vec![
        "--yes".to_owned(),
        format!(
            "--signing-config={}",
            sigstore.signing_config(logs).display()
        ),
        format!("--trusted-root={}", sigstore.trusted_root().display()),
        format!("--identity-token={}", sigstore.token(&Job::default())),
    ]
}

#[track_caller]
fn assert_signed_once(image: &Image, sigstore: &Sigstore) {
    let job = Job::default();
    let judged = image.judged(&policy(sigstore, &job), sigstore);
    let signatures: Vec<_> = judged.signatures().collect();
    assert_eq!(signatures.len(), 1, "{judged:#?}");
    assert_eq!(signatures[0].signer, job.identity());
    assert!(signatures[0].logged);
}

fn bundle(stand: &Stand, logs: Logs) -> Verdict {
    let sigstore = stand.sigstore()?;
    for kind in Kind::ALL {
        let image = stand.image(kind, &format!("foreign/{logs:?}").to_lowercase())?;
        let mut arguments = vec!["sign".to_owned()];
        arguments.extend(options(sigstore, logs));
        arguments.push(image.pinned());
        Cosign::three(sigstore).run(&arguments)?.unwrap();
        assert_signed_once(&image, sigstore);
    }
    Ok(())
}

fn legacy(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let image = stand.image(Kind::Without, "foreign/legacy")?;
    let arguments = [
        "sign".to_owned(),
        "--yes".to_owned(),
        format!("--fulcio-url={}", sigstore.ca()),
        format!("--rekor-url={}", sigstore.rekor()),
        format!("--identity-token={}", sigstore.token(&Job::default())),
        image.pinned(),
    ];
    Cosign::two(sigstore).run(&arguments)?.unwrap();
    assert_signed_once(&image, sigstore);
    Ok(())
}

fn attested(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let image = stand.image(Kind::With, "foreign/attested")?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("predicate.json");
    std::fs::write(&file, r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#).unwrap();
    let mut arguments = vec!["attest".to_owned(), "--type=cyclonedx".to_owned()];
    arguments.push(format!("--predicate={}", file.display()));
    arguments.extend(options(sigstore, Logs::V2));
    arguments.push(image.pinned());
    Cosign::three(sigstore).run(&arguments)?.unwrap();
    let judged = image.judged(&policy(sigstore, &Job::default()), sigstore);
    let attestations: Vec<_> = judged.attestations(predicate::CYCLONEDX).collect();
    assert_eq!(attestations.len(), 1, "{judged:#?}");
    assert_eq!(attestations[0].content["bomFormat"], "CycloneDX");
    Ok(())
}
