//! A bill as SPDX 2.3, in JSON (spdx.github.io/spdx-spec/v2.3).

mod model;

use std::collections::BTreeMap;

use ci_oci::Digest;

use self::model::{
    Checksum, CreationInfo, Document, Extracted, NOBODY, Package, Reference, Relationship,
};
use crate::bom::{Bom, Image, Subject};
use crate::package::{ChecksumAlgorithm, Role};
use crate::uuid::uuid;
use crate::{License, System};

/// The predicate type of attestations that hold such a document.
pub const PREDICATE_TYPE: &str = "https://spdx.dev/Document";

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const SUBJECT: &str = "SPDXRef-Subject";
const SYSTEM: &str = "SPDXRef-OperatingSystem";

/// Writes a bill: the same bytes for the same bill. The document's namespace is a function of all that is in it.
///
/// # Errors
/// Those of the serializer, which has no reason for any.
pub fn document(bom: &Bom) -> serde_json::Result<Vec<u8>> {
    let (name, _) = bom.subject.name();
    let name: String = name
        .chars()
        .map(|it| if is_plain(it) { it } else { '-' })
        .collect();
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        comment: comment(bom),
        creation_info: creation(&bom.subject),
        packages: packages(bom),
        relationships: relationships(bom),
        extracted: extracted(bom),
        document_namespace: String::new(),
        name,
    };
    let content = Digest::of(serde_json::to_vec(&document)?);
    let (name, uuid) = (&document.name, uuid(&content));
    document.document_namespace = format!("https://spdx.org/spdxdocs/{name}-{uuid}");
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn creation(subject: &Subject) -> CreationInfo<'_> {
    let version: Vec<&str> = spdx::license_version().split('.').take(2).collect();
    CreationInfo {
        created: match subject {
            Subject::Image(image) => &image.created,
            // It has no time of its own.
            Subject::Program(_) => "1970-01-01T00:00:00Z",
        },
        creators: [concat!("Tool: pipeline-", env!("CARGO_PKG_VERSION"))],
        license_list_version: version.join("."),
    }
}

fn comment(bom: &Bom) -> Option<String> {
    let gaps: Vec<&str> = bom.gaps().collect();
    (!gaps.is_empty()).then(|| format!("Not everything could be read: {}", gaps.join("; ")))
}

fn packages(bom: &Bom) -> Vec<Package<'_>> {
    let mut packages = vec![match &bom.subject {
        Subject::Program(program) => package(program, SUBJECT.to_owned()),
        Subject::Image(image) => self::image(image),
    }];
    packages.extend(bom.system.as_ref().map(system));
    packages.extend(bom.packages().map(|it| package(it, id(&it.reference()))));
    packages
}

fn image(image: &Image) -> Package<'_> {
    let mut package = Package::new(SUBJECT.to_owned(), &image.name, "CONTAINER");
    package.version_info = Some(image.digest.to_string());
    package.checksums = vec![Checksum {
        algorithm: "SHA256",
        checksum_value: image.digest.hex(),
    }];
    package.external_refs = image.purl().map(Reference::purl).into_iter().collect();
    package
}

fn system(system: &System) -> Package<'_> {
    let mut package = Package::new(SYSTEM.to_owned(), &system.id, "OPERATING-SYSTEM");
    package.version_info.clone_from(&system.version);
    package.description = Some(&system.name);
    package
}

fn package(package: &crate::Package, id: String) -> Package<'_> {
    let checksums = package.checksum.iter().map(|it| Checksum {
        algorithm: match it.algorithm() {
            ChecksumAlgorithm::Sha1 => "SHA1",
            ChecksumAlgorithm::Sha256 => "SHA256",
            ChecksumAlgorithm::Sha512 => "SHA512",
        },
        checksum_value: it.hex().to_owned(),
    });
    let locations: Vec<&str> = package.locations.iter().map(String::as_str).collect();
    let purpose = match package.role {
        Role::Application => "APPLICATION",
        Role::Library | Role::BuildTool => "LIBRARY",
    };
    let purl = package.purl().map(|it| Reference::purl(it.to_owned()));
    Package {
        version_info: package.version.clone(),
        supplier: package
            .supplier
            .as_ref()
            .map(|it| format!("Organization: {it}")),
        checksums: checksums.collect(),
        source_info: (!locations.is_empty()).then(|| format!("found in {}", locations.join(", "))),
        license_declared: package.license.as_ref().map_or(NOBODY, License::expression),
        external_refs: purl.into_iter().collect(),
        ..Package::new(id, &package.name, purpose)
    }
}

fn relationships(bom: &Bom) -> Vec<Relationship> {
    let mut relationships = vec![Relationship::new(DOCUMENT, "DESCRIBES", SUBJECT)];
    if bom.system.is_some() {
        relationships.push(Relationship::new(SUBJECT, "CONTAINS", SYSTEM));
    }
    for package in bom.packages() {
        let id = id(&package.reference());
        relationships.push(match (package.role, &bom.subject) {
            (Role::BuildTool, _) => Relationship::new(&id, "BUILD_TOOL_OF", SUBJECT),
            (_, Subject::Image(_)) => Relationship::new(SUBJECT, "CONTAINS", &id),
            // Which of them it needs itself is below.
            (_, Subject::Program(_)) => continue,
        });
    }
    let subject = bom.subject.reference();
    let id = |reference: &String| match *reference == subject {
        true => SUBJECT.to_owned(),
        false => id(reference),
    };
    for (package, needed) in bom.dependencies() {
        let needs = needed
            .iter()
            .map(|it| Relationship::new(&id(package), "DEPENDS_ON", &id(it)));
        relationships.extend(needs);
    }
    relationships
}

/// What the `LicenseRef-`s stand for.
fn extracted(bom: &Bom) -> Vec<Extracted<'_>> {
    let subject = match &bom.subject {
        Subject::Program(program) => Some(program),
        Subject::Image(_) => None,
    };
    let licenses = bom
        .packages()
        .chain(subject)
        .filter_map(|it| it.license.as_ref());
    let references: BTreeMap<&String, &String> = licenses.flat_map(License::references).collect();
    let extracted = references.into_iter().map(|(license_id, name)| Extracted {
        license_id,
        name,
        extracted_text: name,
    });
    extracted.collect()
}

/// An identifier of this document: letters, digits, `.` and `-`. The digest tells those apart that look alike then.
fn id(reference: &str) -> String {
    let name = reference.split(['?', '#']).next().unwrap_or(reference);
    let name: String = name
        .strip_prefix("pkg:")
        .unwrap_or(name)
        .chars()
        .map(|it| if is_plain(it) { it } else { '-' })
        .take(64)
        .collect();
    let digest = Digest::of(reference).hex();
    format!("SPDXRef-Package-{name}-{}", &digest[..12])
}

fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || ".-".contains(it)
}

#[cfg(test)]
mod tests;
