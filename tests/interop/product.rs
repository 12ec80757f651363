//! The program under test, in projects of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::image::Image;
use crate::work;

/// A checkout with a catalog.
pub(crate) struct Project {
    /// Its folder.
    pub(crate) dir: PathBuf,
}

impl Project {
    /// A project without services.
    pub(crate) fn new(name: &str) -> Self {
        let dir = work::folder(name);
        let catalog = "[project]\nname = \"interop\"\nregistry = \"registry.example.com/acme\"\nservices = [\"services/*\"]\n";
        fs::write(dir.join("pipeline.toml"), catalog).unwrap();
        fs::create_dir(dir.join("services")).unwrap();
        Self { dir }
    }

    /// Adds a service: a folder with a `service.toml`.
    #[track_caller]
    pub(crate) fn add(&self, service: &Path) {
        copy(service, &self.dir.join("services"));
    }

    /// The command line of the program in this project.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command
            .arg("--directory")
            .arg(&self.dir)
            .env("PIPELINE_CACHE_DIR", work::root().join("cache"))
            .env_remove("DAGGER_SESSION_PORT")
            .env_remove("SOURCE_DATE_EPOCH")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program; what it prints.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        succeeded(&self.command().args(arguments).output().unwrap())
    }

    /// The OCI layout that it builds into.
    pub(crate) fn layout(&self) -> PathBuf {
        self.dir.join(".pipeline/oci")
    }

    /// A built image.
    #[track_caller]
    pub(crate) fn image(&self, service: &str) -> Image {
        Image::open(&self.layout(), Some(service))
    }
}

/// What a run that must succeed printed.
#[track_caller]
pub(crate) fn succeeded(output: &Output) -> String {
    assert!(
        output.status.success(),
        "pipeline exits with {:?}:\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The services of the sample project, in the order of their names.
pub(crate) const SAMPLES: [&str; 4] = ["migrator", "shell", "web", "worker"];

/// The sample services, built once for all tests.
#[track_caller]
pub(crate) fn samples() -> &'static Project {
    static PROJECT: OnceLock<Project> = OnceLock::new();
    PROJECT.get_or_init(|| {
        let project = sample_project("samples");
        project.run(&["build"]);
        project
    })
}

/// A checkout of the sample services, not built yet.
pub(crate) fn sample_project(name: &str) -> Project {
    let project = Project::new(name);
    for entry in fs::read_dir(work::repository().join("tests/services")).unwrap() {
        let entry = entry.unwrap();
        // What the samples' own builds left there.
        if entry.file_name() != "target" {
            project.add(&entry.path());
        }
    }
    project
}

/// Copies a file or folder, with all its metadata, into a folder, or to a name that does not exist.
#[track_caller]
pub(crate) fn copy(from: &Path, into: &Path) {
    let status = Command::new("cp").arg("-a").args([from, into]).status();
    assert!(status.unwrap().success(), "cp -a {}", from.display());
}
