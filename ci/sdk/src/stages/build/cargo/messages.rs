//! What `cargo build --message-format=json` tells: which packages were compiled, for what, and which programs came out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What a build compiled, or found compiled already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Compiled {
    /// Programs by the names of their targets.
    pub(super) programs: BTreeMap<String, Program>,
    /// Packages by name and version.
    pub(super) packages: BTreeMap<PackageKey, Package>,
}

/// A program that came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// The package it is of.
    pub(super) package: PackageKey,
}

/// A package as it is told from others in a lock file, nearly always.
pub(super) type PackageKey = (String, String);

/// A compiled package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// The folder of its manifest.
    pub(super) folder: PathBuf,
    /// Whether it is in a folder of the user, not from a registry or repository.
    pub(super) is_local: bool,
    /// Whether something of it is in the program; else it only helped to compile.
    pub(super) is_linked: bool,
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    manifest_path: PathBuf,
    target: Target,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

impl Compiled {
    /// Reads messages, one per line. `target_dir` is where cargo puts what it compiles for the target.
    pub(super) fn parse(output: &[u8], target_dir: &Path) -> serde_json::Result<Self> {
        let mut compiled = Self::default();
        for line in output.split(|byte| *byte == b'\n') {
            // Build scripts and wrappers may print other things in between.
            if line.first() != Some(&b'{') {
                continue;
            }
            let Message::CompilerArtifact(artifact) = serde_json::from_slice(line)? else {
                continue;
            };
            compiled.add(artifact, target_dir);
        }
        Ok(compiled)
    }

    fn add(&mut self, artifact: Artifact, target_dir: &Path) {
        let is_program = artifact.target.kind.iter().any(|kind| kind == "bin");
        let Some(key) = key(&artifact.package_id) else {
            return;
        };
        if is_program && let Some(path) = artifact.executable {
            let package = key.clone();
            let program = Program { path, package };
            self.programs.insert(artifact.target.name, program);
        }
        let is_linked = artifact
            .filenames
            .iter()
            .any(|file| file.starts_with(target_dir));
        let package = self.packages.entry(key).or_insert_with(|| Package {
            folder: artifact
                .manifest_path
                .parent()
                .unwrap_or(Path::new("/"))
                .to_owned(),
            is_local: artifact.package_id.starts_with("path+"),
            is_linked: false,
        });
        package.is_linked |= is_linked;
    }

    /// The folders of packages that are not from a registry or repository.
    pub(super) fn local_folders(&self) -> BTreeSet<PathBuf> {
        let local = self.packages.values().filter(|package| package.is_local);
        local.map(|package| package.folder.clone()).collect()
    }
}

/// Name and version from a package id specification: `registry+URL#name@1.0.0`, or `path+file:///folder/name#1.0.0`.
fn key(id: &str) -> Option<PackageKey> {
    let (url, fragment) = id.rsplit_once('#')?;
    if let Some((name, version)) = fragment.rsplit_once('@') {
        return Some((name.to_owned(), version.to_owned()));
    }
    let path = url.split('?').next()?;
    let name = path.rsplit('/').next()?;
    Some((name.to_owned(), fragment.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"
{"reason":"compiler-artifact","package_id":"registry+https://example.com/index#quote@1.0.2","manifest_path":"/c/quote/Cargo.toml","target":{"kind":["lib"],"name":"quote"},"filenames":["/t/release/deps/libquote-1.rlib"],"executable":null,"fresh":true}
warning from somewhere
{"reason":"build-script-executed","package_id":"x"}
{"reason":"compiler-artifact","package_id":"registry+https://example.com/index#serde@1.0.0","manifest_path":"/c/serde/Cargo.toml","target":{"kind":["custom-build"],"name":"build-script-build"},"filenames":["/t/release/build/serde-1/build-script-build"],"executable":null}
{"reason":"compiler-artifact","package_id":"registry+https://example.com/index#serde@1.0.0","manifest_path":"/c/serde/Cargo.toml","target":{"kind":["lib"],"name":"serde"},"filenames":["/t/T/release/deps/libserde-1.rlib"],"executable":null}
{"reason":"compiler-artifact","package_id":"path+file:///w/web#0.1.0","manifest_path":"/w/web/Cargo.toml","target":{"kind":["bin"],"name":"web-server"},"filenames":["/t/T/release/web-server"],"executable":"/t/T/release/web-server"}
{"reason":"build-finished","success":true}
"#;

    #[test]
    fn programs_and_the_role_of_packages_are_told() {
        let compiled = Compiled::parse(OUTPUT.as_bytes(), Path::new("/t/T")).unwrap();
        let program = Program {
            path: "/t/T/release/web-server".into(),
            package: ("web".into(), "0.1.0".into()),
        };
        assert_eq!(
            compiled.programs,
            BTreeMap::from([("web-server".into(), program)])
        );
        let roles: Vec<String> = compiled
            .packages
            .iter()
            .map(|((name, version), package)| {
                format!(
                    "{name} {version} {} {}",
                    package.is_local, package.is_linked
                )
            })
            .collect();
        assert_eq!(
            roles,
            [
                "quote 1.0.2 false false",
                "serde 1.0.0 false true",
                "web 0.1.0 true true"
            ]
        );
        assert_eq!(compiled.local_folders(), BTreeSet::from(["/w/web".into()]));
    }

    #[test]
    fn a_message_that_is_cut_off_is_an_error() {
        let cut = br#"{"reason":"compiler-artifact","package_id""#;
        assert!(Compiled::parse(cut, Path::new("/t")).is_err());
    }

    #[test]
    fn ids_name_packages_in_all_their_forms() {
        let key = |id| key(id).map(|(name, version)| format!("{name} {version}"));
        assert_eq!(key("path+file:///w/a#b@1.0.0-x+y").unwrap(), "b 1.0.0-x+y");
        assert_eq!(key("path+file:///w/a#1.0.0").unwrap(), "a 1.0.0");
        assert_eq!(
            key("git+https://example.com/r?branch=m#2.0.0").unwrap(),
            "r 2.0.0"
        );
        assert_eq!(key("nonsense"), None);
    }
}
