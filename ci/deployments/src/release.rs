//! What promotion needs to know of a release: the part of the release record it reads.

use ci_oci::{Digest, Reference};
use serde::Deserialize;

use crate::Image;

/// The version of the record that is understood.
const SCHEMA_VERSION: u32 = 1;

/// One image of a release, and the source it was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The service.
    pub service: String,
    /// Its image.
    pub image: Image,
    /// All tags that were pushed for it.
    pub tags: Vec<String>,
    /// What it was built from.
    pub source: Source,
}

/// A commit of a source repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Address, without credentials.
    pub repository: Option<String>,
    /// Full id.
    pub commit: String,
    /// RFC 3339 in UTC.
    pub commit_time: Option<String>,
    /// Such as `refs/heads/main`.
    pub reference: Option<String>,
}

/// Why a release record cannot be promoted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRelease {
    /// Not a record at all.
    #[error("the release record cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another version of the program.
    #[error(
        "the release record is of version {0}, and this program reads {SCHEMA_VERSION}; build again"
    )]
    Version(u32),
    /// The images do not come from the commit that the record names.
    #[error(
        "the release was built with changes that are not committed, so nobody can say what it is; commit and build again"
    )]
    Dirty,
    /// The commit is not known.
    #[error("the release record does not name the commit that was built")]
    NoCommit,
    /// A repository that is none.
    #[error("the release record names a repository that is none: {0}")]
    Repository(#[from] ci_oci::ReferenceError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    schema_version: u32,
    source: RecordSource,
    services: Vec<RecordService>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordSource {
    repository: Option<String>,
    commit: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    dirty: bool,
    commit_time: Option<String>,
}

#[derive(Deserialize)]
struct RecordService {
    name: String,
    repository: String,
    digest: Digest,
    #[serde(default)]
    tags: Vec<String>,
}

/// Reads the images of a release record (`.pipeline/release.json`).
///
/// # Errors
/// When it cannot be read, or says that its images are of no commit.
pub fn candidates(record: &[u8]) -> Result<Vec<Candidate>, InvalidRelease> {
    let record: Record = serde_json::from_slice(record)?;
    if record.schema_version != SCHEMA_VERSION {
        return Err(InvalidRelease::Version(record.schema_version));
    }
    if record.source.dirty {
        return Err(InvalidRelease::Dirty);
    }
    let commit = record.source.commit;
    if !is_commit(&commit) {
        return Err(InvalidRelease::NoCommit);
    }
    let source = Source {
        repository: record.source.repository,
        commit: commit.clone(),
        commit_time: record.source.commit_time,
        reference: record.source.reference,
    };
    let candidate = |service: RecordService| {
        Ok(Candidate {
            service: service.name,
            image: Image {
                repository: service.repository.parse::<Reference>()?,
                digest: service.digest,
                tag: service.tags.first().cloned(),
                commit: Some(commit.clone()),
            },
            tags: service.tags,
            source: source.clone(),
        })
    };
    record.services.into_iter().map(candidate).collect()
}

/// A full object id, and not the one that means none.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|it| it != b'0')
}

#[cfg(test)]
mod tests;
