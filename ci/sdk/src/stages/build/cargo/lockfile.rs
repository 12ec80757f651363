//! `Cargo.lock`: the packages of a workspace, and what each depends on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The packages of a lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lockfile {
    packages: Vec<Locked>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(crate) struct Locked {
    pub(super) name: String,
    pub(super) version: String,
    /// Where it is from: `registry+URL`, `sparse+URL`, `git+URL#COMMIT`; nothing for a local one.
    #[serde(default)]
    pub(super) source: Option<String>,
    /// SHA-256 of its archive, in hexadecimal.
    #[serde(default)]
    pub(super) checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    package: Vec<Locked>,
}

/// Index of a package in its lock file.
pub(super) type Index = usize;

impl Lockfile {
    pub(super) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut packages = toml::from_str::<File>(text)?.package;
        packages.sort();
        Ok(Self { packages })
    }

    pub(super) fn get(&self, index: Index) -> Option<&Locked> {
        self.packages.get(index)
    }

    /// The local package of this name and version.
    pub(super) fn local(&self, name: &str, version: &str) -> Option<Index> {
        self.packages.iter().position(|package| {
            package.name == name && package.version == version && package.source.is_none()
        })
    }

    /// The local package of this name, if there is one and no other.
    pub(super) fn only_local(&self, name: &str) -> Option<Index> {
        let mut found = (0..self.packages.len()).filter(|index| {
            let package = &self.packages[*index];
            package.name == name && package.source.is_none()
        });
        found.next().filter(|_| found.next().is_none())
    }

    /// The packages that `root` depends on, directly or not, and itself, each with its own dependencies. What `keep` says
    /// no to is left out with all that only it leads to.
    pub(super) fn reachable(
        &self,
        root: Index,
        keep: impl Fn(&Locked) -> bool,
    ) -> BTreeMap<Index, BTreeSet<Index>> {
        let mut reachable = BTreeMap::new();
        let mut todo = vec![root];
        while let Some(index) = todo.pop() {
            if reachable.contains_key(&index) {
                continue;
            }
            let Some(package) = self.get(index) else {
                continue;
            };
            let dependencies: BTreeSet<Index> = package
                .dependencies
                .iter()
                .filter_map(|name| self.named(name))
                .filter(|index| self.get(*index).is_some_and(&keep))
                .collect();
            todo.extend(&dependencies);
            reachable.insert(index, dependencies);
        }
        reachable
    }

    /// What a dependency means: `name`, `name version` or `name version (source)`, whatever tells it apart.
    fn named(&self, text: &str) -> Option<Index> {
        let mut words = text.splitn(3, ' ');
        let name = words.next()?;
        let version = words.next();
        let source = words
            .next()
            .and_then(|word| word.strip_prefix('(')?.strip_suffix(')'));
        self.packages.iter().position(|package| {
            package.name == name
                && version.is_none_or(|version| package.version == version)
                && source.is_none_or(|source| {
                    let own = package.source.as_deref().unwrap_or_default();
                    // The commit is in the package's own entry only.
                    own.split('#').next() == Some(source)
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4
[[package]]
name = "web"
version = "0.1.0"
dependencies = ["a 1.0.0", "a 2.0.0", "b", "unused"]
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://example.com/index"
checksum = "00"
dependencies = ["b"]
[[package]]
name = "a"
version = "2.0.0"
source = "git+https://example.com/a?branch=x#abc"
[[package]]
name = "b"
version = "1.0.0"
source = "registry+https://example.com/index"
dependencies = ["a 2.0.0 (git+https://example.com/a?branch=x)", "gone"]
[[package]]
name = "unused"
version = "1.0.0"
dependencies = ["deep"]
[[package]]
name = "deep"
version = "1.0.0"
"#;

    #[test]
    fn dependencies_are_followed_in_all_their_forms() {
        let lock = Lockfile::parse(LOCK).unwrap();
        let root = lock.local("web", "0.1.0").unwrap();
        let name = |index: &Index| {
            let package = lock.get(*index).unwrap();
            format!("{}@{}", package.name, package.version)
        };
        let reachable = lock.reachable(root, |package| package.name != "unused");
        let shown: Vec<String> = reachable
            .iter()
            .map(|(index, dependencies)| {
                let names: Vec<String> = dependencies.iter().map(name).collect();
                format!("{}: {}", name(index), names.join(" "))
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        a@1.0.0: b@1.0.0
        a@2.0.0: 
        b@1.0.0: a@2.0.0
        web@0.1.0: a@1.0.0 a@2.0.0 b@1.0.0
        ");
    }

    #[test]
    fn a_registry_package_is_no_local_one() {
        let lock = Lockfile::parse(LOCK).unwrap();
        assert_eq!(lock.local("b", "1.0.0"), None);
    }
}
