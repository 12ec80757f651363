//! The state map: for each environment and service a small file in the deployments repository that says which source commit the
//! pinned digest was built from. It is written in the same commit as the digest, so a revert brings both back.
//!
//! One file for each service: promotions of different services touch no common line, and neither git nor people have to merge them.
//! TOML, because tools that apply every YAML and JSON file of a folder must not take it for a manifest.

use ci_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

use crate::release::is_commit;
use crate::{Candidate, Image, Source};

const VERSION: u32 = 1;
const HEAD: &str = "\
# Which source the pinned digest was built from. Written by `pipeline promote`, in the commit that pins it.
";

/// One file of the state map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct State {
    version: u32,
    /// The service.
    pub service: String,
    /// Where the image was pushed.
    pub repository: Reference,
    /// What is pinned.
    pub digest: Digest,
    /// Tags that were pushed for it.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Address of the source repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Full id of the source commit.
    pub commit: String,
    /// RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_time: Option<String>,
    /// Such as `refs/heads/main`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Why a file of the state map cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidState {
    /// Not TOML with these keys.
    #[error("it cannot be read: {0}")]
    Toml(String),
    /// Written by another version of the program.
    #[error("it is of version {0}, and this program reads {VERSION}; update the program")]
    Version(u32),
    /// Not an object id.
    #[error("its commit is not a full object id")]
    Commit,
}

impl State {
    /// The state after a promotion.
    pub(crate) fn of(candidate: &Candidate) -> Self {
        let Candidate {
            service,
            image,
            tags,
            source,
        } = candidate.clone();
        Self {
            version: VERSION,
            service,
            repository: image.repository.without_tag_and_digest(),
            digest: image.digest,
            tags,
            source: source.repository,
            commit: source.commit,
            commit_time: source.commit_time,
            reference: source.reference,
        }
    }

    /// What is pinned, as it would be promoted elsewhere.
    pub fn candidate(&self) -> Candidate {
        Candidate {
            service: self.service.clone(),
            image: Image {
                repository: self.repository.clone(),
                digest: self.digest,
                tag: self.tags.first().cloned(),
                commit: Some(self.commit.clone()),
            },
            tags: self.tags.clone(),
            source: Source {
                repository: self.source.clone(),
                commit: self.commit.clone(),
                commit_time: self.commit_time.clone(),
                reference: self.reference.clone(),
            },
        }
    }

    /// Reads a file of the state map.
    ///
    /// # Errors
    /// When it is not one, or of another version.
    pub fn parse(content: &[u8]) -> Result<Self, InvalidState> {
        let toml = |error: &dyn std::fmt::Display| InvalidState::Toml(error.to_string());
        let text = std::str::from_utf8(content).map_err(|error| toml(&error))?;
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| toml(&error.message()))?;
        // Told before keys that a later version may have added are refused.
        match table.get("version").and_then(toml::Value::as_integer) {
            Some(version) if version != i64::from(VERSION) => {
                let version = u32::try_from(version).unwrap_or(u32::MAX);
                return Err(InvalidState::Version(version));
            }
            _ => {}
        }
        let state: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| toml(&error.message()))?;
        match is_commit(&state.commit) {
            true => Ok(state),
            false => Err(InvalidState::Commit),
        }
    }

    /// The file, the same bytes for the same state.
    pub(crate) fn write(&self) -> Result<Vec<u8>, InvalidState> {
        let text = toml::to_string(self).map_err(|error| InvalidState::Toml(error.to_string()))?;
        Ok(format!("{HEAD}{text}").into_bytes())
    }
}
