//! One replica in a checkout of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use test_support::base::Bases;
use test_support::case;
use test_support::events::Events;
use test_support::image::Image;
use test_support::report::{Built, Report};
use test_support::tree::changed_lines;

/// A registry that nobody is at.
const NOWHERE: &str = "127.0.0.1:9";

/// A checkout of a replica, and what it is built with.
pub(crate) struct Replica {
    source: PathBuf,
    project: PathBuf,
    cache: PathBuf,
    registry: String,
    commit: String,
}

impl Replica {
    /// Commits a copy of the replica as version 1.6.1; the commit is the same each time.
    #[track_caller]
    pub(crate) fn check_out(name: &str, work: &Path, registry: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/replicas")
            .join(name);
        let project = work.join(name);
        case::check_out(&source, &project, &["expected"]);
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .args([
                    "-c",
                    "user.name=A",
                    "-c",
                    "user.email=a@example.com",
                    "-c",
                    "init.defaultBranch=main",
                ])
                .args(arguments)
                .current_dir(&project)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_AUTHOR_DATE", "1700000000 +0000")
                .env("GIT_COMMITTER_DATE", "1700000000 +0000")
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "git {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "--quiet"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message=feat: everything"]);
        git(&["tag", "v1.6.1"]);
        Self {
            commit: git(&["rev-parse", "HEAD"]),
            source,
            cache: work.join("cache"),
            project,
            registry: registry.to_owned(),
        }
    }

    /// Builds every service from nothing and holds the images against `expected/`.
    #[track_caller]
    pub(crate) fn builds_what_is_expected(&self, bases: &Bases) {
        let output = self.run(&["build", "--progress", "json"], &self.registry);
        let stderr = succeeded(&output);
        let mut dockerfiles = String::new();
        read_dockerfiles(&self.source, &mut dockerfiles);
        let mut wrong = Vec::new();
        for service in self.services() {
            let image = Image::open(&self.project.join(".pipeline/oci"), Some(&service));
            let report = Report {
                exit: 0,
                events: Events::read(&stderr, &service),
                image: Some(Built::read(&image, bases).as_written(&dockerfiles)),
            };
            // Another change of a file of the replica makes another commit.
            let report = report.to_string().replace(&self.commit, "COMMIT");
            let file = self.source.join("expected").join(&service);
            if std::env::var_os("UPDATE_EXPECTED").is_some() {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, report).unwrap();
                continue;
            }
            let expected = fs::read_to_string(&file).unwrap_or_default();
            if report != expected {
                let lines = changed_lines(&expected, &report);
                wrong.push(format!(
                    "{} (-) and what came of it (+):\n{lines}",
                    file.display()
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }

    /// Checks and contracts.
    #[track_caller]
    pub(crate) fn passes_its_tests(&self) {
        succeeded(&self.run(&["test"], &self.registry));
    }

    /// With pinned bases: no step runs, nothing is asked for, and the images are the same.
    #[track_caller]
    pub(crate) fn is_built_again_without_the_registry(&self) {
        let before = self.digests();
        succeeded(&self.run(&["lock"], &self.registry));
        let output = self.run(&["build", "--locked", "--progress", "json"], NOWHERE);
        let stderr = succeeded(&output);
        let ran: Vec<&str> = stderr
            .lines()
            .filter(|line| line.contains(r#""outcome":"done""#) && line.contains("RUN"))
            .collect();
        assert_eq!(ran, <[&str; 0]>::default());
        assert_eq!(self.digests(), before);
    }

    fn run(&self, arguments: &[&str], registry: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pipeline"))
            .args(arguments)
            .current_dir(&self.project)
            .env("PIPELINE_CACHE_DIR", &self.cache)
            .env("PIPELINE_REGISTRY_MIRRORS", format!("docker.io={registry}"))
            .env("PIPELINE_PLAIN_HTTP", registry)
            // Nothing but the mirror is there.
            .env("HTTPS_PROXY", format!("http://{NOWHERE}"))
            .env_remove("DAGGER_SESSION_PORT")
            .env_remove("SOURCE_DATE_EPOCH")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn record(&self) -> Vec<Value> {
        let record = fs::read(self.project.join(".pipeline/release.json")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        record["services"].as_array().unwrap().clone()
    }

    fn services(&self) -> Vec<String> {
        let name = |service: &Value| service["name"].as_str().unwrap().to_owned();
        self.record().iter().map(name).collect()
    }

    fn digests(&self) -> Vec<Value> {
        self.record()
            .iter()
            .map(|service| service["digest"].clone())
            .collect()
    }
}

/// The texts of all Dockerfiles in a folder.
fn read_dockerfiles(folder: &Path, texts: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            read_dockerfiles(&path, texts);
        } else if name.starts_with("Dockerfile") {
            *texts += &fs::read_to_string(&path).unwrap();
        }
    }
}

/// What a run that must succeed said on standard error.
#[track_caller]
fn succeeded(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(
        output.status.success(),
        "exit code {:?}:\n{}{stderr}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout)
    );
    stderr
}
