//! `sign`: what was pushed is signed, and others accept it. Their own tests are beside `ci/signing`; here it is the whole way, from
//! source to verdict, with the real servers and the real verifiers.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;
use test_support::peers;
use test_support::registry::{Registry, Wants};
use test_support::sigstore::{Job, Logs, REQUEST_TOKEN, Sigstore};

use crate::help::examples_work;
use crate::support::program::{Outcome, run, start};
use crate::support::project::{Project, text};
use crate::support::registry::{plain, registry};
use crate::support::{Skip, Verdict, test, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "sign: what a job built and pushed is accepted by cosign 2, cosign 3 and ourselves",
            accepted,
        ),
        test_if_possible("sign: again does nothing", again),
        test_if_possible(
            "c6: a signing that was killed is finished by the next",
            killed,
        ),
        test_if_possible(
            "g4: while the log is down nothing is attached, and afterwards all of it is",
            log_down,
        ),
        test_if_possible(
            "sign: with a key of ours, which cosign verifies with",
            with_a_key,
        ),
        test("keys: every example works", key_examples),
        test_if_possible(
            "sign: another signer than the catalog names is refused",
            somebody_else,
        ),
        test_if_possible(
            "r5: a tag that names another image by now is not signed",
            moved,
        ),
        test_if_possible(
            "s1: no token, key or password is in what signing leaves or says",
            secrets,
        ),
    ]
}

const PASSWORD: &str = "pass-word-of-the-key";

/// A registry, a Sigstore, and a project whose one image was built and pushed.
struct World {
    registry: Registry,
    sigstore: Sigstore,
    project: Project,
}

impl World {
    fn new(more: &str) -> Result<Self, Skip> {
        let registry = registry(&Wants::default())?;
        let sigstore = Sigstore::start().map_err(Skip)?;
        let project = Project::cold();
        fs::copy(sigstore.trusted_root(), project.root.join("root.json")).unwrap();
        let services = sigstore.signing_config(Logs::V1);
        fs::copy(services, project.root.join("services.json")).unwrap();
        let who = match more.contains("key =") {
            true => String::new(),
            false => format!(
                "issuer = \"{}\"\nidentity = \"{}\"\n",
                sigstore.issuer(),
                Job::default().identity()
            ),
        };
        project.write(
            "pipeline.toml",
            &format!(
                "[project]\nname = \"shop\"\nregistry = \"{}/acme\"\nservices = [\"app\"]\ntags = [\"{{sha}}\"]\n\n{}[signing]\ntrusted-root = \"root.json\"\nsigning-config = \"services.json\"\n{who}{more}",
                registry.host,
                plain(&registry),
            ),
        );
        project.write("app/service.toml", "builder = \"dockerfile\"\n");
        project.write("app/Dockerfile", "FROM scratch\nCOPY file /file\n");
        project.write("app/file", "content");
        project.git(&["add", "--all"]);
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        project.git(&[&who[..], &["commit", "--quiet", "--message", "change"]].concat());
        let world = Self {
            registry,
            sigstore,
            project,
        };
        if !more.contains("key =") {
            world.push();
        }
        Ok(world)
    }

    fn push(&self) {
        self.project.run(&["build"]).succeeded();
        self.project.run(&["push"]).succeeded();
    }

    /// Runs the program as a job of GitHub's does.
    fn job(&self, arguments: &[&str]) -> Outcome {
        run(&mut self.job_command(arguments))
    }

    fn job_command(&self, arguments: &[&str]) -> Command {
        let record = self.project.record();
        let commit = record["source"]["commit"].as_str().unwrap();
        let mut command = self.project.command(arguments);
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_REPOSITORY", "acme/shop")
            .env(
                "GITHUB_WORKFLOW_REF",
                "acme/shop/.github/workflows/deliver.yml@refs/heads/main",
            )
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_SHA", commit)
            .env("GITHUB_RUN_ID", "77")
            .env("ACTIONS_ID_TOKEN_REQUEST_URL", self.sigstore.token_url())
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN);
        command
    }

    fn digest(&self) -> String {
        let record = self.project.record();
        record["services"][0]["digest"].as_str().unwrap().to_owned()
    }

    fn image(&self) -> String {
        format!("{}/acme/shop-app@{}", self.registry.host, self.digest())
    }

    /// What a cosign says of the image.
    fn cosign(&self, program: &str, arguments: &[&str]) -> Result<Outcome, Skip> {
        let mut command = Command::new(peers::need(program).map_err(Skip)?);
        command
            .args(arguments)
            .arg(self.image())
            .env_clear()
            .env("HOME", &self.project.home)
            .envs(
                self.sigstore
                    .environment()
                    .iter()
                    .map(|(name, path)| (name, path)),
            );
        Ok(run(&mut command))
    }

    fn identity(&self) -> [String; 4] {
        [
            "--certificate-identity".to_owned(),
            Job::default().identity(),
            "--certificate-oidc-issuer".to_owned(),
            self.sigstore.issuer(),
        ]
    }

    /// What is attached, as the record tells: how many signatures, and the types of what is attested.
    fn attached(&self) -> (usize, BTreeSet<String>) {
        let record = self.project.record();
        let signature = &record["services"][0]["signature"];
        let statements = signature["attestations"].as_array();
        let kinds = statements.into_iter().flatten();
        let kinds = kinds.map(|it| it["predicateType"].as_str().unwrap().to_owned());
        let signatures = signature["signatures"].as_array().map_or(0, Vec::len);
        (signatures, kinds.collect())
    }

    /// The tags of the repository: those of the referrers' list and of legacy signatures among them.
    fn tags(&self) -> usize {
        let name = format!("{}/acme/shop-app", self.registry.host);
        let asked = Command::new("skopeo")
            .args([
                "list-tags",
                "--tls-verify=false",
                &format!("docker://{name}"),
            ])
            .output()
            .unwrap();
        let listed: Value = serde_json::from_slice(&asked.stdout).unwrap();
        listed["Tags"].as_array().unwrap().len()
    }
}

fn accepted() -> Verdict {
    let world = World::new("")?;
    let signed = world.job(&["sign"]).succeeded();
    assert!(
        signed.stdout.contains(&Job::default().identity()),
        "{}",
        signed.stdout
    );
    let (signatures, kinds) = world.attached();
    assert_eq!(signatures, 2, "a bundle and a legacy signature");
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "https://cyclonedx.org/bom",
            "https://slsa.dev/provenance/v1",
            "https://spdx.dev/Document",
        ]
    );
    let root = world.sigstore.trusted_root();
    let identity = world.identity();
    let who: Vec<&str> = identity.iter().map(String::as_str).collect();
    let common = ["--allow-insecure-registry", "--trusted-root", text(&root)];
    for cosign in ["cosign2", "cosign3"] {
        let arguments = [&["verify"], &common[..], &who[..]].concat();
        world.cosign(cosign, &arguments)?.succeeded();
    }
    let arguments = [
        &["verify-attestation", "--type", "slsaprovenance1"],
        &common[..],
        &who[..],
    ];
    world.cosign("cosign3", &arguments.concat())?.succeeded();
    // Whoever the catalog names is asked for without being named again.
    let verified = world.project.run(&["verify", &world.image()]);
    verified.succeeded();
    // So does the gate of a deployments repository, which lets nobody else's image in.
    let manifest = format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: {}\n",
        world.image()
    );
    world.project.write("pod.yaml", &manifest);
    world.project.run(&["gate", "pod.yaml"]).succeeded();
    let other = Job {
        repository: "mallory/shop".to_owned(),
        ..Job::default()
    };
    let issuer = world.sigstore.issuer();
    let identity = other.identity();
    let as_other = ["--identity", &identity, "--issuer", &issuer];
    let refused = world
        .project
        .run(&[&["gate", "pod.yaml"], &as_other[..]].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", refused.stderr);
    Ok(())
}

fn again() -> Verdict {
    let world = World::new("")?;
    world.job(&["sign"]).succeeded();
    let (tags, record) = (world.tags(), world.project.record());
    let second = world.job(&["sign"]).succeeded();
    assert!(second.stdout.contains("was there"), "{}", second.stdout);
    assert_eq!(world.tags(), tags);
    assert_eq!(world.project.record(), record);
    Ok(())
}

fn killed() -> Verdict {
    let world = World::new("")?;
    // Wherever it is then: before the certificate, between two attachments, before the record.
    for delay in [100, 400, 700, 1000, 1500, 2500] {
        let signing = start(&mut world.job_command(&["sign"]));
        std::thread::sleep(Duration::from_millis(delay));
        let _ = rustix::process::kill_process_group(signing.pid(), rustix::process::Signal::KILL);
        drop(signing.finish());
    }
    world.job(&["sign"]).succeeded();
    world.project.run(&["verify", &world.image()]).succeeded();
    let (signatures, kinds) = world.attached();
    assert_eq!((signatures, kinds.len()), (2, 3));
    // What a killed run had attached was found again, not made twice.
    let name = format!("{}/acme/shop-app", world.registry.host);
    let tag = world.digest().replace(':', "-");
    let signatures = inspect(&format!("{name}:{tag}.sig"));
    assert_eq!(signatures["layers"].as_array().unwrap().len(), 1);
    let list = inspect(&format!("{name}:{tag}"));
    assert_eq!(list["manifests"].as_array().unwrap().len(), 4, "{list}");
    Ok(())
}

/// A document of a registry.
fn inspect(reference: &str) -> Value {
    let reference = format!("docker://{reference}");
    let asked = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false", &reference])
        .output()
        .unwrap();
    serde_json::from_slice(&asked.stdout).unwrap()
}

fn log_down() -> Verdict {
    let mut world = World::new("")?;
    let before = world.tags();
    world.sigstore.stop_logs();
    let failed = world.job(&["sign"]);
    assert_eq!(failed.status.code(), Some(4), "{}", failed.stderr);
    assert!(
        failed.stderr.contains("transparency log"),
        "{}",
        failed.stderr
    );
    assert_eq!(world.tags(), before, "nothing is attached");
    assert_eq!(world.attached().0, 0);
    world.sigstore.resume_logs();
    world.job(&["sign"]).succeeded();
    world.project.run(&["verify", &world.image()]).succeeded();
    Ok(())
}

fn with_a_key() -> Verdict {
    let world = World::new("key = \"shop.pub\"\n")?;
    let project = &world.project;
    let mut generate = project.command(&["keys", "generate", "--name", "shop"]);
    run(generate.env("COSIGN_PASSWORD", PASSWORD)).succeeded();
    project.git(&["add", "shop.pub"]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    project.git(&[&who[..], &["commit", "--quiet", "--message", "key"]].concat());
    project.sh("echo /shop.key >> .git/info/exclude", &[]);
    world.push();
    let mut sign = project.command(&["sign", "--key", "shop.key"]);
    run(sign.env("COSIGN_PASSWORD", PASSWORD)).succeeded();
    let key = project.root.join("shop.pub");
    let root = world.sigstore.trusted_root();
    for cosign in ["cosign2", "cosign3"] {
        let arguments = [
            "verify",
            "--allow-insecure-registry",
            "--trusted-root",
            text(&root),
            "--key",
            text(&key),
        ];
        world.cosign(cosign, &arguments)?.succeeded();
    }
    project.run(&["verify", &world.image()]).succeeded();
    // It is never written over.
    let mut again = project.command(&["keys", "generate", "--name", "shop"]);
    let refused = run(again.env("COSIGN_PASSWORD", PASSWORD));
    assert_eq!(refused.status.code(), Some(2), "{}", refused.stderr);
    Ok(())
}

fn key_examples() {
    let project = Project::cold();
    examples_work(&project, "keys");
    let mode = |name: &str| fs::metadata(project.root.join(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("cosign.key"), mode("keys/shop.key")), (0o600, 0o600));
}

fn somebody_else() -> Verdict {
    let world = World::new("")?;
    let before = world.tags();
    let other = Job {
        repository: "mallory/shop".to_owned(),
        ..Job::default()
    };
    let mut sign = world.project.command(&["sign"]);
    let refused = run(sign.env("SIGSTORE_ID_TOKEN", world.sigstore.token(&other)));
    assert_eq!(refused.status.code(), Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("mallory/shop"),
        "{}",
        refused.stderr
    );
    assert_eq!(world.tags(), before);
    Ok(())
}

fn moved() -> Verdict {
    let world = World::new("")?;
    let record = world.project.record();
    let tag = record["services"][0]["tags"][0].as_str().unwrap();
    let name = format!("{}/acme/shop-app:{tag}", world.registry.host);
    let other = world.registry.push(
        test_support::base::Base::Busybox,
        &format!("acme/shop-app:{tag}"),
    );
    other.map_err(Skip)?;
    let refused = world.job(&["sign"]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.stderr);
    for part in [name.as_str(), &world.digest()] {
        assert!(refused.stderr.contains(part), "{part}\n{}", refused.stderr);
    }
    Ok(())
}

fn secrets() -> Verdict {
    let world = World::new("")?;
    let mut output = String::new();
    for arguments in [
        &["sign"][..],
        &["sign", "--output", "json", "--progress", "json"],
    ] {
        let signed = world.job(arguments).succeeded();
        output.push_str(&signed.stdout);
        output.push_str(&signed.stderr);
    }
    let token = world.sigstore.token(&Job::default());
    // Its last part is the signature, which differs; its first two say who it is.
    let claims = token.split('.').nth(1).unwrap();
    let left = world
        .project
        .bare("grep")
        .args(["-rlF", REQUEST_TOKEN, ".pipeline"])
        .output();
    assert!(left.unwrap().stdout.is_empty());
    for secret in [REQUEST_TOKEN, claims] {
        assert!(!output.contains(secret), "{output}");
    }
    Ok(())
}
