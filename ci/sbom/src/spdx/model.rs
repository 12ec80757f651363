//! The members of an SPDX document that are written, in the order in which they are. Typed, since the order of a `serde_json::Value`
//! is decided by whoever else is in the build.

use serde::Serialize;

/// What SPDX says of what is not known.
pub(super) const NOBODY: &str = "NOASSERTION";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    pub(super) spdx_version: &'static str,
    pub(super) data_license: &'static str,
    #[serde(rename = "SPDXID")]
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) document_namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    pub(super) creation_info: CreationInfo<'a>,
    pub(super) packages: Vec<Package<'a>>,
    pub(super) relationships: Vec<Relationship>,
    #[serde(
        rename = "hasExtractedLicensingInfos",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) extracted: Vec<Extracted<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationInfo<'a> {
    pub(super) created: &'a str,
    pub(super) creators: [&'static str; 1],
    pub(super) license_list_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package<'a> {
    #[serde(rename = "SPDXID")]
    pub(super) id: String,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<String>,
    pub(super) download_location: &'static str,
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_info: Option<String>,
    pub(super) license_concluded: &'static str,
    pub(super) license_declared: &'a str,
    pub(super) copyright_text: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_refs: Vec<Reference>,
    pub(super) primary_package_purpose: &'static str,
}

impl<'a> Package<'a> {
    /// A package of which no more is known.
    pub(super) fn new(id: String, name: &'a str, purpose: &'static str) -> Self {
        Self {
            id,
            name,
            version_info: None,
            description: None,
            supplier: None,
            download_location: NOBODY,
            files_analyzed: false,
            checksums: Vec::new(),
            source_info: None,
            license_concluded: NOBODY,
            license_declared: NOBODY,
            copyright_text: NOBODY,
            external_refs: Vec::new(),
            primary_package_purpose: purpose,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    pub(super) algorithm: &'static str,
    pub(super) checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

impl Reference {
    pub(super) fn purl(purl: String) -> Self {
        Self {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: purl,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

impl Relationship {
    pub(super) fn new(from: &str, kind: &'static str, to: &str) -> Self {
        Self {
            spdx_element_id: from.to_owned(),
            relationship_type: kind,
            related_spdx_element: to.to_owned(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extracted<'a> {
    pub(super) license_id: &'a str,
    pub(super) name: &'a str,
    pub(super) extracted_text: &'a str,
}
