//! A bill as CycloneDX 1.6, in JSON (ECMA-424), written and, of a program, read back.

mod model;
mod read;

use ci_oci::Digest;

use self::model::{
    Component, Composition, Dependency, Document, Evidence, Hash, License, Metadata, Occurrence,
    Supplier, Tool, Tools,
};
pub use self::read::{ReadError, read};
use crate::bom::{Bom, Image, Subject};
use crate::package::{ChecksumAlgorithm, Role};
use crate::uuid::uuid;
use crate::{Package, System};

/// The predicate type of attestations that hold such a document.
pub const PREDICATE_TYPE: &str = "https://cyclonedx.org/bom";

const SYSTEM: &str = "operating-system";

/// Writes a bill: the same bytes for the same bill. The serial number is a function of all that is in it.
///
/// # Errors
/// Those of the serializer, which has no reason for any.
pub fn document(bom: &Bom) -> serde_json::Result<Vec<u8>> {
    let system = bom.system.as_ref().map(system);
    let mut document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: Metadata {
            timestamp: match &bom.subject {
                Subject::Image(image) => Some(&image.created),
                // It has no time of its own.
                Subject::Program(_) => None,
            },
            tools: Tools {
                components: [Tool {
                    kind: "application",
                    name: "pipeline",
                    version: env!("CARGO_PKG_VERSION"),
                }],
            },
            component: match &bom.subject {
                Subject::Image(image) => self::image(image),
                Subject::Program(program) => component(program),
            },
        },
        components: system
            .into_iter()
            .chain(bom.packages().map(component))
            .collect(),
        dependencies: dependencies(bom),
        compositions: compositions(bom),
    };
    let content = Digest::of(serde_json::to_vec(&document)?);
    document.serial_number = Some(format!("urn:uuid:{}", uuid(&content)));
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn image(image: &Image) -> Component<'_> {
    Component {
        version: Some(image.digest.to_string()),
        hashes: vec![Hash {
            algorithm: "SHA-256",
            content: image.digest.hex(),
        }],
        purl: image.purl(),
        ..Component::new(
            "container",
            Subject::Image(image.clone()).reference(),
            &image.name,
        )
    }
}

fn system(system: &System) -> Component<'_> {
    Component {
        version: system.version.clone(),
        description: Some(&system.name),
        ..Component::new("operating-system", SYSTEM.to_owned(), &system.id)
    }
}

fn component(package: &Package) -> Component<'_> {
    let kind = match package.role {
        Role::Application => "application",
        Role::Library | Role::BuildTool => "library",
    };
    let hashes = package.checksum.iter().map(|it| Hash {
        algorithm: match it.algorithm() {
            ChecksumAlgorithm::Sha1 => "SHA-1",
            ChecksumAlgorithm::Sha256 => "SHA-256",
            ChecksumAlgorithm::Sha512 => "SHA-512",
        },
        content: it.hex().to_owned(),
    });
    let licenses = package.license.iter().map(|it| License {
        expression: it.expression().into(),
    });
    let occurrences: Vec<Occurrence<'_>> = package
        .locations
        .iter()
        .map(|location| Occurrence { location })
        .collect();
    Component {
        supplier: package.supplier.as_deref().map(|name| Supplier { name }),
        version: package.version.clone(),
        // What is excluded helped to build, and is not there.
        scope: Some(match package.role {
            Role::BuildTool => "excluded",
            Role::Application | Role::Library => "required",
        }),
        hashes: hashes.collect(),
        licenses: licenses.collect(),
        purl: package.purl().map(str::to_owned),
        evidence: (!occurrences.is_empty()).then_some(Evidence { occurrences }),
        ..Component::new(kind, package.reference(), &package.name)
    }
}

/// Every component has an entry, as the specification wants of graphs that are complete.
fn dependencies(bom: &Bom) -> Vec<Dependency> {
    let subject = bom.subject.reference();
    let mut references: Vec<String> = bom.packages().map(Package::reference).collect();
    let known = bom.dependencies();
    let mut dependencies = Vec::new();
    if let Subject::Image(_) = bom.subject {
        let system = bom.system.iter().map(|_| SYSTEM.to_owned());
        let present = bom.packages().filter(|it| it.role != Role::BuildTool);
        dependencies.push(Dependency {
            reference: subject,
            depends_on: system.chain(present.map(Package::reference)).collect(),
        });
    } else {
        references.push(subject);
    }
    references.sort();
    references.dedup();
    dependencies.extend(references.into_iter().map(|reference| {
        Dependency {
            depends_on: known
                .get(&reference)
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            reference,
        }
    }));
    dependencies
}

/// Where something could not be read, the list is not all there is. What was found is.
fn compositions(bom: &Bom) -> Vec<Composition> {
    if bom.gaps().len() == 0 {
        return Vec::new();
    }
    vec![Composition {
        aggregate: "incomplete",
        assemblies: [bom.subject.reference()],
    }]
}

#[cfg(test)]
mod tests;
