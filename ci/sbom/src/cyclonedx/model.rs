//! The members of a CycloneDX document that are written, in the order in which they are. Typed, since the order of a
//! `serde_json::Value` is decided by whoever else is in the build.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    #[serde(rename = "$schema")]
    pub(super) schema: &'static str,
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) version: u32,
    pub(super) metadata: Metadata<'a>,
    pub(super) components: Vec<Component<'a>>,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) compositions: Vec<Composition>,
}

#[derive(Serialize)]
pub(super) struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<&'a str>,
    pub(super) tools: Tools,
    pub(super) component: Component<'a>,
}

#[derive(Serialize)]
pub(super) struct Tools {
    pub(super) components: [Tool; 1],
}

#[derive(Serialize)]
pub(super) struct Tool {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

#[derive(Serialize)]
pub(super) struct Component<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "bom-ref")]
    pub(super) reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Supplier<'a>>,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<License<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<Evidence<'a>>,
}

impl<'a> Component<'a> {
    /// A component of which no more is known.
    pub(super) fn new(kind: &'static str, reference: String, name: &'a str) -> Self {
        Self {
            kind,
            reference,
            supplier: None,
            name,
            version: None,
            description: None,
            scope: None,
            hashes: Vec::new(),
            licenses: Vec::new(),
            purl: None,
            evidence: None,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Supplier<'a> {
    pub(super) name: &'a str,
}

#[derive(Serialize)]
pub(super) struct Hash {
    #[serde(rename = "alg")]
    pub(super) algorithm: &'static str,
    pub(super) content: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct License<'a> {
    pub(super) expression: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct Evidence<'a> {
    pub(super) occurrences: Vec<Occurrence<'a>>,
}

#[derive(Serialize)]
pub(super) struct Occurrence<'a> {
    pub(super) location: &'a str,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Dependency {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    #[serde(rename = "dependsOn", default)]
    pub(super) depends_on: BTreeSet<String>,
}

#[derive(Serialize)]
pub(super) struct Composition {
    pub(super) aggregate: &'static str,
    pub(super) assemblies: [String; 1],
}
