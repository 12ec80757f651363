//! A case of `tests/dockerfiles`: a folder with a Dockerfile and its context, how it is built, and what is known of it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::base::Bases;
use crate::git::GitServer;
use crate::server::Server;

/// What the image is: written by hand, or with `UPDATE_EXPECTED=1` and read.
pub const EXPECTED: &str = "expected";

/// Files of a case that say something about it and are no part of what is built.
pub const NOTES: [&str; 3] = [EXPECTED, "buildah.txt", "buildkit.txt"];

/// A server of the files in the case's `server`, as its `service.toml` names it: it runs while the case is staged, on a port that is
/// free.
const SERVER: &str = "http://127.0.0.1:0";

/// A server of a git repository made of the case's `git`, as its `service.toml` names it.
const GIT: &str = "git://127.0.0.1:0";

const PROJECT: &str = "[project]\nname = \"corpus\"\nregistry = \"registry.example.com/acme\"\nservices = [\"services/*\"]\n";

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its folder's name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

impl Case {
    /// The cases in a folder, by name.
    #[track_caller]
    pub fn all(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut cases: Vec<Self> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|folder| folder.is_dir())
            .map(|folder| Self {
                name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
                folder,
            })
            .collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        cases
    }

    /// Puts the case into a new project, as its only service, with the base images beside it: as git would check it out, whatever the
    /// umask.
    #[track_caller]
    pub fn stage(&self, project: &Path, bases: &Bases) -> Staged {
        let folder = project.join("services").join(&self.name);
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        fs::write(project.join("pipeline.toml"), PROJECT).unwrap();
        check_out(&self.folder, &folder, &NOTES);
        for (name, layout) in &bases.0 {
            check_out(layout, &project.join(name), &[]);
        }
        let files = |name: &str| Some(folder.join(name)).filter(|files| files.is_dir());
        let servers = Servers {
            http: files("server").map(|files| Server::start(&files)),
            git: files("git").map(|files| GitServer::start(&files)),
        };
        let catalog = servers.named(&self.service(bases).to_string());
        fs::write(folder.join("service.toml"), &catalog).unwrap();
        Staged {
            name: self.name.clone(),
            project: project.to_owned(),
            options: Options::read(&catalog.parse().unwrap()),
            folder,
            servers,
        }
    }

    /// Its `service.toml` with what all cases have in common.
    fn service(&self, bases: &Bases) -> Table {
        let text = fs::read_to_string(self.folder.join("service.toml")).unwrap_or_default();
        let mut service: Table = text
            .parse()
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        service
            .entry("builder")
            .or_insert_with(|| "dockerfile".into());
        let mut table = &mut service;
        for name in ["dockerfile", "contexts"] {
            let inner = table.entry(name).or_insert_with(|| Table::new().into());
            table = inner.as_table_mut().unwrap();
        }
        for (name, _) in &bases.0 {
            let layout = format!("oci-layout:../../{name}");
            table.entry(name).or_insert_with(|| layout.into());
        }
        service
    }

    /// The lines of one of its files that are no comments; of a missing file, none.
    pub fn lines(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }
}

/// A case in a project of its own.
#[derive(Debug)]
pub struct Staged {
    /// The case's and the service's name.
    pub name: String,
    /// The folder of `pipeline.toml`.
    pub project: PathBuf,
    /// The service's folder.
    pub folder: PathBuf,
    /// How it is built.
    pub options: Options,
    /// What it downloads from.
    pub servers: Servers,
}

/// The servers of a staged case.
#[derive(Debug, Default)]
pub struct Servers {
    http: Option<Server>,
    git: Option<GitServer>,
}

impl Servers {
    fn addresses(&self) -> impl Iterator<Item = (&'static str, String)> {
        let http = self.http.iter().map(|server| (SERVER, server.address()));
        let git = self.git.iter().map(|server| (GIT, server.address()));
        http.chain(git)
    }

    /// A text with the servers' addresses.
    fn named(&self, text: &str) -> String {
        self.addresses()
            .fold(text.to_owned(), |text, (name, address)| {
                text.replace(name, &address)
            })
    }

    /// A text without the servers' addresses, which are others each time.
    pub fn unnamed(&self, text: &str) -> String {
        self.addresses()
            .fold(text.to_owned(), |text, (name, address)| {
                text.replace(&address, name)
            })
    }
}

/// How a Dockerfile is built; paths are relative to the service's folder.
#[derive(Debug)]
pub struct Options {
    /// The Dockerfile.
    pub file: String,
    /// The build context.
    pub context: String,
    /// The stage, if not the last.
    pub target: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Secrets by id: `file:PATH`.
    pub secrets: BTreeMap<String, String>,
    /// Named contexts: `oci-layout:PATH` or `dir:PATH`.
    pub contexts: BTreeMap<String, String>,
}

impl Options {
    /// Reads a `service.toml`.
    #[track_caller]
    pub fn read(service: &Table) -> Self {
        let dockerfile = service["dockerfile"].as_table().unwrap();
        let text = |name: &str| dockerfile.get(name).map(string);
        let table = |name: &str| {
            let entries = dockerfile.get(name).and_then(Value::as_table);
            let entries = entries.into_iter().flatten();
            entries
                .map(|(name, value)| (name.clone(), string(value)))
                .collect()
        };
        Self {
            file: text("file").unwrap_or_else(|| "Dockerfile".to_owned()),
            context: text("context").unwrap_or_else(|| ".".to_owned()),
            target: text("target"),
            args: table("args"),
            secrets: table("secrets"),
            contexts: table("contexts"),
        }
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Copies a tree: links as they are, modes as git keeps them. Names at its top may be left out.
#[track_caller]
pub fn check_out(from: &Path, to: &Path, without: &[&str]) {
    fs::create_dir(to).unwrap_or_else(|e| panic!("{}: {e}", to.display()));
    fs::set_permissions(to, Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if without.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            symlink(fs::read_link(from).unwrap(), to).unwrap();
        } else if kind.is_dir() {
            check_out(&from, &to, &[]);
        } else {
            fs::copy(&from, &to).unwrap();
            let executable = from.metadata().unwrap().permissions().mode() & 0o100 != 0;
            fs::set_permissions(
                to,
                Permissions::from_mode(if executable { 0o755 } else { 0o644 }),
            )
            .unwrap();
        }
    }
}
