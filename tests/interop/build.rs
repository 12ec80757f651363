//! One Dockerfile built twice: by the program under test and by buildah, on the same base image.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use toml::Table;

use crate::image::Image;
use crate::product::Project;
use crate::tools::{self, run};
use crate::tree::{self, Tree};

/// An image as far as builders should agree.
pub(crate) struct Built {
    pub(crate) tree: Tree,
    /// Members of the config's `config` that say something.
    pub(crate) config: BTreeMap<String, Value>,
}

/// A service in a project, with the base image beside it.
pub(crate) struct Service {
    project: Project,
    name: String,
}

impl Service {
    /// The service's folder in the project.
    pub(crate) fn dir(&self) -> PathBuf {
        self.project.dir.join("services").join(&self.name)
    }

    /// A table of strings in its `service.toml`, below `dockerfile`.
    fn table(&self, name: &str) -> Vec<(String, String)> {
        let dockerfile = self.dockerfile();
        let entries = dockerfile.get(name).and_then(toml::Value::as_table);
        let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
        let entries = entries.into_iter().flatten();
        entries
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }

    fn dockerfile(&self) -> Table {
        let text = fs::read_to_string(self.dir().join("service.toml")).unwrap();
        let catalog: Table = text.parse().unwrap();
        catalog["dockerfile"].as_table().unwrap().clone()
    }

    /// What the catalog says of the build, in options that buildah and docker share.
    fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        if let Some(target) = self.dockerfile().get("target") {
            options.push(format!("--target={}", target.as_str().unwrap()));
        }
        for (name, value) in self.table("args") {
            options.push(format!("--build-arg={name}={value}"));
        }
        for (id, source) in self.table("secrets") {
            let file = self.dir().join(source.strip_prefix("file:").unwrap());
            options.push(format!("--secret=id={id},src={}", file.display()));
        }
        options.push(self.dir().display().to_string());
        options
    }
}

/// Builds the service in a folder, in a project of its own, on a base image in an OCI layout.
#[track_caller]
pub(crate) fn ours(folder: &Path, base: &Path) -> (Built, Service) {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let project = Project::new(&name);
    project.add(folder);
    crate::product::copy(base, &project.dir.join("base"));
    let service = Service { project, name };
    // These are about the test, and no part of what is built.
    for file in ["differences.txt", "buildkit.txt", "expected.txt"] {
        let _ = fs::remove_file(service.dir().join(file));
    }
    // As git would check it out: another umask is no difference to ours, but to others.
    run(
        "chmod",
        ["-R", "u=rwX,go=rX", service.dir().to_str().unwrap()],
    );
    service.project.run(&["build", "--progress", "plain"]);
    let image = service.project.image(&service.name);
    let built = Built {
        tree: image.tree(),
        config: meaningful(&image.config()["config"]),
    };
    (built, service)
}

/// Builds a service with buildah on an image of buildah's storage.
#[track_caller]
pub(crate) fn buildahs(service: &Service, base: &str) -> Built {
    let name = format!(
        "localhost/{}",
        service.project.dir.file_name().unwrap().display()
    )
    .to_lowercase();
    let mut arguments: Vec<String> = [
        "bud",
        "--quiet",
        "--isolation=chroot",
        "--format=docker",
        "--identity-label=false",
        "--pull-never",
        "--tag",
        &name,
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--build-context=base=docker-image://{base}"));
    arguments.extend(service.options());
    run("buildah", &arguments);
    let inspected = run("buildah", ["inspect", "--type", "image", &name]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    Built {
        tree: tools::stored_tree(&name),
        config: meaningful(&inspected["Docker"]["config"]),
    }
}

/// Whether BuildKit is asked to take buildah's place.
pub(crate) fn by_buildkit() -> bool {
    std::env::var_os("INTEROP_BUILDKIT").is_some()
}

/// Builds a service with BuildKit, the reference, by way of the machine's docker, on a base image in an OCI layout.
#[track_caller]
pub(crate) fn buildkits(service: &Service, base: &Path) -> Built {
    let name = service
        .project
        .dir
        .file_name()
        .unwrap()
        .display()
        .to_string()
        .to_lowercase();
    let dir = &service.project.dir;
    let archive = |name: &str| format!("docker-archive:{}", dir.join(name).display());
    // The Dockerfiles call it by one name, whichever it is.
    static NAME: Mutex<()> = Mutex::new(());
    let _only_here = NAME.lock().unwrap_or_else(PoisonError::into_inner);
    let from = format!("oci:{}", base.display());
    tools::skopeo_copy(
        &["--quiet"],
        &from,
        &format!("{}:base:latest", archive("base.tar")),
    );
    let docker = |arguments: &[&str]| run("docker", arguments);
    docker(&[
        "load",
        "--quiet",
        "--input",
        dir.join("base.tar").to_str().unwrap(),
    ]);
    let options = service.options();
    let fixed = ["build", "--quiet", "--network=host", "--tag", &name];
    docker(
        &fixed
            .into_iter()
            .chain(options.iter().map(String::as_str))
            .collect::<Vec<_>>(),
    );
    docker(&[
        "save",
        "--output",
        dir.join("built.tar").to_str().unwrap(),
        &name,
    ]);
    let layout = dir.join("built");
    tools::skopeo_copy(
        &["--quiet"],
        &archive("built.tar"),
        &format!("oci:{}:built", layout.display()),
    );
    let config = docker(&["image", "inspect", "--format", "{{json .Config}}", &name]);
    docker(&["image", "rm", "--force", &name]);
    Built {
        tree: Image::open(&layout, None).tree(),
        config: meaningful(&serde_json::from_str(&config).unwrap()),
    }
}

/// A base image in the tools' storage, from its layout.
pub(crate) fn stored(name: &str, layout: &Path) -> String {
    let name = format!("localhost/base-{name}");
    tools::store(&format!("oci:{}", layout.display()), &name);
    name
}

/// Nothing, whether absent, null or empty, is one thing.
fn meaningful(config: &Value) -> BTreeMap<String, Value> {
    let is_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    // Of the container that Docker once committed an image from; and a remark for Windows that BuildKit makes and buildah does
    // not.
    let of_no_meaning = [
        "Hostname",
        "Domainname",
        "Image",
        "AttachStdin",
        "AttachStdout",
        "AttachStderr",
        "Tty",
        "OpenStdin",
        "StdinOnce",
        "ArgsEscaped",
    ];
    let members = config.as_object().unwrap().iter();
    members
        .filter(|(name, value)| is_something(value) && !of_no_meaning.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// What buildah leaves in an image: where it mounted things while it built.
const LEFT_BEHIND: [&str; 7] = [
    "dev",
    "proc",
    "run",
    "sys",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
];

impl Built {
    /// How another builder's image differs: what is here with `-`, what is there with `+`.
    pub(crate) fn difference(&self, mut other: Self) -> Vec<String> {
        other.tree = other
            .tree
            .without(&LEFT_BEHIND, &self.tree)
            .with_root_of(&self.tree);
        let mut lines = tree::difference(&self.tree, &other.tree);
        let names: BTreeSet<_> = self.config.keys().chain(other.config.keys()).collect();
        for name in names {
            let (here, there) = (self.config.get(name), other.config.get(name));
            if here != there {
                lines.extend(here.map(|value| format!("- config {name} {value}")));
                lines.extend(there.map(|value| format!("+ config {name} {value}")));
            }
        }
        lines
    }
}
