//! Node.js packages: the `package.json` of what is in `node_modules` (of npm, pnpm and yarn alike), and npm's lock files, which know the
//! checksums.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::package::{Ecosystem, Package};
use crate::{License, text};

/// Whether the `package.json` of this folder is that of an installed package, not one of the many that lie around inside of packages:
/// the folder is `node_modules/NAME` or `node_modules/@SCOPE/NAME`.
pub(super) fn is_package(folder: &str) -> bool {
    let mut names = folder.rsplit('/');
    let Some(name) = names.next().filter(|it| !it.starts_with('.')) else {
        return false;
    };
    match names.next() {
        Some("node_modules") => !name.starts_with('@'),
        Some(scope) if scope.starts_with('@') => names.next() == Some("node_modules"),
        _ => false,
    }
}

/// What is read of `package.json`. Authors write anything into it, so each member is read for itself.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    licenses: Value,
    #[serde(default)]
    author: Value,
}

pub(super) fn parse(content: &[u8]) -> Option<Package> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let manifest: Manifest = serde_json::from_slice(content).ok()?;
    let mut package = package(manifest.name.as_str()?, manifest.version.as_str())?;
    package.license = license(&manifest.license).or_else(|| license(&manifest.licenses));
    let author = &manifest.author;
    let author = author.as_str().or_else(|| author.get("name")?.as_str());
    package.supplier = author.and_then(text::name);
    Some(package)
}

fn package(name: &str, version: Option<&str>) -> Option<Package> {
    // `@scope/name` or `name`.
    let (scope, bare) = name.split_once('/').unwrap_or(("@", name));
    let is_name = scope.starts_with('@') && !bare.is_empty() && !bare.contains(['/', '@']);
    is_name.then(|| Package::new(Ecosystem::Npm, name, version))?
}

/// An expression; or what packages of the past have: an object with a `type`, or a list of such to choose from.
fn license(value: &Value) -> Option<License> {
    match value {
        Value::String(text) if text.starts_with("SEE LICENSE IN") => None,
        Value::String(text) => License::parse(text),
        Value::Object(_) => License::parse(value.get("type")?.as_str()?),
        Value::Array(values) => {
            let names: Vec<&str> = values
                .iter()
                .filter_map(|it| it.as_str().or_else(|| it.get("type")?.as_str()))
                .collect();
            License::parse(&names.join(" OR "))
        }
        _ => None,
    }
}

#[derive(Deserialize)]
struct Lock {
    /// By folder, since version 2.
    #[serde(default)]
    packages: Map<String, Value>,
    /// By name, in version 1; nested, not deeper than a parser of JSON goes.
    #[serde(default)]
    dependencies: Map<String, Value>,
}

/// The packages of a lock file that a program needs where it runs. `None` if it is no lock file.
pub(super) fn parse_lock(content: &[u8]) -> Option<Vec<Package>> {
    let lock: Lock = serde_json::from_slice(content).ok()?;
    let mut found = Vec::new();
    for (folder, entry) in &lock.packages {
        if let Some((_, name)) = folder.rsplit_once("node_modules/") {
            let name = entry.get("name").and_then(Value::as_str).unwrap_or(name);
            found.extend(locked(name, entry));
        }
    }
    if lock.packages.is_empty() {
        nested(&lock.dependencies, &mut found);
    }
    (!found.is_empty()).then_some(found)
}

fn nested(dependencies: &Map<String, Value>, found: &mut Vec<Package>) {
    for (name, entry) in dependencies {
        found.extend(locked(name, entry));
        if let Some(Value::Object(below)) = entry.get("dependencies") {
            nested(below, found);
        }
    }
}

fn locked(name: &str, entry: &Value) -> Option<Package> {
    let is = |member: &str| entry.get(member).and_then(Value::as_bool) == Some(true);
    // Links are to packages of the same repository, which are not published.
    if is("dev") || is("devOptional") || is("link") {
        return None;
    }
    let text = |member: &str| entry.get(member).and_then(Value::as_str);
    let mut package = package(name, text("version"))?;
    package.license = entry.get("license").and_then(license);
    package.checksum = text("integrity").and_then(super::integrity);
    Some(package)
}
