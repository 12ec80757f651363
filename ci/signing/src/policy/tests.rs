//! What the policies say, to the letter; and that no value becomes more than a value.

use insta::assert_snapshot;
use saphyr_parser::{Event, Parser};

use super::*;
use crate::verify::tests::instance::{Instance, identity};

const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----\n";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

fn demand() -> Demand {
    Demand {
        name: "shop".to_owned(),
        repositories: vec!["ghcr.io/acme/shop-web".to_owned()],
        signer: Signer::Identity(identity()),
        attestations: Vec::new(),
        trusted_root: None,
    }
}

fn by_key(logged: bool) -> Demand {
    Demand {
        signer: Signer::Key {
            pem: PEM.to_owned(),
            logged,
        },
        ..demand()
    }
}

fn check(arguments: &[&str]) -> Check {
    Check {
        source: "acme/shop".to_owned(),
        branch: "main".to_owned(),
        arguments: arguments.iter().map(|&one| one.to_owned()).collect(),
    }
}

/// The scalars of a text that is YAML, in their order.
fn scalars(yaml: &str) -> Vec<String> {
    let events = Parser::new_from_str(yaml).map(|event| event.unwrap().0);
    let values = events.filter_map(|event| match event {
        Event::Scalar(value, ..) => Some(value.into_owned()),
        _ => None,
    });
    values.collect()
}

/// What follows a key.
fn after(yaml: &str, key: &str) -> Vec<String> {
    let all = scalars(yaml);
    let pairs = all.windows(2).filter(|pair| pair[0] == key);
    pairs.map(|pair| pair[1].clone()).collect()
}

#[test]
fn kyverno_for_an_identity() {
    let demand = Demand {
        attestations: vec![PROVENANCE.to_owned()],
        ..demand()
    };
    assert_snapshot!(kyverno(&demand), @r#"
    apiVersion: policies.kyverno.io/v1
    kind: ImageValidatingPolicy
    metadata:
      name: "shop-signed"
    spec:
      failurePolicy: Fail
      validationActions: [Deny]
      webhookConfiguration:
        timeoutSeconds: 30
      matchConstraints:
        resourceRules:
          - apiGroups: [""]
            apiVersions: ["v1"]
            operations: ["CREATE", "UPDATE"]
            resources: ["pods"]
      matchImageReferences:
        - glob: "ghcr.io/acme/shop-web"
        - glob: "ghcr.io/acme/shop-web:*"
        - glob: "ghcr.io/acme/shop-web@*"
      validationConfigurations:
        mutateDigest: true
        verifyDigest: true
        required: true
      attestors:
        - name: signer
          cosign:
            keyless:
              identities:
                - issuer: "https://token.actions.githubusercontent.com"
                  subject: "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main"
            ctlog:
              url: https://rekor.sigstore.dev
      attestations:
        - name: attestation0
          intoto:
            type: "https://slsa.dev/provenance/v1"
      validations:
        - message: "not signed by https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main"
          expression: >-
            images.containers.all(image, verifyImageSignatures(image, [attestors.signer]) > 0) &&
            images.initContainers.all(image, verifyImageSignatures(image, [attestors.signer]) > 0) &&
            images.ephemeralContainers.all(image, verifyImageSignatures(image, [attestors.signer]) > 0)
        - message: "not attested by its signer: https://slsa.dev/provenance/v1"
          expression: >-
            images.containers.all(image, verifyAttestationSignatures(image, attestations.attestation0, [attestors.signer]) > 0) &&
            images.initContainers.all(image, verifyAttestationSignatures(image, attestations.attestation0, [attestors.signer]) > 0) &&
            images.ephemeralContainers.all(image, verifyAttestationSignatures(image, attestations.attestation0, [attestors.signer]) > 0)
    "#);
}

#[test]
fn kyverno_for_a_key() {
    assert_snapshot!(kyverno(&by_key(false)), @r#"
    apiVersion: policies.kyverno.io/v1
    kind: ImageValidatingPolicy
    metadata:
      name: "shop-signed"
    spec:
      failurePolicy: Fail
      validationActions: [Deny]
      webhookConfiguration:
        timeoutSeconds: 30
      matchConstraints:
        resourceRules:
          - apiGroups: [""]
            apiVersions: ["v1"]
            operations: ["CREATE", "UPDATE"]
            resources: ["pods"]
      matchImageReferences:
        - glob: "ghcr.io/acme/shop-web"
        - glob: "ghcr.io/acme/shop-web:*"
        - glob: "ghcr.io/acme/shop-web@*"
      validationConfigurations:
        mutateDigest: true
        verifyDigest: true
        required: true
      attestors:
        - name: signer
          cosign:
            key:
              data: |
                -----BEGIN PUBLIC KEY-----
                MFkwEwYHKoZIzj0CAQYI
                -----END PUBLIC KEY-----
            ctlog:
              insecureIgnoreTlog: true
              insecureIgnoreSCT: true
      validations:
        - message: "not signed by the key of shop"
          expression: >-
            images.containers.all(image, verifyImageSignatures(image, [attestors.signer]) > 0) &&
            images.initContainers.all(image, verifyImageSignatures(image, [attestors.signer]) > 0) &&
            images.ephemeralContainers.all(image, verifyImageSignatures(image, [attestors.signer]) > 0)
    "#);
    assert!(!kyverno(&by_key(true)).contains("insecure"));
}

#[test]
fn policy_controller_for_an_identity() {
    let demand = Demand {
        attestations: vec![PROVENANCE.to_owned()],
        ..demand()
    };
    assert_snapshot!(policy_controller(&demand).unwrap(), @r#"
    apiVersion: policy.sigstore.dev/v1beta1
    kind: ClusterImagePolicy
    metadata:
      name: "shop-signed"
    spec:
      mode: enforce
      images:
        - glob: "ghcr.io/acme/shop-web:**"
        - glob: "ghcr.io/acme/shop-web@**"
      authorities:
        - name: signer
          keyless:
            url: "https://fulcio.sigstore.dev"
            identities:
              - issuer: "https://token.actions.githubusercontent.com"
                subject: "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main"
          ctlog:
            url: "https://rekor.sigstore.dev"
    ---
    apiVersion: policy.sigstore.dev/v1beta1
    kind: ClusterImagePolicy
    metadata:
      name: "shop-attested-0"
    spec:
      mode: enforce
      images:
        - glob: "ghcr.io/acme/shop-web:**"
        - glob: "ghcr.io/acme/shop-web@**"
      authorities:
        - name: signer
          keyless:
            url: "https://fulcio.sigstore.dev"
            identities:
              - issuer: "https://token.actions.githubusercontent.com"
                subject: "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main"
          ctlog:
            url: "https://rekor.sigstore.dev"
          signatureFormat: bundle
          attestations:
            - name: attestation
              predicateType: "https://slsa.dev/provenance/v1"
    "#);
}

#[test]
fn policy_controller_for_a_key() {
    assert_snapshot!(policy_controller(&by_key(true)).unwrap(), @r#"
    apiVersion: policy.sigstore.dev/v1beta1
    kind: ClusterImagePolicy
    metadata:
      name: "shop-signed"
    spec:
      mode: enforce
      images:
        - glob: "ghcr.io/acme/shop-web:**"
        - glob: "ghcr.io/acme/shop-web@**"
      authorities:
        - name: signer
          key:
            data: |
              -----BEGIN PUBLIC KEY-----
              MFkwEwYHKoZIzj0CAQYI
              -----END PUBLIC KEY-----
          ctlog:
            url: "https://rekor.sigstore.dev"
    "#);
    let attested = Demand {
        attestations: vec![PROVENANCE.to_owned()],
        ..by_key(true)
    };
    let error = policy_controller(&attested).unwrap_err();
    assert_snapshot!(error, @"the public key cannot vouch for https://slsa.dev/provenance/v1: policy-controller takes attestations in bundles only of identities");
}

#[test]
fn a_private_sigstore_is_told_to_both() {
    let root = Instance::new().trusted_root();
    let demand = Demand {
        trusted_root: Some(serde_json::to_string_pretty(&root).unwrap()),
        ..demand()
    };
    let yaml = kyverno(&demand);
    let [told] = &after(&yaml, "value")[..] else {
        panic!("{yaml}");
    };
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(told).unwrap(),
        root
    );
    assert!(!yaml.contains("sigstore.dev"), "{yaml}");
    let yaml = policy_controller(&demand).unwrap();
    assert_eq!(after(&yaml, "kind"), ["TrustRoot", "ClusterImagePolicy"]);
    assert_eq!(after(&yaml, "trustRootRef"), ["shop", "shop"]);
    assert_eq!(
        after(&yaml, "url"),
        ["https://fulcio.example", "https://rekor.example"]
    );
    assert_eq!(
        after(&yaml, "baseURL"),
        ["https://ctlog.example", "https://rekor.example"]
    );
    for pem in [after(&yaml, "certChain"), after(&yaml, "publicKey")].concat() {
        use base64::Engine;
        let pem = base64::engine::general_purpose::STANDARD
            .decode(pem)
            .unwrap();
        assert!(pem.starts_with(b"-----BEGIN "));
    }
    let none = Demand {
        trusted_root: Some("[]".to_owned()),
        ..demand
    };
    assert!(policy_controller(&none).is_err());
}

/// Who writes `acme/shop` means the same image as `docker.io/acme/shop`, and has to be asked for the same signature.
#[test]
fn images_of_docker_hub_are_met_by_all_their_names() {
    let demand = Demand {
        repositories: vec![
            "docker.io/library/shop".to_owned(),
            "127.0.0.1:5000/a/b".to_owned(),
        ],
        ..demand()
    };
    let globs = after(&kyverno(&demand), "glob");
    for name in [
        "shop",
        "library/shop@*",
        "index.docker.io/library/shop:*",
        "docker.io/library/shop",
        "127.0.0.1:5000/a/b:*",
    ] {
        assert!(globs.iter().any(|glob| glob == name), "{name}: {globs:?}");
    }
    let globs = after(&policy_controller(&demand).unwrap(), "glob");
    let expected = [
        "index.docker.io/library/shop:**",
        "index.docker.io/library/shop@**",
        "127.0.0.1:5000/a/b:**",
        "127.0.0.1:5000/a/b@**",
    ];
    assert_eq!(globs, expected);
}

#[test]
fn the_check_of_a_deployments_repository() {
    let identity = identity();
    let check = check(&["overlays/production", "--identity", identity.identity()]);
    assert_snapshot!(argocd(&check), @r#"
    # Make the job `gate` a required check of this branch (Settings, Rules): then nothing is deployed that it does not let pass.
    name: gate

    on:
      pull_request:
        branches: ["main"]
      merge_group:

    permissions:
      contents: read

    concurrency:
      group: gate-${{ github.ref }}
      cancel-in-progress: true

    jobs:
      gate:
        runs-on: ubuntu-latest
        timeout-minutes: 20
        steps:
          - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
            with:
              persist-credentials: false
          - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
            with:
              repository: "acme/shop"
              path: .gate
              persist-credentials: false
          - run: cargo build --locked --manifest-path .gate/Cargo.toml -p pipeline --features sign
          - run: |
              .gate/target/debug/pipeline gate overlays/production --identity https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main
    "#);
}

/// W3: what the shell or GitHub would act on is only text.
#[test]
fn w3_words_of_the_check_are_words() {
    let text = argocd(&check(&[
        "$(touch x)",
        "it's",
        "a: b # c",
        "${{ github.token }}",
        "",
    ]));
    let step = after(&text, "run").pop().unwrap();
    assert_snapshot!(step, @r".gate/target/debug/pipeline gate '$(touch x)' 'it'\''s' 'a: b # c' '$''{{ github.token }}' ''");
    assert!(!step.contains("${{"));
}

#[test]
fn no_value_is_more_than_a_value() {
    let hostile = "a\": b\n- c # \u{1b}[31m {{ }} \\";
    let demand = Demand {
        attestations: vec![hostile.to_owned()],
        ..demand()
    };
    let plain = Demand {
        attestations: vec!["a".to_owned()],
        ..demand.clone()
    };
    assert_eq!(after(&kyverno(&demand), "type"), [hostile]);
    assert_eq!(
        scalars(&kyverno(&demand)).len(),
        scalars(&kyverno(&plain)).len()
    );
    let (demand, plain) = (
        policy_controller(&demand).unwrap(),
        policy_controller(&plain).unwrap(),
    );
    assert_eq!(after(&demand, "predicateType"), [hostile]);
    assert_eq!(scalars(&demand).len(), scalars(&plain).len());
}
