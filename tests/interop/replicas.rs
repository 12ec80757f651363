//! The replicas of `tests/replicas`, built by BuildKit: what their `expected/` says of ours holds for its images, but for what the catalog
//! adds to an image.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use libtest_mimic::{Completion, Failed, Trial};
use test_support::base::Bases;
use test_support::case::{self, Options, Servers, Staged};
use test_support::replicas;
use test_support::tree::changed_lines;
use toml::Table;

use crate::buildkit;
use crate::work;

/// Replicas and the folders of their services.
const SERVICES: [(&str, &str); 10] = [
    ("app-and-migrator", "deploy/app"),
    ("app-and-migrator", "deploy/migrator"),
    ("go-server", "."),
    ("monorepo", "deploy/ai-planner"),
    ("monorepo", "deploy/api"),
    ("monorepo", "deploy/docs"),
    ("monorepo", "deploy/migrator"),
    ("monorepo", "deploy/scheduler"),
    ("monorepo", "deploy/web"),
    ("node-service", "services/scheduler-worker"),
];

pub(crate) fn tests() -> Vec<Trial> {
    let test = |(replica, folder): (&'static str, &'static str)| {
        let name = format!(
            "replicas::{replica}::{}",
            folder.rsplit('/').next().unwrap()
        );
        Trial::ignorable_test(name, move || compare(replica, folder))
    };
    SERVICES.map(test).into()
}

fn made() -> &'static Result<Bases, String> {
    static BASES: OnceLock<Result<Bases, String>> = OnceLock::new();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    BASES.get_or_init(|| replicas::make(&work::folder("replica-bases"), kept))
}

fn compare(replica: &str, folder: &str) -> Result<Completion, Failed> {
    let (buildkit, bases) = match (buildkit::daemon(), made()) {
        (Ok(buildkit), Ok(bases)) => (buildkit, bases),
        (Err(reason), _) => return Ok(Completion::ignored_with(reason)),
        (_, Err(reason)) => return Ok(Completion::ignored_with(reason.as_str())),
    };
    let source = work::repository().join("tests/replicas").join(replica);
    let project = work::folder(replica).join("project");
    case::check_out(&source, &project, &["expected"]);
    let folder = project.join(folder);
    // As the suite of the replicas commits them.
    let catalog = fs::read_to_string(folder.join("service.toml"))?
        .replace("{version}", "1.6.1")
        .replace("{sha}", "COMMIT")
        .replace("{commit_time}", "2023-11-14T22:13:20Z");
    let catalog: Table = catalog.parse()?;
    let name = match catalog.get("name") {
        Some(name) => name.as_str().unwrap(),
        None => folder.file_name().unwrap().to_str().unwrap(),
    };
    let name = name.to_owned();
    let staged = Staged {
        name: name.clone(),
        options: Options::read(&catalog),
        servers: Servers::default(),
        project,
        folder,
    };
    let (mut image, _) = buildkit.image(&staged, bases)?;
    // What BuildKit mounts on, where a base image has it not.
    let mounts = ["+ dev d", "+ proc d", "+ sys d"];
    image
        .files
        .retain(|line| !mounts.iter().any(|mount| line.starts_with(mount)));
    let expected = expected(&source.join("expected").join(name), &catalog);
    let theirs = image.to_string();
    if theirs == expected {
        return Ok(Completion::Completed);
    }
    let lines = changed_lines(&expected, &theirs);
    Err(format!("what is expected (-) and BuildKit's (+):\n{lines}").into())
}

/// What is expected of the Dockerfile: without the environment that the catalog adds, and without warnings.
fn expected(file: &Path, catalog: &Table) -> String {
    let text = fs::read_to_string(file).unwrap();
    let image = text.find("config\n").unwrap();
    let added = catalog.get("image").and_then(|image| image.get("env"));
    let added = added
        .and_then(toml::Value::as_table)
        .cloned()
        .unwrap_or_default();
    let is_added = |line: &&str| {
        added
            .keys()
            .any(|name| line.starts_with(&format!("  Env \"{name}=")))
    };
    text[image..]
        .lines()
        .filter(|line| !is_added(line))
        .map(|line| format!("{line}\n"))
        .collect()
}
