//! The bill of materials of a program: CycloneDX 1.5, of the packages that were compiled for it.
//!
//! Which packages those are comes from the build, how they depend on each other from `Cargo.lock`, licences from the manifests.
//! It depends on nothing else: no clock, no random serial number, no path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ci_oci::Digest;
use serde_json::{Value, json};

use super::lockfile::{Index, Locked, Lockfile};
use super::messages::{Package, PackageKey};

/// Writes the document. `root` is the package that the program is of.
pub(super) fn document(
    lock: &Lockfile,
    root: Index,
    compiled: &BTreeMap<PackageKey, Package>,
) -> serde_json::Result<Vec<u8>> {
    let role = |package: &Locked| compiled.get(&(package.name.clone(), package.version.clone()));
    let graph = lock.reachable(root, |package| role(package).is_some());
    let mut components: Vec<Value> = Vec::new();
    let mut dependencies: Vec<Value> = Vec::new();
    for (index, needs) in &graph {
        let Some(package) = lock.get(*index) else {
            continue;
        };
        let needs: BTreeSet<String> = needs
            .iter()
            .filter_map(|index| lock.get(*index).map(reference))
            .collect();
        dependencies.push(json!({ "ref": reference(package), "dependsOn": needs }));
        if *index != root {
            components.push(component(package, role(package)));
        }
    }
    let subject = lock.get(root).map(|package| {
        let mut subject = component(package, role(package));
        subject["type"] = "application".into();
        subject["scope"].take();
        without_nulls(subject)
    });
    let document = |serial: Option<String>| {
        without_nulls(json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "serialNumber": serial,
            "version": 1,
            "metadata": { "component": subject },
            "components": components,
            "dependencies": dependencies,
        }))
    };
    let serial = serial(&serde_json::to_vec(&document(None))?);
    let mut bytes = serde_json::to_vec_pretty(&document(Some(serial)))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A serial number that is a function of the content: a UUID of version 8, whose digits are ours to choose (RFC 9562).
fn serial(content: &[u8]) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Digest::of(content).as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

/// A name for the package that no other of the document has.
fn reference(package: &Locked) -> String {
    purl(package).unwrap_or_else(|| format!("{}@{}", package.name, package.version))
}

/// The package URL of what others can get, too (purl specification, type `cargo`).
fn purl(package: &Locked) -> Option<String> {
    let source = package.source.as_deref()?;
    let base = format!("pkg:cargo/{}@{}", package.name, encoded(&package.version));
    if let Some(git) = source.strip_prefix("git+") {
        let (url, commit) = git.split_once('#').unwrap_or((git, ""));
        let url = url.split('?').next().unwrap_or_default();
        let vcs = format!("git+{url}@{commit}");
        return Some(format!("{base}?vcs_url={}", encoded(&vcs)));
    }
    // The registry that is meant without another word is the one that lock files call this.
    if source.starts_with("registry+") && source.ends_with("/crates.io-index") {
        return Some(base);
    }
    let url = source.split_once('+').map_or(source, |(_, url)| url);
    Some(format!("{base}?repository_url={}", encoded(url)))
}

/// Percent-encoded as the purl specification wants values.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' | b'/' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn component(package: &Locked, role: Option<&Package>) -> Value {
    let hashes = package
        .checksum
        .as_ref()
        .map(|checksum| json!([{ "alg": "SHA-256", "content": checksum }]));
    let scope = match role {
        Some(role) if role.is_linked => "required",
        // It helped to compile: build scripts, procedural macros and what these use.
        _ => "excluded",
    };
    let license = role.and_then(|role| license(&role.folder));
    without_nulls(json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "scope": scope,
        "hashes": hashes,
        "licenses": license.map(|expression| json!([{ "expression": expression }])),
        "purl": purl(package),
    }))
}

/// The licence that a package's manifest declares, as an SPDX expression.
fn license(folder: &Path) -> Option<String> {
    let manifest = manifest(folder)?;
    let license = match manifest.get("package")?.get("license")? {
        // The workspace's, for members that say so.
        toml::Value::Table(_) => folder.ancestors().find_map(|dir| {
            let manifest = self::manifest(dir)?;
            let package = manifest.get("workspace")?.get("package")?;
            Some(package.get("license")?.as_str()?.to_owned())
        })?,
        license => license.as_str()?.to_owned(),
    };
    // An older notation that SPDX does not know.
    Some(license.replace('/', " OR ").replace("  ", " "))
}

fn manifest(folder: &Path) -> Option<toml::Table> {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    text.parse().ok()
}

/// CycloneDX has no nulls: what is not known is not there.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}

#[cfg(test)]
mod tests;
