//! Reading manifests and indexes of unknown origin: one document has one meaning, and no more in it than anybody needs.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::{Index, Manifest, media_type};

/// Bytes of a manifest, index or config; registries refuse larger ones, too.
pub const MAX_DOCUMENT: u64 = 4 << 20;
/// Layers of one image. Nobody mounts more; Docker stops at 127.
const MAX_LAYERS: usize = 500;
/// Entries of one index.
const MAX_MANIFESTS: usize = 1000;

/// What a descriptor of an image may point at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a handful, and nearly all are manifests"
)]
pub enum Document {
    /// One image.
    Manifest(Manifest),
    /// Images for several platforms.
    Index(Index),
}

/// Why a document is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not JSON, or not of this shape.
    #[error("it is not an image manifest or index: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The descriptor announces something else.
    #[error("content of type {0:?} is no image manifest or index")]
    NoImage(String),
    /// What registries served before 2016; its layers have no digests that could be verified.
    #[error(
        "it is of Docker's schema 1, which registries have withdrawn; push the image again with a current client"
    )]
    Schema1,
    /// The document says it is something else than its descriptor does.
    #[error("it says it is {stated:?}, but was announced as {announced:?}")]
    MediaType {
        /// In the document.
        stated: String,
        /// In the descriptor.
        announced: String,
    },
    /// It can be read as two kinds of document (L14).
    #[error("it is ambiguous: {0:?} has no place in {1}")]
    Ambiguous(String, &'static str),
    /// A version nobody has defined.
    #[error("its schema version is {0}; only 2 is known")]
    SchemaVersion(u32),
    /// Too large.
    #[error("it has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
}

impl Document {
    /// Reads the content of a descriptor whose media type is `announced`.
    pub fn parse(announced: &str, content: &[u8]) -> Result<Self, ManifestError> {
        if media_type::is_schema_1(announced) {
            return Err(ManifestError::Schema1);
        }
        let index = media_type::is_index(announced);
        if !index && !media_type::is_manifest(announced) {
            return Err(ManifestError::NoImage(announced.to_owned()));
        }
        if content.len() as u64 > MAX_DOCUMENT {
            return Err(ManifestError::Limit {
                what: "bytes",
                limit: MAX_DOCUMENT,
            });
        }
        unambiguous(index, content)?;
        let document = match index {
            true => Self::Index(serde_json::from_slice(content)?),
            false => Self::Manifest(serde_json::from_slice(content)?),
        };
        let (version, stated) = match &document {
            Self::Index(index) => {
                limit("manifests", index.manifests.len(), MAX_MANIFESTS)?;
                (index.schema_version, index.media_type.as_deref())
            }
            Self::Manifest(manifest) => {
                limit("layers", manifest.layers.len(), MAX_LAYERS)?;
                (manifest.schema_version, manifest.media_type.as_deref())
            }
        };
        if version != 2 {
            return Err(ManifestError::SchemaVersion(version));
        }
        let contradiction = |stated: &str| ManifestError::MediaType {
            stated: stated.to_owned(),
            announced: announced.to_owned(),
        };
        // OCI lets a document do without; Docker's types are only what they say they are.
        match stated {
            None if media_type::is_docker(announced) => Err(contradiction("")),
            Some(stated) if stated != announced => Err(contradiction(stated)),
            _ => Ok(document),
        }
    }
}

/// Refuses members of the other kind of document, and members that a reader who ignores case would take for known ones (Go does).
fn unambiguous(index: bool, content: &[u8]) -> Result<(), ManifestError> {
    const KNOWN: [&str; 9] = [
        "schemaVersion",
        "mediaType",
        "artifactType",
        "config",
        "layers",
        "manifests",
        "subject",
        "annotations",
        "fsLayers",
    ];
    const MANIFEST_ONLY: [&str; 3] = ["config", "layers", "fsLayers"];
    const INDEX_ONLY: [&str; 2] = ["manifests", "fsLayers"];
    let (kind, foreign) = if index {
        ("an index", MANIFEST_ONLY.as_slice())
    } else {
        ("a manifest", INDEX_ONLY.as_slice())
    };
    let members: BTreeMap<String, IgnoredAny> = serde_json::from_slice(content)?;
    for name in members.into_keys() {
        let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(&name));
        if known.is_some_and(|known| **known != name || foreign.contains(known)) {
            return Err(ManifestError::Ambiguous(name, kind));
        }
    }
    Ok(())
}

fn limit(what: &'static str, count: usize, limit: usize) -> Result<(), ManifestError> {
    if count > limit {
        Err(ManifestError::Limit {
            what,
            limit: limit as u64,
        })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
