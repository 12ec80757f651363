//! A deployments repository on this disk, and what is promoted into it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ci_deployments::git::{Address, Credential, GitError, Identity, Outcome, PushWriter};
use ci_deployments::{Candidate, Refused, plan};

use crate::promotion::request;
pub(crate) use crate::promotion::{candidate, declaration, kustomization};

/// A bare repository and a folder for caches.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
}

/// Git as it is called by people, without this machine's configuration.
pub(crate) fn git(dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    for name in [
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_CONFIG_PARAMETERS",
        "GIT_TEMPLATE_DIR",
    ] {
        command.env_remove(name);
    }
    let output = command
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_SSH_COMMAND")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

impl Repository {
    /// With these files on `main`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Self { folder };
        std::fs::create_dir(repository.path()).unwrap();
        git(
            &repository.path(),
            &["init", "--quiet", "--bare", "--initial-branch=main"],
        );
        git(
            &repository.path(),
            &["config", "uploadpack.allowFilter", "true"],
        );
        git(&repository.path(), &["config", "http.receivepack", "true"]);
        repository.commit(files);
        repository
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("deployments.git")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Somebody else's commit on `main`.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        let work = tempfile::tempdir().unwrap();
        let origin = self.path();
        let git = |arguments: &[&str]| git(work.path(), arguments);
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        if self.git(&["branch"]).contains("main") {
            git(&["pull", "--quiet", "origin", "main"]);
        }
        for (path, content) in files {
            let path = work.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                None => std::fs::write(path, content).unwrap(),
            }
        }
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "by hand"]);
        git(&["push", "--quiet", "origin", "HEAD:main"]);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    pub(crate) fn file(&self, path: &str) -> String {
        self.git(&["show", &format!("main:{path}")])
    }

    /// A writer with a cache of its own, as another machine has.
    pub(crate) fn writer(&self, machine: &str) -> PushWriter {
        self.writer_to(self.path().to_str().unwrap(), None, machine)
    }

    pub(crate) fn writer_to(
        &self,
        address: &str,
        credential: Option<Credential>,
        machine: &str,
    ) -> PushWriter {
        PushWriter {
            address: address.parse::<Address>().unwrap(),
            branch: "main".into(),
            credential,
            identity: Identity::new("Pipeline", "pipeline@example.com", 1_767_323_045).unwrap(),
            cache: self.folder.path().join("cache").join(machine),
            retry: ci_http::Retry {
                attempts: 60,
                first: Duration::from_millis(20),
                longest: Duration::from_millis(500),
                ..ci_http::Retry::default()
            },
            clock: Arc::new(ci_http::SystemClock),
        }
    }
}

/// Promotes one service; `meanwhile` happens between the plan and the push.
pub(crate) async fn promote(
    writer: &PushWriter,
    candidate: Candidate,
    meanwhile: impl Fn(),
) -> Result<Outcome, GitError> {
    let declaration = declaration();
    let request = request(&declaration, vec![candidate]);
    let paths = request.paths()?;
    let plan = |contents: &_| {
        let promotion = plan(&request, contents, &())?;
        meanwhile();
        Ok::<_, Refused>(promotion)
    };
    writer.write(&paths, plan).await
}
