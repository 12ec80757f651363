//! `verify`: an image is its signer's, or the command fails and says why not; and what others would make of it. `policy`: what they are
//! told. What a workflow signs is verified in `sign`; here a key signs, which needs nothing but a registry.

use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;
use test_support::registry::{Registry, Wants};

use crate::help::examples_work;
use crate::support::program::run;
use crate::support::project::{Project, text};
use crate::support::registry::{plain, registry};
use crate::support::{Verdict, test, test_if_possible};

const PASSWORD: &str = "pass-word-of-the-key";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const WORKFLOW: &str = "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "verify: what was signed with the key, and nothing else",
            by_key,
        ),
        test("g6: verify: nobody named is nobody's signature", nobody),
        test("policy: every example works", policy_examples),
        test(
            "policy: what clusters are told is the same everywhere",
            policies,
        ),
    ]
}

/// A project whose one image was built, pushed and signed with a key.
fn signed(registry: &Registry) -> Project {
    let project = Project::cold();
    let mut generate = project.command(&["keys", "generate"]);
    run(generate.env("COSIGN_PASSWORD", PASSWORD)).succeeded();
    let catalog = format!(
        "[project]\nname = \"shop\"\nregistry = \"{}/acme\"\nservices = [\"app\"]\ntags = [\"{{sha}}\"]\n{}[signing]\nkey = \"cosign.pub\"\n",
        registry.host,
        plain(registry),
    );
    project.write("pipeline.toml", &catalog);
    project.write("app/service.toml", "builder = \"dockerfile\"\n");
    project.write("app/Dockerfile", "FROM scratch\nCOPY file /file\n");
    project.write("app/file", "content");
    project.sh("echo /cosign.key >> .git/info/exclude", &[]);
    project.git(&["add", "--all"]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    project.git(&[&who[..], &["commit", "--quiet", "--message", "change"]].concat());
    project.run(&["build"]).succeeded();
    project.run(&["push"]).succeeded();
    project
}

fn by_key() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = signed(&registry);
    let record = project.record();
    let service = &record["services"][0];
    let tag = service["tags"][0].as_str().unwrap();
    let image = format!("{}/acme/shop-app:{tag}", registry.host);

    let unsigned = project.run(&["verify", &image]).exited(1);
    assert!(
        unsigned.stderr.contains("it has no signature"),
        "{}",
        unsigned.stderr
    );

    let mut sign = project.command(&["sign", "--key", "cosign.key", "--no-log"]);
    run(sign.env("COSIGN_PASSWORD", PASSWORD)).succeeded();
    let verified = project.run(&["verify", &image]).succeeded().stdout;
    for part in ["signature, bundle", "signature, legacy", "key ", PROVENANCE] {
        assert!(verified.contains(part), "{part}: {verified}");
    }
    let arguments = [
        "verify",
        "--output",
        "json",
        "--attestation",
        PROVENANCE,
        &image,
    ];
    let verified = project.run(&arguments).succeeded().stdout;
    let verified: Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified[0]["digest"], service["digest"]);
    assert_eq!(verified[0]["good"], true);

    let absent = "https://example.com/absent";
    let refused = project
        .run(&["verify", "--attestation", absent, &image])
        .exited(1);
    assert!(refused.stderr.contains(absent), "{}", refused.stderr);

    // The key is not in a log, which others want to be told about.
    let matrix = project.run(&["verify", "--matrix", "--output", "json", &image]);
    let matrix: Value = serde_json::from_str(&matrix.succeeded().stdout).unwrap();
    assert_eq!(matrix[0]["rows"].as_array().unwrap().len(), 7, "{matrix}");
    let refused = project
        .run(&["verify", "--as", "cosign3", &image])
        .exited(1);
    assert!(
        refused.stderr.contains("transparency log"),
        "{}",
        refused.stderr
    );

    // Somebody else's signature is none.
    let mut other = project.command(&["keys", "generate", "--name", "other"]);
    run(other.env("COSIGN_PASSWORD", PASSWORD)).succeeded();
    let refused = project
        .run(&["verify", "--key", "other.pub", &image])
        .exited(1);
    assert!(
        refused.stderr.contains("the signature is wrong"),
        "{}",
        refused.stderr
    );
    // A workflow's is not that of a key.
    let root = project.root.join("root.json");
    let empty = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;
    std::fs::write(&root, empty).unwrap();
    let arguments = [
        "verify",
        "--trusted-root",
        text(&root),
        "--identity",
        WORKFLOW,
        &image,
    ];
    let refused = project.run(&arguments).exited(1);
    assert!(
        refused.stderr.contains("certificate is expected"),
        "{}",
        refused.stderr
    );

    // The manifest with the signature is there still, under an image that it is not of.
    let other = format!("{}/acme/shop-app:other", registry.host);
    copy(&image, &other);
    project.run(&["verify", &other]).succeeded();
    let gone = format!("{}/acme/shop-app:gone", registry.host);
    let refused = project.run(&["verify", &gone]).exited(2);
    assert!(refused.stderr.contains("gone"), "{}", refused.stderr);
    Ok(())
}

/// The same image under another tag.
fn copy(image: &str, other: &str) {
    let copied = Command::new("skopeo")
        .args([
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ])
        .args([format!("docker://{image}"), format!("docker://{other}")])
        .status();
    assert!(copied.unwrap().success());
}

fn nobody() {
    let project = Project::cold();
    let refused = project.run(&["verify", "127.0.0.1:1/shop:1"]).exited(2);
    assert!(
        refused.stderr.contains("nobody is named"),
        "{}",
        refused.stderr
    );
    let refused = project
        .run(&["verify", "--identity", ".*", "127.0.0.1:1/shop:1"])
        .exited(2);
    assert!(refused.stderr.contains("pattern"), "{}", refused.stderr);
    let refused = project.run(&["policy", "kyverno"]).exited(2);
    assert!(
        refused.stderr.contains("nobody is named"),
        "{}",
        refused.stderr
    );
}

/// A project whose images a workflow signs.
fn delivered() -> Project {
    let project = Project::cold();
    let catalog = std::fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    let signing = format!("{catalog}\n[signing]\nidentity = \"{WORKFLOW}\"\n");
    project.write("pipeline.toml", &signing);
    project
}

fn policy_examples() {
    examples_work(&delivered(), "policy");
}

fn policies() {
    let (project, other) = (delivered(), delivered());
    for system in ["kyverno", "policy-controller"] {
        let arguments = ["policy", system, "--attestation", PROVENANCE];
        let told = project.run(&arguments).succeeded().stdout;
        assert!(
            told.contains(WORKFLOW) && told.contains(PROVENANCE),
            "{told}"
        );
        assert!(told.contains("registry.example.com/acme/"), "{told}");
        assert_eq!(told, other.run(&arguments).succeeded().stdout);
    }
    let check = project.run(&["policy", "argocd", "overlays/production"]);
    let check = check.succeeded().stdout;
    for part in [
        "repository: \"acme/shop\"",
        "gate overlays/production --identity",
        "--features sign",
    ] {
        assert!(check.contains(part), "{part}: {check}");
    }
    let refused = project.run(&["policy", "kyverno", "--no-log"]).exited(2);
    assert!(refused.stderr.contains("--no-log"), "{}", refused.stderr);
}
