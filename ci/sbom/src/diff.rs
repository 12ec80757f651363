//! What two bills differ in, for those who review the step from one to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::bom::Bom;
use crate::package::{Package, Role};

/// The packages of an image and their versions.
///
/// What only helped to build, and what nobody else has (it has no purl), does not count. A package may be there in several versions, as
/// npm and cargo allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory(BTreeMap<Key, BTreeSet<String>>);

/// Type of the purl, name, architecture.
type Key = (String, String, Option<String>);

/// A package that is not the same in two inventories.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where it comes from: the type of its purl, such as `deb` or `npm`.
    pub ecosystem: String,
    /// As the ecosystem calls it.
    pub name: String,
    /// Its versions in the older one; empty if it is new.
    pub before: BTreeSet<String>,
    /// Its versions in the newer one; empty if it is gone.
    pub after: BTreeSet<String>,
}

impl Inventory {
    /// The packages of a bill.
    pub fn of(bom: &Bom) -> Self {
        let mut inventory = Self::default();
        let is_there = |it: &&Package| it.role != Role::BuildTool && it.purl().is_some();
        for package in bom.packages().filter(is_there) {
            let (ecosystem, name, architecture) = package.identity();
            let key = (
                ecosystem.name().to_owned(),
                name.to_owned(),
                architecture.map(str::to_owned),
            );
            let version = package.version.as_deref().unwrap_or("unknown").to_owned();
            inventory.0.entry(key).or_default().insert(version);
        }
        inventory
    }
}

/// The packages that are added, removed or of other versions, by ecosystem and name.
pub fn diff(before: &Inventory, after: &Inventory) -> Vec<Change> {
    let keys: BTreeSet<&Key> = before.0.keys().chain(after.0.keys()).collect();
    let versions = |of: &Inventory, key| of.0.get(key).cloned().unwrap_or_default();
    let changes = keys.into_iter().map(|key| Change {
        ecosystem: key.0.clone(),
        name: key.1.clone(),
        before: versions(before, key),
        after: versions(after, key),
    });
    changes.filter(|it| it.before != it.after).collect()
}

impl Change {
    /// The versions before and after, as people read them; nothing where it is not there.
    pub fn versions(&self) -> (Option<String>, Option<String>) {
        let list = |versions: &BTreeSet<String>| {
            let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
            (!versions.is_empty()).then(|| versions.join(", "))
        };
        (list(&self.before), list(&self.after))
    }
}

/// `deb libc6 2.36-9 -> 2.36-10`, with `-` for what is not there.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.versions();
        let shown = |versions: Option<String>| versions.unwrap_or_else(|| "-".to_owned());
        let (before, after) = (shown(before), shown(after));
        write!(f, "{} {} {before} -> {after}", self.ecosystem, self.name)
    }
}

#[cfg(test)]
mod tests;
