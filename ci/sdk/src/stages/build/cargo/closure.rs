//! What a program is compiled from, as far as files tell before anything is compiled: the packages it is made of, and what their
//! sources name outside of these.
//!
//! Manifests are read here rather than by asking cargo, which takes longer than everything else. What only a build can find out (a
//! build script that reads elsewhere) is noticed after it: [`Closure::contains`].

mod named;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use ci_catalog::CargoBuilder;
use toml::{Table, Value};

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

/// Manifests that were read, by folder.
#[derive(Default)]
struct Manifests(BTreeMap<PathBuf, Table>);

impl Manifests {
    fn read(&mut self, folder: &Path) -> Result<&Table, ClosureError> {
        if !self.0.contains_key(folder) {
            let path = folder.join("Cargo.toml");
            let unreadable =
                |why: String| ClosureError::Unreadable(path.display().to_string(), why);
            let text = std::fs::read_to_string(&path).map_err(|it| unreadable(it.to_string()))?;
            let table = text
                .parse()
                .map_err(|it: toml::de::Error| unreadable(it.message().to_owned()))?;
            self.0.insert(folder.to_owned(), table);
        }
        self.0
            .get(folder)
            .ok_or_else(|| ClosureError::Unreadable(folder.display().to_string(), String::new()))
    }

    /// The folder of the workspace that a package is of; its own if it is of none.
    fn workspace(&mut self, package: &Path) -> Result<PathBuf, ClosureError> {
        let manifest = self.read(package)?;
        if manifest.contains_key("workspace") {
            return Ok(package.to_owned());
        }
        if let Some(path) = manifest
            .get("package")
            .and_then(|it| it.get("workspace")?.as_str())
        {
            return Ok(normal(&package.join(path)));
        }
        for folder in package.ancestors().skip(1) {
            if !folder.join("Cargo.toml").is_file() {
                continue;
            }
            let table = self.read(folder)?;
            let Some(workspace) = table.get("workspace") else {
                continue;
            };
            let excluded = strings(workspace.get("exclude"))
                .any(|path| package.starts_with(normal(&folder.join(path))));
            return Ok(if excluded { package } else { folder }.to_owned());
        }
        Ok(package.to_owned())
    }

    /// The folder of a workspace's member.
    fn member(&mut self, workspace: &Path, name: &str) -> Result<PathBuf, ClosureError> {
        let members: Vec<String> = self
            .read(workspace)?
            .get("workspace")
            .map(|table| strings(table.get("members")).map(str::to_owned).collect())
            .unwrap_or_default();
        let mut folders = vec![workspace.to_owned()];
        for pattern in &members {
            folders.extend(matching(workspace, pattern));
        }
        for folder in folders {
            let Ok(table) = self.read(&folder) else {
                continue;
            };
            let found = table.get("package").and_then(|it| it.get("name")?.as_str());
            if found == Some(name) {
                return Ok(folder);
            }
        }
        Err(ClosureError::NoPackage(
            name.to_owned(),
            workspace.display().to_string(),
        ))
    }

    /// Local packages in place of others.
    fn patches(&mut self, workspace: &Path) -> Result<Vec<PathBuf>, ClosureError> {
        let table = self.read(workspace)?;
        let sources = table.get("patch").and_then(Value::as_table);
        let entries = sources.into_iter().flat_map(Table::values);
        let entries = entries.filter_map(Value::as_table).flat_map(Table::values);
        let paths = entries.filter_map(|entry| entry.get("path")?.as_str());
        Ok(paths.map(|path| normal(&workspace.join(path))).collect())
    }

    /// Folders of the local packages that a package depends on.
    fn dependencies(
        &mut self,
        folder: &Path,
        workspace: &Path,
        purpose: Purpose,
    ) -> Result<Vec<PathBuf>, ClosureError> {
        let shared = self.read(workspace)?.get("workspace").cloned();
        let shared = shared.as_ref().and_then(|it| it.get("dependencies"));
        let table = self.read(folder)?;
        let of_targets = table.get("target").and_then(Value::as_table);
        let of_targets = of_targets.into_iter().flat_map(Table::values);
        let places = of_targets.filter_map(Value::as_table).chain([table]);
        let mut found = Vec::new();
        for place in places {
            for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
                if kind == "dev-dependencies" && purpose == Purpose::Build {
                    continue;
                }
                let entries = place.get(kind).and_then(Value::as_table);
                for (name, entry) in entries.into_iter().flatten() {
                    let path = |entry: &Value| Some(entry.get("path")?.as_str()?.to_owned());
                    let inherits = entry.get("workspace").and_then(Value::as_bool) == Some(true);
                    let (base, path) = if inherits {
                        (workspace, shared.and_then(|it| path(it.get(name)?)))
                    } else {
                        (folder, path(entry))
                    };
                    found.extend(path.map(|path| normal(&base.join(path))));
                }
            }
        }
        Ok(found)
    }

    /// Sources that the manifest itself names, which may be anywhere.
    fn targets(&mut self, folder: &Path) -> Result<Vec<PathBuf>, ClosureError> {
        let table = self.read(folder)?;
        let build = table
            .get("package")
            .and_then(|it| it.get("build")?.as_str());
        let lib = table.get("lib").and_then(|it| it.get("path")?.as_str());
        let bins = table.get("bin").and_then(Value::as_array);
        let bins = bins.into_iter().flatten();
        let bins = bins.filter_map(|it| it.get("path")?.as_str());
        let paths = build.into_iter().chain(lib).chain(bins);
        Ok(paths.map(|path| normal(&folder.join(path))).collect())
    }
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The folders that a member of a workspace means: `*` and `?` within a component, as cargo has it.
fn matching(workspace: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![workspace.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !ci_dockerfile::glob::has_wildcards(part) {
            folders = folders
                .iter()
                .map(|folder| normal(&folder.join(part)))
                .collect();
            continue;
        }
        let Ok(glob) = ci_dockerfile::glob::Glob::parse(part) else {
            return Vec::new();
        };
        let mut found: Vec<PathBuf> = folders
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| glob.matches(&entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
            .collect();
        found.sort();
        folders = found;
    }
    folders
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
