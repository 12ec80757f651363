//! What two bills differ in, for those who review the step from one to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::bom::Bom;
use crate::package::{Ecosystem, Package, Role};

/// A package that is not the same in two bills.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where it comes from.
    pub ecosystem: Ecosystem,
    /// As the ecosystem calls it.
    pub name: String,
    /// Its versions in the older bill; empty if it is new.
    pub before: BTreeSet<String>,
    /// Its versions in the newer bill; empty if it is gone.
    pub after: BTreeSet<String>,
}

/// The packages that are added, removed or of other versions, by ecosystem and name. What only helped to build does not count.
///
/// A package may be there in several versions, as npm and cargo allow; then all of them are named.
pub fn diff(before: &Bom, after: &Bom) -> Vec<Change> {
    let mut changes: BTreeMap<(Ecosystem, &str, Option<&str>), Change> = BTreeMap::new();
    for (bom, is_after) in [(before, false), (after, true)] {
        for package in bom.packages().filter(|it| it.role != Role::BuildTool) {
            let change = changes.entry(package.identity()).or_insert_with(|| Change {
                ecosystem: package.ecosystem,
                name: package.name.clone(),
                before: BTreeSet::new(),
                after: BTreeSet::new(),
            });
            let versions = if is_after {
                &mut change.after
            } else {
                &mut change.before
            };
            versions.insert(version(package));
        }
    }
    let changes = changes.into_values();
    changes.filter(|it| it.before != it.after).collect()
}

fn version(package: &Package) -> String {
    package
        .version
        .clone()
        .unwrap_or_else(|| "unknown".to_owned())
}

/// `deb libc6 2.36-9 -> 2.36-10`, with `-` for what is not there.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions = |versions: &BTreeSet<String>| match versions.len() {
            0 => "-".to_owned(),
            _ => versions
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        };
        let (before, after) = (versions(&self.before), versions(&self.after));
        write!(
            f,
            "{} {} {before} -> {after}",
            self.ecosystem.name(),
            self.name
        )
    }
}

#[cfg(test)]
mod tests;
