//! The bill of materials of a program: the packages that were compiled for it, how they depend on each other, and their licences.
//!
//! Which packages those are comes from the build, how they depend on each other from `Cargo.lock`, licences from the manifests. How
//! it is written is `ci_sbom`'s business; what else is in an image is added when the image is there.

use std::collections::BTreeMap;
use std::path::Path;

use ci_oci::Digest;
use ci_sbom::{Bom, Checksum, ChecksumAlgorithm, Ecosystem, License, Role, Subject, cyclonedx};

use super::lockfile::{Index, Locked, Lockfile};
use super::messages::{Package, PackageKey};

/// Writes the bill in CycloneDX. `root` is the package that the program is of, `program` the digest of its file: by that it is found
/// in images, whichever they are.
pub(super) fn document(
    lock: &Lockfile,
    root: Index,
    compiled: &BTreeMap<PackageKey, Package>,
    program: &Digest,
) -> eyre::Result<Vec<u8>> {
    let role = |package: &Locked| compiled.get(&(package.name.clone(), package.version.clone()));
    let graph = lock.reachable(root, |package| role(package).is_some());
    let mut packages = BTreeMap::new();
    for index in graph.keys() {
        if let Some(locked) = lock.get(*index) {
            let mut package = package(locked, role(locked))?;
            if *index == root {
                package.role = Role::Application;
                package.checksum = Checksum::new(ChecksumAlgorithm::Sha256, &program.hex());
            }
            packages.insert(*index, package);
        }
    }
    let references: BTreeMap<Index, String> = packages
        .iter()
        .map(|(index, package)| (*index, package.reference()))
        .collect();
    let subject = packages.remove(&root);
    let subject =
        subject.ok_or_else(|| eyre::eyre!("the lock file lacks the program's package"))?;
    let mut bom = Bom::new(Subject::Program(subject));
    for package in packages.into_values() {
        bom.add(package);
    }
    for (index, needs) in &graph {
        for needed in needs {
            if let (Some(package), Some(needed)) = (references.get(index), references.get(needed)) {
                bom.depend(package.clone(), needed.clone());
            }
        }
    }
    Ok(cyclonedx::document(&bom)?)
}

fn package(locked: &Locked, role: Option<&Package>) -> eyre::Result<ci_sbom::Package> {
    let (name, version) = (&locked.name, &locked.version);
    let package = ci_sbom::Package::new(Ecosystem::Cargo, name, Some(version));
    let package = package.ok_or_else(|| eyre::eyre!("{name:?} {version:?} is no package"))?;
    let mut package = located(package, locked.source.as_deref());
    package.role = match role {
        Some(role) if role.is_linked => Role::Library,
        // It helped to compile: build scripts, procedural macros and what these use.
        _ => Role::BuildTool,
    };
    let checksum = locked.checksum.as_deref();
    package.checksum = checksum.and_then(|it| Checksum::new(ChecksumAlgorithm::Sha256, it));
    let license = role.and_then(|role| license(&role.folder));
    package.license = license.as_deref().and_then(License::parse);
    Ok(package)
}

/// Where others can get the package (purl specification, type `cargo`).
fn located(package: ci_sbom::Package, source: Option<&str>) -> ci_sbom::Package {
    let Some(source) = source else {
        return package.private();
    };
    if let Some(git) = source.strip_prefix("git+") {
        let (url, commit) = git.split_once('#').unwrap_or((git, ""));
        let url = url.split('?').next().unwrap_or_default();
        let url = format!("git+{}@{commit}", without_user(url));
        return package.with("vcs_url", &url);
    }
    // The registry that is meant without another word is the one that lock files call this.
    if source.starts_with("registry+") && source.ends_with("/crates.io-index") {
        return package;
    }
    let url = source.split_once('+').map_or(source, |(_, url)| url);
    package.with("repository_url", &without_user(url))
}

/// The address without who asks (S1).
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}

/// The licence that a package's manifest declares.
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
    Some(license)
}

fn manifest(folder: &Path) -> Option<toml::Table> {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests;
