//! What each verifier makes of what is attached. The signatures are real; who finds which is what is under test.

use ci_oci::{Descriptor, Digest};

use super::{Content, Found, Judged, Matrix, Referrer, Verifier, judge};
use crate::key::KeyPair;
use crate::statement::predicate;
use crate::verify::tests::instance::{Draft, Instance, image, policy, statement};
use crate::verify::tests::keys;
use crate::verify::{Layer, Policy, Rejection, Signer, Verified};

const OTHER: &str = "https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main";

fn other() -> Draft {
    Draft {
        identity: OTHER,
        ..Draft::default()
    }
}

fn attestation() -> Draft {
    Draft::of(statement(image(), predicate::SPDX))
}

/// A referrer as a registry lists it that keeps to the specification.
fn listed(content: Content) -> Referrer {
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let mut descriptor = Descriptor::of("application/vnd.oci.image.manifest.v1+json", b"");
    descriptor.artifact_type = Some(kind.to_owned());
    Referrer {
        descriptor,
        content,
    }
}

fn bundle(instance: &Instance, draft: &Draft) -> Referrer {
    listed(Content::Bundle(
        instance.bundle(draft).to_string().into_bytes(),
    ))
}

/// An SBOM that somebody attached without signing it.
fn unrelated() -> Referrer {
    let mut referrer = listed(Content::Other("it holds application/spdx+json".to_owned()));
    referrer.descriptor.artifact_type = Some("application/spdx+json".to_owned());
    referrer
}

fn found(referrers: Vec<Referrer>, legacy: Vec<Layer>) -> Found {
    Found {
        image: image(),
        referrers,
        legacy,
        problems: Vec::new(),
    }
}

fn judged(instance: &Instance, referrers: Vec<Referrer>, legacy: Vec<Layer>) -> Judged {
    judge(&found(referrers, legacy), &policy(), &instance.trust())
}

/// The matrix in a few words.
fn shown(judged: &Judged) -> String {
    let rows = Matrix::of(judged, None).rows;
    let lines = rows.iter().map(|row| {
        let mark = if row.accepted { "yes" } else { "no" };
        let why = row.why.join("; ");
        format!(
            "{} | {} | {} | {mark} | {why}",
            row.verifier, row.way, row.found
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn both_forms_satisfy_everybody() {
    let instance = Instance::new();
    let bundles = vec![
        unrelated(),
        bundle(&instance, &Draft::default()),
        bundle(&instance, &attestation()),
    ];
    let legacy = vec![instance.legacy(image(), &Draft::default())];
    insta::assert_snapshot!(shown(&judged(&instance, bundles, legacy)), @r"
    cosign2 | cosign verify | 2 bundles | yes | 
    cosign3 | cosign verify | 2 bundles | yes | 
    kyverno | ImageValidatingPolicy | 2 bundles | yes | 
    kyverno | ClusterPolicy, type Cosign | 1 legacy signature | yes | 
    kyverno | ClusterPolicy, type SigstoreBundle | 2 bundles | yes | 
    policy-controller | signature | 1 legacy signature | yes | 
    policy-controller | attestation, format bundle | 2 bundles | yes |
    ");
}

#[test]
fn without_bundles_the_legacy_form_is_found_by_those_who_look_for_it() {
    let instance = Instance::new();
    let legacy = vec![
        instance.legacy(image(), &other()),
        instance.legacy(image(), &Draft::default()),
    ];
    insta::assert_snapshot!(shown(&judged(&instance, vec![unrelated()], legacy)), @r"
    cosign2 | cosign verify | 2 legacy signatures | yes | 
    cosign3 | cosign verify | 2 legacy signatures | yes | 
    kyverno | ImageValidatingPolicy | 2 legacy signatures | yes | 
    kyverno | ClusterPolicy, type Cosign | 2 legacy signatures | yes | 
    kyverno | ClusterPolicy, type SigstoreBundle | nothing | no | there are no bundles
    policy-controller | signature | 2 legacy signatures | yes | 
    policy-controller | attestation, format bundle | nothing | no | there are no bundles
    ");
}

#[test]
fn bundles_alone_are_not_found_by_all() {
    let instance = Instance::new();
    let bundles = vec![bundle(&instance, &Draft::default())];
    insta::assert_snapshot!(shown(&judged(&instance, bundles, Vec::new())), @r"
    cosign2 | cosign verify | 1 bundle | yes | 
    cosign3 | cosign verify | 1 bundle | yes | 
    kyverno | ImageValidatingPolicy | 1 bundle | yes | 
    kyverno | ClusterPolicy, type Cosign | nothing | no | there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type SigstoreBundle | 1 bundle | yes | 
    policy-controller | signature | nothing | no | there is no tag sha256-6105d6cc76af….sig
    policy-controller | attestation, format bundle | 1 bundle | yes |
    ");
}

/// One bundle, whosever it is, and cosign looks at nothing else.
#[test]
fn a_bundle_of_somebody_else_hides_the_legacy_form() {
    let instance = Instance::new();
    let bundles = vec![bundle(&instance, &other())];
    let legacy = vec![instance.legacy(image(), &Draft::default())];
    insta::assert_snapshot!(shown(&judged(&instance, bundles, legacy)), @r"
    cosign2 | cosign verify | 1 bundle | no | https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main
    cosign3 | cosign verify | 1 bundle | no | https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main
    kyverno | ImageValidatingPolicy | 1 bundle | no | https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main
    kyverno | ClusterPolicy, type Cosign | 1 legacy signature | yes | 
    kyverno | ClusterPolicy, type SigstoreBundle | 1 bundle | no | https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main
    policy-controller | signature | 1 legacy signature | yes | 
    policy-controller | attestation, format bundle | 1 bundle | no | https://github.com/mallory/shop/.github/workflows/deliver.yml@refs/heads/main signed, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main
    ");
}

/// The list is right only if whoever keeps the tag says the type of the artifact, and not only that of its config.
#[test]
fn bundles_that_the_list_does_not_call_bundles() {
    let instance = Instance::new();
    let mut referrer = bundle(&instance, &Draft::default());
    referrer.descriptor.artifact_type = Some("application/vnd.oci.empty.v1+json".to_owned());
    let shown = shown(&judged(&instance, vec![referrer], Vec::new()));
    insta::assert_snapshot!(shown, @r"
    cosign2 | cosign verify | 1 bundle | yes | 
    cosign3 | cosign verify | 1 bundle | yes | 
    kyverno | ImageValidatingPolicy | 1 bundle | yes | 
    kyverno | ClusterPolicy, type Cosign | nothing | no | there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type SigstoreBundle | nothing | no | the list does not say what is there: 1 bundle
    policy-controller | signature | nothing | no | there is no tag sha256-6105d6cc76af….sig
    policy-controller | attestation, format bundle | 1 bundle | yes |
    ");
}

/// G5.
#[test]
fn g5_more_than_50_referrers() {
    let instance = Instance::new();
    let mut referrers = vec![unrelated(); 50];
    referrers.push(bundle(&instance, &Draft::default()));
    let judged = judged(&instance, referrers, Vec::new());
    assert_eq!(judged.signatures().count(), 1);
    insta::assert_snapshot!(shown(&judged), @r"
    cosign2 | cosign verify | 1 bundle | yes | 
    cosign3 | cosign verify | 1 bundle | yes | 
    kyverno | ImageValidatingPolicy | 1 bundle | yes | 
    kyverno | ClusterPolicy, type Cosign | nothing | no | there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type SigstoreBundle | 51 referrers | no | it reads no list of more than 50 referrers
    policy-controller | signature | nothing | no | there is no tag sha256-6105d6cc76af….sig
    policy-controller | attestation, format bundle | 1 bundle | yes |
    ");
    let mut judged = judged;
    judged.referrers.remove(0);
    assert!(Matrix::of(&judged, Some(Verifier::Kyverno)).rows[2].accepted);
}

#[test]
fn what_cannot_be_read_stops_only_who_stops_at_it() {
    let instance = Instance::new();
    let referrers = vec![
        listed(Content::Bundle(b"{}".to_vec())),
        bundle(&instance, &Draft::default()),
    ];
    insta::assert_snapshot!(shown(&judged(&instance, referrers, Vec::new())), @r"
    cosign2 | cosign verify | 1 bundle | yes | 
    cosign3 | cosign verify | 1 bundle | yes | 
    kyverno | ImageValidatingPolicy | 1 bundle | yes | 
    kyverno | ClusterPolicy, type Cosign | nothing | no | there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type SigstoreBundle | 2 referrers | no | it stops at a referrer that it cannot read: missing field `verificationMaterial`
    policy-controller | signature | nothing | no | there is no tag sha256-6105d6cc76af….sig
    policy-controller | attestation, format bundle | 1 bundle | yes |
    ");
}

/// cosign takes any statement of the signer for a signature. Here that has to be stated.
#[test]
fn an_attestation_is_a_signature_for_verifiers_and_none_for_us() {
    let instance = Instance::new();
    let judged = judged(
        &instance,
        vec![bundle(&instance, &attestation())],
        Vec::new(),
    );
    assert_eq!(judged.signatures().count(), 0);
    assert_eq!(judged.attestations(predicate::SPDX).count(), 1);
    assert_eq!(judged.attestations(predicate::CYCLONEDX).count(), 0);
    insta::assert_snapshot!(shown(&judged), @r"
    cosign2 | cosign verify | 1 bundle | yes | 
    cosign3 | cosign verify | 1 bundle | yes | 
    kyverno | ImageValidatingPolicy | 1 bundle | yes | 
    kyverno | ClusterPolicy, type Cosign | nothing | no | there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type SigstoreBundle | 1 bundle | yes | 
    policy-controller | signature | nothing | no | there is no tag sha256-6105d6cc76af….sig
    policy-controller | attestation, format bundle | 1 bundle | yes |
    ");
}

#[test]
fn keys_without_a_log_have_to_be_allowed() {
    let (instance, key) = (Instance::new(), KeyPair::generate().unwrap());
    let policy: Policy = Signer::Key(key.public().unwrap()).into();
    let json = keys::bundle(&key).to_string().into_bytes();
    let found = found(
        vec![listed(Content::Bundle(json))],
        vec![keys::old_form(&key)],
    );
    let judged = judge(&found, &policy, &instance.trust());
    assert_eq!(judged.signatures().count(), 2);
    insta::assert_snapshot!(shown(&judged), @r"
    cosign2 | cosign verify | 1 bundle | no | it is in no transparency log, which has to be allowed
    cosign3 | cosign verify | 1 bundle | no | it is in no transparency log, which has to be allowed
    kyverno | ImageValidatingPolicy | 1 bundle | no | it is in no transparency log, which has to be allowed
    kyverno | ClusterPolicy, type Cosign | 1 legacy signature | no | it is in no transparency log, which has to be allowed
    kyverno | ClusterPolicy, type SigstoreBundle | 1 bundle | no | it is in no transparency log, which has to be allowed
    policy-controller | signature | 1 legacy signature | no | it is in no transparency log, which has to be allowed
    policy-controller | attestation, format bundle | 1 bundle | no | it takes bundles only from identities, not from keys
    ");
}

#[test]
fn a_log_without_a_time_is_not_enough_for_cosign_2() {
    let verified = Verified {
        log_time: false,
        ..Instance::new().verified()
    };
    let mut judged = judged(&Instance::new(), vec![unrelated()], Vec::new());
    judged.referrers[0].bundle = Ok(Ok(verified));
    judged.referrers[0].listed = true;
    insta::assert_snapshot!(shown(&judged), @r"
    cosign2 | cosign verify | 1 bundle | no | its log (Rekor v2) says no time; that of a timestamp authority has to be asked for (--use-signed-timestamps)
    cosign3 | cosign verify | 1 bundle | yes | 
    kyverno | ImageValidatingPolicy | 1 bundle | yes | 
    kyverno | ClusterPolicy, type Cosign | nothing | no | there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type SigstoreBundle | 1 bundle | yes | 
    policy-controller | signature | nothing | no | there is no tag sha256-6105d6cc76af….sig
    policy-controller | attestation, format bundle | 1 bundle | yes |
    ");
}

#[test]
fn nothing_is_found_where_there_is_nothing() {
    let judged = judged(&Instance::new(), Vec::new(), Vec::new());
    insta::assert_snapshot!(shown(&judged), @r"
    cosign2 | cosign verify | nothing | no | there are no bundles; there is no tag sha256-6105d6cc76af….sig
    cosign3 | cosign verify | nothing | no | there are no bundles; there is no tag sha256-6105d6cc76af….sig
    kyverno | ImageValidatingPolicy | nothing | no | there are no bundles; there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type Cosign | nothing | no | there is no tag sha256-6105d6cc76af….sig
    kyverno | ClusterPolicy, type SigstoreBundle | nothing | no | there are no bundles
    policy-controller | signature | nothing | no | there is no tag sha256-6105d6cc76af….sig
    policy-controller | attestation, format bundle | nothing | no | there are no bundles
    ");
    assert_eq!(judged.signatures().count(), 0);
    assert!(judged.rejections().is_empty());
}

#[test]
fn every_reason_is_told_once() {
    let instance = Instance::new();
    let bundles = vec![bundle(&instance, &other()), bundle(&instance, &other())];
    let judged = judged(&instance, bundles, Vec::new());
    assert!(matches!(
        judged.rejections()[..],
        [Rejection::Identity { .. }]
    ));
}

#[test]
fn verifiers_have_names() {
    for verifier in Verifier::ALL {
        assert_eq!(verifier.name().parse(), Ok(verifier));
        let rows = Matrix::of(
            &judged(&Instance::new(), Vec::new(), Vec::new()),
            Some(verifier),
        )
        .rows;
        assert!(!rows.is_empty() && rows.iter().all(|row| row.verifier == verifier));
    }
    assert!("cosign".parse::<Verifier>().is_err());
    assert_eq!(image(), Digest::of("image"));
}
