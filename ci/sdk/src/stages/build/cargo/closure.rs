//! What a program is compiled from, as far as files tell before anything is compiled: the packages it is made of, and what their
//! sources name outside of these.
//!
//! Manifests are read here rather than by asking cargo, which takes longer than everything else. What only a build can find out (a
//! build script that reads elsewhere) is noticed after it: [`Closure::contains`].

mod manifests;
mod named;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use ci_catalog::CargoBuilder;
use toml::Table;

use self::manifests::Manifests;
use super::lockfile::{Locked, Lockfile};

/// The local packages that a program is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closure {
    /// Folders of packages, absolute.
    folders: BTreeSet<PathBuf>,
    /// Files and folders outside of these that sources name.
    named: BTreeSet<PathBuf>,
    /// The workspace's manifest.
    workspace: PathBuf,
    /// The name of the program's package.
    package: String,
}

/// Why the packages cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClosureError {
    /// A manifest cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, String),
    /// There is no such package.
    #[error("no package {0} belongs to {1}")]
    NoPackage(String, String),
}

/// For what dependencies are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The program itself.
    Build,
    /// Its tests, too.
    Test,
}

impl Closure {
    /// The packages of a service's program.
    ///
    /// # Errors
    /// When a manifest cannot be read, or the package is not there.
    pub(crate) fn of(
        root: &Path,
        builder: &CargoBuilder,
        purpose: Purpose,
    ) -> Result<Self, ClosureError> {
        let manifest = builder.manifest.under(root);
        Self::of_package(&manifest, builder.package.as_deref(), purpose)
    }

    /// The packages of the one that a manifest defines or, where `package` names another, of that member of its workspace.
    ///
    /// # Errors
    /// As [`Closure::of`].
    pub(crate) fn of_package(
        manifest: &Path,
        package: Option<&str>,
        purpose: Purpose,
    ) -> Result<Self, ClosureError> {
        let mut manifests = Manifests::default();
        let given = normal(manifest.parent().unwrap_or(Path::new("/")));
        let workspace = manifests.workspace(&given)?;
        let name = |table: &Table| {
            let name = table.get("package")?.get("name")?.as_str()?;
            Some(name.to_owned())
        };
        let own = name(manifests.read(&given)?);
        let (folder, package) = match (package, own) {
            (Some(wanted), Some(own)) if wanted == own => (given, own),
            (None, Some(own)) => (given, own),
            (wanted, _) => {
                let wanted = wanted.unwrap_or_default();
                let folder = manifests.member(&workspace, wanted)?;
                (folder, wanted.to_owned())
            }
        };
        let mut folders = BTreeSet::new();
        let mut open: Vec<PathBuf> = vec![folder];
        open.extend(manifests.patches(&workspace)?);
        while let Some(folder) = open.pop() {
            // What is not there may be a dependency that no feature asks for; cargo says so otherwise.
            if folders.contains(&folder) || !folder.join("Cargo.toml").is_file() {
                continue;
            }
            open.extend(manifests.dependencies(&folder, &workspace, purpose)?);
            folders.insert(folder);
        }
        let mut named = BTreeSet::new();
        for folder in &folders {
            let mut found = named::by_sources(folder);
            found.extend(manifests.targets(folder)?);
            let is_outside = |path: &PathBuf| !folders.iter().any(|it| path.starts_with(it));
            named.extend(found.into_iter().filter(is_outside));
        }
        Ok(Self {
            folders,
            named,
            workspace: workspace.join("Cargo.toml"),
            package,
        })
    }

    /// Whether a file belongs to it. `path` is absolute.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        let in_package = |folder: &PathBuf| {
            path.strip_prefix(folder)
                .is_ok_and(|inside| !inside.starts_with("target"))
        };
        path == self.workspace
            || path == self.lock()
            || self.folders.iter().any(in_package)
            || self.named.iter().any(|named| path.starts_with(named))
    }

    /// Folders of packages.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }

    /// Files and folders outside of the packages.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Path> {
        self.named.iter().map(PathBuf::as_path)
    }

    /// The workspace's manifest.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// `Cargo.lock`.
    pub(crate) fn lock(&self) -> PathBuf {
        self.workspace.with_file_name("Cargo.lock")
    }

    /// What a lock file says of the packages that the program may be made of; `None` if it says nothing of the program's own.
    pub(crate) fn locked(&self, text: &str) -> Option<BTreeSet<Locked>> {
        let lock = Lockfile::parse(text).ok()?;
        let root = lock.only_local(&self.package)?;
        let reachable = lock.reachable(root, |_| true);
        Some(
            reachable
                .into_keys()
                .filter_map(|it| lock.get(it).cloned())
                .collect(),
        )
    }
}

/// A path without `.` and `..`. Links are not followed: what a checkout is called does not matter.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests;
