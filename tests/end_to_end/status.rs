//! `status`: what is pinned, and whether every instance runs it.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use test_support::registry::Wants;
use test_support::server::Server;

use crate::help::examples_work;
use crate::support::deployments::{Deployments, overlay, shop};
use crate::support::program;
use crate::support::project::Project;
use crate::support::registry::registry;
use crate::support::{Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible("status: what is pinned, by whom and since when", pinned),
        test_if_possible("status: every instance is asked, not one", asked),
        test_if_possible("help: every example of status works", examples),
        test_if_possible(
            "status: waiting ends with the last instance, or with time",
            waiting,
        ),
    ]
}

/// An instance: what it answers are files.
struct Instance {
    folder: tempfile::TempDir,
    server: Server,
}

impl Instance {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        Self { folder, server }
    }

    fn answers(&self, path: &str, content: &str) {
        std::fs::write(self.folder.path().join(path), content).unwrap();
    }

    /// Runs this from now on.
    fn runs(&self, digest: &str) {
        let version = json!({ "service": "web", "imageDigest": digest });
        self.answers("version", &version.to_string());
        self.answers("readyz", "ok");
    }
}

/// A shop whose web has two instances in production, and whose migrator answers nowhere.
fn with_instances() -> Result<
    (
        Project,
        Deployments,
        [Instance; 2],
        test_support::registry::Registry,
    ),
    crate::support::Skip,
> {
    let registry = registry(&Wants::default())?;
    let instances = [Instance::new(), Instance::new()];
    let addresses: Vec<String> = instances
        .iter()
        .map(|it| format!("'{}'", it.server.address()))
        .collect();
    let more = format!(
        "addresses.web = [{}]\naddresses.migrator = []\n",
        addresses.join(", ")
    );
    let (project, deployments) = shop(&registry, &more);
    Ok((project, deployments, instances, registry))
}

fn services(project: &Project, environment: &str) -> Value {
    let outcome = project.run(&["status", "--env", environment, "--output", "json"]);
    let all: Value = serde_json::from_str(&outcome.stdout).unwrap();
    all["environments"][0]["services"].clone()
}

fn pinned() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let nothing = project.run(&["status"]).succeeded();
    assert_eq!(
        nothing.stdout.matches("nothing").count(),
        6,
        "{}",
        nothing.stdout
    );
    let digests = project.release();
    project.run(&["promote", "--env", "staging"]).succeeded();
    let found = services(&project, "staging");
    let web = &found[1];
    assert_eq!(
        (&web["name"], &web["digests"]),
        (&json!("web"), &json!([digests["web"]]))
    );
    assert_eq!(web["commit"], project.record()["source"]["commit"]);
    // The commit that pinned it, not the newest.
    let log = deployments.git(&[
        "log",
        "-1",
        "--format=%H %cI",
        "--",
        &overlay("staging", "web"),
    ]);
    let (commit, time) = log.trim().split_once(' ').unwrap();
    assert_eq!(web["since"]["commit"], commit);
    assert!(
        time.starts_with(&web["since"]["time"].as_str().unwrap()[..19]),
        "{time} {web}"
    );
    assert_eq!(web["instances"], Value::Null);
    let path = overlay("staging", "worker");
    let by_hand = deployments
        .file(&path)
        .replace(&digests["worker"], &digests["web"]);
    deployments.write(&[(path, by_hand)]);
    let found = project
        .run(&["status", "worker", "--env", "staging"])
        .succeeded();
    assert!(found.stdout.contains("changed by hand"), "{}", found.stdout);
    project.run(&["status", "nobody"]).exited(2);
    // One that cannot be read does not hide the others.
    let catalog = std::fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    let (before, after) = catalog
        .split_once("[environments.production.deploy]")
        .unwrap();
    let gone = after.replace("deployments.git", "gone.git");
    project.write(
        "pipeline.toml",
        &format!("{before}[environments.production.deploy]{gone}"),
    );
    let partly = project.run(&["status"]).exited(4);
    assert!(
        partly.stdout.contains("staging")
            && partly.stderr.contains("cannot say anything of production"),
        "{}{}",
        partly.stdout,
        partly.stderr
    );
    project.run(&["status", "--env", "nowhere"]).exited(2);
    Ok(())
}

fn asked() -> Verdict {
    let (project, _deployments, [one, other], _registry) = with_instances()?;
    let digests = project.release();
    // What pins nothing is not waited for, and no success.
    let refused = project
        .run(&["status", "web", "--env", "production", "--wait"])
        .exited(1);
    assert!(
        refused
            .stderr
            .contains("nothing that runs in production was asked"),
        "{}",
        refused.stderr
    );
    project.run(&["promote", "--env", "production"]).succeeded();
    one.runs(&digests["web"]);
    other.runs(&digests["worker"]);
    let wrong = project.run(&["status", "--env", "production"]).exited(1);
    assert!(
        wrong
            .stderr
            .contains(&format!("it runs {}", digests["worker"])),
        "{}",
        wrong.stderr
    );
    assert!(wrong.stdout.contains("runs sha256:"), "{}", wrong.stdout);
    other.answers(
        "version",
        &json!({ "service": format!("\u{1b}[2J{}", "x".repeat(5_000)) }).to_string(),
    );
    let foreign = project.run(&["status", "--env", "production"]).exited(1);
    let said = format!("{}{}", foreign.stdout, foreign.stderr);
    assert!(
        said.contains("another service") && !said.contains('\u{1b}') && said.len() < 3_000,
        "{said}"
    );
    other.runs(&digests["web"]);
    project.run(&["status", "--env", "production"]).succeeded();
    project
        .run(&["status", "web", "--env", "production", "--wait"])
        .succeeded();
    // The worker answers somewhere, and nobody says where.
    let unknown = project
        .run(&["status", "--env", "production", "--wait"])
        .exited(1);
    assert!(
        unknown.stderr.contains("nobody says where worker answers"),
        "{}",
        unknown.stderr
    );
    project.replace("pipeline.toml", "addresses.migrator", "addresses.migrater");
    let wrong = project.run(&["status", "--env", "production"]).exited(2);
    assert!(
        wrong
            .stderr
            .contains("addresses.migrater` of pipeline.toml is of no service"),
        "{}",
        wrong.stderr
    );
    Ok(())
}

fn waiting() -> Verdict {
    let (project, _deployments, [one, other], _registry) = with_instances()?;
    let digests = project.release();
    project.run(&["promote", "--env", "production"]).succeeded();
    one.runs(&digests["web"]);
    let arguments = [
        "status",
        "web",
        "--env",
        "production",
        "--wait",
        "--timeout",
    ];
    let late = project.run(&[&arguments[..], &["1s"]].concat()).exited(1);
    assert!(
        late.stderr.contains("not ready: status 404") && late.stdout.contains("runs sha256:"),
        "{}{}",
        late.stdout,
        late.stderr
    );
    let run = program::start(&mut project.command(&[&arguments[..], &["1m"]].concat()));
    std::thread::sleep(std::time::Duration::from_millis(500));
    other.runs(&digests["web"]);
    run.finish().succeeded();
    Ok(())
}

fn examples() -> Verdict {
    let (project, _deployments, instances, _registry) = with_instances()?;
    let digests = project.release();
    for environment in ["production", "staging"] {
        project.run(&["promote", "--env", environment]).succeeded();
    }
    for instance in &instances {
        instance.runs(&digests["web"]);
    }
    let catalog = std::fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    let (_, addresses) = catalog.split_once("addresses.web").unwrap();
    let both = format!("addresses.web{addresses}addresses.worker = []\n");
    let (before, after) = catalog
        .split_once("[environments.production.deploy]")
        .unwrap();
    project.write(
        "pipeline.toml",
        &format!("{before}{both}\n[environments.production.deploy]{after}"),
    );
    examples_work(&project, "status");
    Ok(())
}
