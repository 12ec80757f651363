//! Whether one file is part of one service, and as what.

use std::ffi::OsStr;
use std::path::Path;

use super::{Knowledge, Reason};
use crate::{Builder, CargoBuilder, ContextSource, DockerfileBuilder, SecretSource, Service};

/// What a service has to do with a file.
pub(super) enum Claim {
    /// Nothing.
    None,
    /// The file is where the service reads, but it does not read this one.
    Ignored,
    /// The service's image may depend on it.
    Read(Reason),
    /// Only the builder could tell, and it did not.
    Unclear,
}

/// Lock files of package managers.
const LOCK_FILES: &[&str] = &[
    "Cargo.lock",
    "Gemfile.lock",
    "Pipfile.lock",
    "bun.lock",
    "bun.lockb",
    "composer.lock",
    "go.sum",
    "go.work.sum",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];

/// What cargo and rustup read in the folder of a package and in those above it.
const CARGO_FILES: &[&str] = &["Cargo.toml", "rust-toolchain", "rust-toolchain.toml"];

pub(super) fn of(service: &Service, path: &Path, knowledge: &Knowledge<'_>) -> Claim {
    if path == service.manifest {
        return Claim::Read(Reason::Catalog(path.to_owned()));
    }
    match &service.builder {
        Builder::Dockerfile(builder) => dockerfile(service, builder, path, knowledge),
        Builder::Cargo(builder) => cargo(service, builder, path, knowledge),
    }
}

fn dockerfile(
    service: &Service,
    builder: &DockerfileBuilder,
    path: &Path,
    knowledge: &Knowledge<'_>,
) -> Claim {
    let file = builder.file.from_root();
    let mut ignore = file.as_os_str().to_owned();
    ignore.push(".dockerignore");
    let context = builder.context.from_root();
    if path == file || path.as_os_str() == ignore || path == context.join(".dockerignore") {
        return Claim::Read(Reason::Dockerfile(path.to_owned()));
    }
    let named = builder.contexts.values().any(|source| match source {
        ContextSource::Dir(folder) | ContextSource::OciLayout(folder) => {
            path.starts_with(folder.from_root())
        }
        ContextSource::Service(_) | ContextSource::Image(_) => false,
    });
    let secret = builder.secrets.values().any(|source| match source {
        SecretSource::File(file) => path == file.from_root(),
        SecretSource::Env(_) => false,
    });
    if secret {
        return Claim::Read(reason(service, path));
    }
    if !named && !path.starts_with(context) {
        return Claim::None;
    }
    match (knowledge.depends)(service, path) {
        Some(false) => Claim::Ignored,
        Some(true) | None => Claim::Read(reason(service, path)),
    }
}

fn cargo(
    service: &Service,
    builder: &CargoBuilder,
    path: &Path,
    knowledge: &Knowledge<'_>,
) -> Claim {
    let folder = builder
        .manifest
        .from_root()
        .parent()
        .unwrap_or(Path::new(""));
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let at = path.parent().unwrap_or(Path::new(""));
    let configuration = at.file_name() == Some(OsStr::new(".cargo"))
        && matches!(name, "config" | "config.toml")
        && folder.starts_with(at.parent().unwrap_or(Path::new("")));
    let above = folder.starts_with(at);
    if above && CARGO_FILES.contains(&name) || configuration {
        return Claim::Read(reason(service, path));
    }
    if above && name == "Cargo.lock" {
        // Much of it is about other packages.
        return match (knowledge.depends)(service, path) {
            Some(false) => Claim::Ignored,
            Some(true) | None => Claim::Read(reason(service, path)),
        };
    }
    let own = path.starts_with(folder) || path.starts_with(&service.folder);
    match (knowledge.depends)(service, path) {
        Some(false) if own => Claim::Ignored,
        Some(false) => Claim::None,
        Some(true) => Claim::Read(reason(service, path)),
        None if own => Claim::Read(reason(service, path)),
        // A package may be made of any file of its workspace, and only cargo knows which those are.
        None => Claim::Unclear,
    }
}

/// What a file is to a service that reads it.
fn reason(service: &Service, path: &Path) -> Reason {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let path_buf = path.to_owned();
    if LOCK_FILES.contains(&name) {
        Reason::Lockfile(path_buf)
    } else if path.starts_with(&service.folder) {
        Reason::Path(path_buf)
    } else {
        Reason::Shared(path_buf)
    }
}
