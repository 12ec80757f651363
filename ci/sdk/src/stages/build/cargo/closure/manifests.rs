//! `Cargo.toml` files, as far as they say which local packages belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{ClosureError, Purpose, normal};

/// Manifests that were read, by folder.
#[derive(Default)]
pub(super) struct Manifests(BTreeMap<PathBuf, Table>);

impl Manifests {
    pub(super) fn read(&mut self, folder: &Path) -> Result<&Table, ClosureError> {
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
    pub(super) fn workspace(&mut self, package: &Path) -> Result<PathBuf, ClosureError> {
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
    pub(super) fn member(&mut self, workspace: &Path, name: &str) -> Result<PathBuf, ClosureError> {
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
    pub(super) fn patches(&mut self, workspace: &Path) -> Result<Vec<PathBuf>, ClosureError> {
        let table = self.read(workspace)?;
        let sources = table.get("patch").and_then(Value::as_table);
        let entries = sources.into_iter().flat_map(Table::values);
        let entries = entries.filter_map(Value::as_table).flat_map(Table::values);
        let paths = entries.filter_map(|entry| entry.get("path")?.as_str());
        Ok(paths.map(|path| normal(&workspace.join(path))).collect())
    }

    /// Folders of the local packages that a package depends on.
    pub(super) fn dependencies(
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
    pub(super) fn targets(&mut self, folder: &Path) -> Result<Vec<PathBuf>, ClosureError> {
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
