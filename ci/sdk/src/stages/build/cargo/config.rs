//! Cargo's configuration files: the compiler flags that a project sets in them, and their text as part of what identifies a
//! build.
//!
//! Cargo ignores configured flags once it is given others, so those of the project are read here and passed on. Those of a
//! user, in cargo's own folder, are left out on purpose: they would make the program differ from machine to machine.

use std::path::{Path, PathBuf};

use ci_oci::Digest;

use crate::error::{Exit, UserError};

/// What the configuration files of a project say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Config {
    /// Compiler flags for the target.
    pub(super) flags: Vec<String>,
    /// Names of settings with flags that are not followed.
    pub(super) ignored: Vec<String>,
    /// Of all files that cargo reads, also a user's.
    pub(super) digest: Vec<(String, Digest)>,
}

impl Config {
    /// Reads what cargo reads for a package in `folder`; what is inside `root` is the project's.
    ///
    /// # Errors
    /// When a file of the project is not TOML.
    pub(super) fn read(
        folder: &Path,
        root: &Path,
        cargo_home: &Path,
        triple: &str,
    ) -> Result<Self, UserError> {
        let mut config = Self::default();
        let mut of_target = Vec::new();
        let mut of_build = Vec::new();
        let mut folders: Vec<&Path> = folder.ancestors().collect();
        // Of two files, the nearer one's flags come later.
        folders.reverse();
        for dir in &folders {
            let Some((path, bytes)) = file_in(&dir.join(".cargo")) else {
                continue;
            };
            let is_of_project = dir.starts_with(root);
            let name = if is_of_project {
                path.strip_prefix(root).unwrap_or(&path)
            } else {
                &path
            };
            config
                .digest
                .push((name.display().to_string(), Digest::of(&bytes)));
            if is_of_project {
                let table = parse(&path, &bytes)?;
                of_target.extend(flags(table.get("target").and_then(|it| it.get(triple))));
                of_build.extend(flags(table.get("build")));
                config.ignored.extend(conditional(&table));
            }
        }
        if let Some((_, bytes)) = file_in(cargo_home) {
            config.digest.push(("cargo".into(), Digest::of(&bytes)));
        }
        config.flags = if of_target.is_empty() {
            of_build
        } else {
            of_target
        };
        Ok(config)
    }
}

impl Config {
    /// The digests, with the names of those files alone that the project has.
    pub(super) fn portable(&self) -> Vec<(String, Digest)> {
        let own = |name: &str| !Path::new(name).is_absolute();
        let named = |(name, digest): &(String, Digest)| {
            let name = if own(name) { name.as_str() } else { "" };
            (name.to_owned(), *digest)
        };
        self.digest.iter().map(named).collect()
    }
}

/// `config.toml`, or `config` as it was called before.
fn file_in(dir: &Path) -> Option<(PathBuf, Vec<u8>)> {
    ["config", "config.toml"].iter().find_map(|name| {
        let path = dir.join(name);
        let bytes = std::fs::read(&path).ok()?;
        Some((path, bytes))
    })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<toml::Table, UserError> {
    let text = String::from_utf8_lossy(bytes);
    text.parse().map_err(|error: toml::de::Error| {
        UserError::new(Exit::Usage, format!("{} is not valid", path.display())).because(error)
    })
}

/// `rustflags`, an array or words in one string.
fn flags(table: Option<&toml::Value>) -> Vec<String> {
    match table.and_then(|table| table.get("rustflags")) {
        Some(toml::Value::Array(flags)) => {
            let flags = flags.iter().filter_map(toml::Value::as_str);
            flags.map(str::to_owned).collect()
        }
        Some(toml::Value::String(flags)) => flags.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Flags under a condition, which only cargo can decide.
fn conditional(table: &toml::Table) -> Vec<String> {
    let targets = table.get("target").and_then(toml::Value::as_table);
    targets
        .into_iter()
        .flatten()
        .filter(|(name, value)| name.starts_with("cfg(") && value.get("rustflags").is_some())
        .map(|(name, _)| format!("target.'{name}'.rustflags"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("root/services/web")).unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        dir
    }

    fn read(dir: &tempfile::TempDir) -> Result<Config, UserError> {
        let root = dir.path().join("root");
        let folder = root.join("services/web");
        Config::read(&folder, &root, &dir.path().join("home"), "T")
    }

    #[test]
    fn flags_of_the_project_are_taken_and_those_of_the_user_are_not() {
        let dir = project(&[
            (".cargo/config.toml", "build.rustflags = '-A'"),
            ("home/config.toml", "target.T.rustflags = ['-B']"),
            ("root/.cargo/config.toml", "build.rustflags = '-C d'"),
            (
                "root/services/.cargo/config",
                "build.rustflags = ['-E']\n[target.'cfg(unix)']\nrustflags = []",
            ),
        ]);
        let config = read(&dir).unwrap();
        assert_eq!(config.flags, ["-C", "d", "-E"]);
        assert_eq!(config.ignored, ["target.'cfg(unix)'.rustflags"]);
        assert!(config.digest.len() >= 4, "a file was not seen: {config:?}");
    }

    #[test]
    fn flags_of_the_target_take_the_place_of_general_ones() {
        let dir = project(&[(
            "root/.cargo/config.toml",
            "build.rustflags = '-A'\n[target.T]\nrustflags = ['-B']",
        )]);
        assert_eq!(read(&dir).unwrap().flags, ["-B"]);
    }

    #[test]
    fn a_broken_file_of_the_project_is_named() {
        let dir = project(&[("root/.cargo/config.toml", "build =")]);
        let error = read(&dir).unwrap_err().to_string();
        assert!(error.ends_with("root/.cargo/config.toml is not valid"));
    }
}
