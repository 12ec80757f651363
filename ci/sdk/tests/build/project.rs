//! A project in a temporary folder, and the pipeline run in it as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;

/// In the environment of what is to be a pipeline.
pub(crate) const ROLE: &str = "PIPELINE_UNDER_TEST";

/// One store for all tests, as developers have it.
static STORE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());

const PIPELINE: &str = r#"
[project]
name = "shop"
registry = "registry.example.com/acme"
services = ["services/*"]
[environments.preview]
tags = ["{env}-{short_sha}"]
"#;

/// A test without arguments or result.
pub(crate) fn test(name: &'static str, run: fn()) -> Trial {
    Trial::test(name, move || {
        std::panic::catch_unwind(run).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
            Failed::from(text.unwrap_or_default())
        })
    })
}

/// What was written just now could be written again while cargo reads it; such a build is not remembered.
pub(crate) fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(150));
}

/// A folder with a `pipeline.toml`.
pub(crate) struct Project {
    _dir: Option<TempDir>,
    pub(crate) root: PathBuf,
}

impl Project {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let root = dir.path().canonicalize().unwrap().join("shop");
        let mut project = Self::at(&root);
        project._dir = Some(dir);
        project
    }

    /// In a folder that somebody else removes.
    pub(crate) fn at(root: &Path) -> Self {
        let project = Self {
            _dir: None,
            root: root.to_owned(),
        };
        project.write("pipeline.toml", PIPELINE);
        project
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// A service that is a Rust program; `options` go into `[cargo]` and after it.
    pub(crate) fn program(&self, name: &str, main: &str, options: &str) {
        let dir = format!("services/{name}");
        let service = format!("builder = \"cargo\"\n[cargo]\n{options}\n");
        self.write(&format!("{dir}/service.toml"), &service);
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
             [workspace]\n[profile.release]\nopt-level = 0\n"
        );
        self.write(&format!("{dir}/Cargo.toml"), &manifest);
        let lock = format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
        self.write(&format!("{dir}/Cargo.lock"), &lock);
        self.write(&format!("{dir}/src/main.rs"), main);
    }

    /// A service with a Dockerfile; `options` go into `[dockerfile]` and after it.
    pub(crate) fn dockerfile(&self, name: &str, dockerfile: &str, options: &str) {
        let dir = format!("services/{name}");
        let service = format!("builder = \"dockerfile\"\n[dockerfile]\n{options}\n");
        self.write(&format!("{dir}/service.toml"), &service);
        self.write(&format!("{dir}/Dockerfile"), dockerfile);
    }

    /// The pipeline, in the project, with plain progress.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["GIT_", "GITHUB_", "DAGGER_", "SOURCE_DATE"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
            {
                command.env_remove(&*name);
            }
        }
        command
            .args(args)
            .current_dir(&self.root)
            .env(ROLE, "1")
            .env("PIPELINE_CACHE_DIR", STORE.path())
            // A temporary folder may be in somebody's repository.
            .env("GIT_CEILING_DIRECTORIES", self.root.parent().unwrap())
            .stdin(Stdio::null());
        command
    }

    /// Runs the pipeline to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Builds, and it succeeds.
    pub(crate) fn build(&self, args: &[&str]) -> Ran {
        let ran = self.run(&[&["build"], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }

    /// The release record.
    pub(crate) fn record(&self) -> Value {
        serde_json::from_str(&self.read(".pipeline/release.json")).unwrap()
    }

    /// The digest of a service's image, in the record.
    pub(crate) fn digest(&self, service: &str) -> String {
        let record = self.record();
        let services = record["services"].as_array().unwrap();
        let service = services.iter().find(|it| it["name"] == service);
        service.unwrap()["digest"].as_str().unwrap().to_owned()
    }
}

/// How a pipeline ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It failed in this way, and said so.
    pub(crate) fn failed(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{}", self.stderr);
        self.said(texts);
    }

    /// It said all of this.
    pub(crate) fn said(&self, texts: &[&str]) {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "{text:?} was not said:\n{}",
                self.stderr
            );
        }
    }

    /// Whether cargo ran for a service, or its program was there already.
    pub(crate) fn compiled(&self, service: &str) -> bool {
        let step = format!("{service}  cargo build {service}  ");
        let line = self.stderr.lines().find(|line| line.starts_with(&step));
        !line.unwrap().ends_with("CACHED")
    }
}
