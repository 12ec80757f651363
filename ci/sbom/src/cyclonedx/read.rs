//! Reads back the bill of a program that [`super::document`] wrote: what a builder knew of what it compiled. It is no reader of what
//! others write.

use serde::Deserialize;

use super::model::{Dependency, License};
use crate::bom::{Bom, Subject};
use crate::package::{Checksum, ChecksumAlgorithm, Ecosystem, Package, Role};

/// Why a document cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not such a document.
    #[error("it is no bill of materials of a program as this version writes it: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A component that is no crate.
    #[error("it has a component that is no package: {0:?}")]
    Component(String),
}

#[derive(Deserialize)]
struct Document {
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Metadata {
    component: Component,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    version: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    scope: Option<String>,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    licenses: Vec<License<'static>>,
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Hash {
    content: String,
}

/// Reads a document about a program of Rust.
///
/// # Errors
/// When it is not one of ours.
pub fn read(document: &[u8]) -> Result<Bom, ReadError> {
    let document: Document = serde_json::from_slice(document)?;
    let subject = package(document.metadata.component)?;
    let mut bom = Bom::new(Subject::Program(subject));
    for component in document.components {
        bom.add(package(component)?);
    }
    for dependency in document.dependencies {
        for needed in dependency.depends_on {
            bom.depend(dependency.reference.clone(), needed);
        }
    }
    Ok(bom)
}

fn package(component: Component) -> Result<Package, ReadError> {
    let unknown = || ReadError::Component(component.name.chars().take(80).collect());
    let version = component.version.as_deref();
    let mut package =
        Package::new(Ecosystem::Cargo, &component.name, version).ok_or_else(unknown)?;
    package = match &component.purl {
        Some(purl) => package.read_qualifiers(purl).ok_or_else(unknown)?,
        None => package.private(),
    };
    package.role = match (component.kind.as_str(), component.scope.as_deref()) {
        ("application", _) => Role::Application,
        (_, Some("excluded")) => Role::BuildTool,
        _ => Role::Library,
    };
    let license = component.licenses.first();
    package.license = license.and_then(|it| crate::License::parse(&it.expression));
    let hash = component.hashes.first();
    package.checksum = hash.and_then(|it| Checksum::new(ChecksumAlgorithm::Sha256, &it.content));
    Ok(package)
}
