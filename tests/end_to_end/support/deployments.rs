//! A deployments repository on this disk, and projects whose services are deployed from it.

use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::registry::Registry;

use super::project::{Project, text};
use super::registry::plain;

/// A bare repository with a branch `main`.
pub(crate) struct Deployments {
    pub(crate) path: PathBuf,
}

/// The kustomization of a service in an environment.
pub(crate) fn overlay(environment: &str, service: &str) -> String {
    format!("overlays/{environment}/{service}/kustomization.yaml")
}

impl Deployments {
    /// With these files.
    #[track_caller]
    pub(crate) fn new(folder: &Path, files: &[(String, String)]) -> Self {
        let path = folder.join("deployments.git");
        std::fs::create_dir(&path).unwrap();
        let deployments = Self { path };
        deployments.git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
        deployments.git(&["config", "uploadpack.allowFilter", "true"]);
        deployments.git(&["config", "http.receivepack", "true"]);
        deployments.write(files);
        deployments
    }

    /// Somebody's commit on `main`.
    #[track_caller]
    pub(crate) fn write(&self, files: &[(String, String)]) {
        let work = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| run(work.path(), arguments);
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["remote", "add", "origin", text(&self.path)]);
        if self.git(&["branch"]).contains("main") {
            git(&["pull", "--quiet", "origin", "main"]);
        }
        for (path, content) in files {
            let path = work.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "by hand"]);
        git(&["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// What git prints, run in the repository.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        run(&self.path, arguments)
    }

    /// A file of `main`.
    #[track_caller]
    pub(crate) fn file(&self, path: &str) -> String {
        self.git(&["show", &format!("main:{path}")])
    }

    /// The digest that an overlay pins.
    #[track_caller]
    pub(crate) fn pin(&self, environment: &str, service: &str) -> Option<String> {
        let file = self.file(&overlay(environment, service));
        let line = file
            .lines()
            .find_map(|line| line.strip_prefix("  digest: "))?;
        Some(line.to_owned())
    }

    /// How many commits `main` has.
    #[track_caller]
    pub(crate) fn commits(&self) -> usize {
        let count = self.git(&["rev-list", "--count", "main"]);
        count.trim().parse().unwrap()
    }
}

#[track_caller]
fn run(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A site and its migrator, one release unit, and a worker; deployed in staging and production from one repository, which is pushed to.
/// `production` is more of what production declares.
#[track_caller]
pub(crate) fn shop(registry: &Registry, production: &str) -> (Project, Deployments) {
    let project = Project::cold();
    let deployments = Deployments::new(project.dir.path(), &files(registry));
    let repository = text(&deployments.path);
    declare(
        &project,
        registry,
        repository,
        "writer = \"push\"",
        production,
    );
    (project, deployments)
}

/// What the deployments repository holds in the beginning.
pub(crate) fn files(registry: &Registry) -> Vec<(String, String)> {
    let host = &registry.host;
    let mut files = vec![(
        "base/kustomization.yaml".to_owned(),
        "resources:\n- web.yaml\n- migrator.yaml\n- worker.yaml\n".to_owned(),
    )];
    for service in ["web", "migrator", "worker"] {
        let deployment = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {service}\nspec:\n  template:\n    spec:\n      containers:\n      - name: {service}\n        image: {host}/acme/shop-{service}\n"
        );
        files.push((format!("base/{service}.yaml"), deployment));
        for environment in ["staging", "production"] {
            let text = format!(
                "# {service} in {environment}\nresources:\n- ../../../base\nimages:\n- name: {host}/acme/shop-{service} # pinned\n  newTag: v0\n"
            );
            files.push((overlay(environment, service), text));
        }
    }
    files
}

/// Makes a checkout that shop, deployed from `repository`. `both` is more of what both environments declare.
#[track_caller]
pub(crate) fn declare(
    project: &Project,
    registry: &Registry,
    repository: &str,
    both: &str,
    production: &str,
) {
    let host = &registry.host;
    let deploy = |environment: &str, more: &str| {
        format!(
            "[environments.{environment}.deploy]\nrepository = \"{repository}\"\n{both}\nplaces = [{{ kustomize = \"overlays/{{env}}/{{service}}/kustomization.yaml\" }}]\n{more}\n"
        )
    };
    project.write(
        "pipeline.toml",
        &format!(
            "[project]\nname = \"shop\"\nregistry = \"{host}/acme\"\nservices = [\"web\", \"migrator\", \"worker\"]\ntags = [\"{{sha}}\"]\n\n{}\n{}{}",
            plain(registry),
            deploy("staging", ""),
            deploy("production", production)
        ),
    );
    for (name, rest) in [
        ("web", "coupled-with = [\"migrator\"]\n"),
        ("migrator", "[contract]\nkind = \"job\"\n"),
        ("worker", ""),
    ] {
        let service = format!("builder = \"dockerfile\"\n{rest}");
        project.write(&format!("{name}/service.toml"), &service);
        project.write(
            &format!("{name}/Dockerfile"),
            "FROM scratch\nCOPY file /file\n",
        );
        project.write(&format!("{name}/file"), &format!("of {name}"));
    }
    project.commit("first");
}

impl Project {
    /// Commits everything.
    #[track_caller]
    pub(crate) fn commit(&self, subject: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", subject]);
    }

    /// Builds and pushes all services; their digests.
    #[track_caller]
    pub(crate) fn release(&self) -> super::built::Digests {
        let digests = self.build();
        self.run(&["push"]).succeeded();
        digests
    }

    /// Changes the site, commits and releases it.
    #[track_caller]
    pub(crate) fn release_next(&self, subject: &str) -> super::built::Digests {
        self.write("web/file", subject);
        self.commit(subject);
        self.release()
    }
}
