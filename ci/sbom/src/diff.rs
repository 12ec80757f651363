//! What two bills differ in, for those who review the step from one to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use packageurl::PackageUrl;
use serde::Deserialize;

use crate::bom::Bom;
use crate::package::{Package, Role};
use crate::text;

/// The packages of an image and their versions: of a bill at hand, or of a document that was made some time ago, by whomever.
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

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    purl: Option<String>,
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
            inventory.add(key, package.version.as_deref());
        }
        inventory
    }

    /// The packages of a CycloneDX document in JSON, of any version. What has a name that could be none is left out.
    ///
    /// # Errors
    /// When it is not such a document.
    pub fn read(document: &[u8]) -> serde_json::Result<Self> {
        let document: Document = serde_json::from_slice(document)?;
        let mut inventory = Self::default();
        for component in document.components {
            let is_there = component.scope.as_deref() != Some("excluded");
            let is_named = text::is_word(&component.name);
            if let Some(key) = component.key().filter(|_| is_there && is_named) {
                let version = component.version.filter(|it| text::is_word(it));
                inventory.add(key, version.as_deref());
            }
        }
        Ok(inventory)
    }

    fn add(&mut self, key: Key, version: Option<&str>) {
        let version = version.unwrap_or("unknown").to_owned();
        self.0.entry(key).or_default().insert(version);
    }
}

impl Component {
    fn key(&self) -> Option<Key> {
        let url: PackageUrl<'_> = self.purl.as_ref()?.parse().ok()?;
        let architecture = url
            .qualifiers()
            .get("arch")
            .map(|it| it.clone().into_owned());
        // Others put the scope of npm into a member of its own.
        let name = match (url.ty(), url.namespace()) {
            ("npm", Some(scope)) => format!("{scope}/{}", url.name()),
            _ => self.name.clone(),
        };
        Some((url.ty().to_owned(), name, architecture))
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
