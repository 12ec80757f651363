//! Image references (`alpine`, `ghcr.io/owner/app:1.4@sha256:…`): what Docker accepts, in one canonical form.
//!
//! The grammar is that of the distribution project's `reference` package; names without a registry are Docker Hub's, as everywhere.
//! Hosts are compared without case, so they are kept in lower case. Where a registry is reached, and by which mirrors, is left to
//! the crates above.

mod parse;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Digest, DigestError};

/// The registry of names that give none.
pub const DEFAULT_REGISTRY: &str = "docker.io";
/// The namespace of Docker Hub's names of one component.
const OFFICIAL: &str = "library/";
/// The tag that is meant where neither a tag nor a digest is given.
const DEFAULT_TAG: &str = "latest";

/// The name of an image in a registry, perhaps with a tag, perhaps pinned to a digest.
///
/// Every part was checked against the grammar, so that none of them can bring more than itself into a URL or a path (L15). The
/// canonical form, which `Display` writes and parsing gives back, has registry and namespace always.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an image reference: {problem}")]
pub struct ReferenceError {
    /// The beginning of the refused text.
    pub text: String,
    /// What is wrong with it.
    pub problem: ReferenceProblem,
}

/// What is wrong with an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceProblem {
    /// Nothing at all, or nothing before the tag or digest.
    #[error("it names no repository")]
    NoRepository,
    /// `https://…`, `docker://…`.
    #[error("it must not have a scheme; leave out {0:?}")]
    Scheme(String),
    /// A letter in upper case in the repository.
    #[error("repository names are lower case; did you mean {0:?}?")]
    UpperCase(String),
    /// A component of the repository that the grammar does not have.
    #[error(
        "{0:?} is not a path component: lower-case letters and digits, with `.`, `_`, `__` or `-` between them"
    )]
    Component(String),
    /// What precedes the first `/` looks like a host and is none.
    #[error("{0:?} is not a registry: expected a host name or an address, and perhaps a port")]
    Registry(String),
    /// The repository, without its registry, has more characters than registries take.
    #[error(
        "its repository is longer than {} characters",
        Reference::MAX_REPOSITORY
    )]
    TooLong,
    /// A tag outside `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    #[error(
        "{0:?} is not a tag: up to 128 letters, digits, `_`, `.` and `-`, and neither `.` nor `-` first"
    )]
    Tag(String),
    /// 64 hexadecimal digits: to Docker the id of a local image.
    #[error("it is the id of a local image; to name content, write NAME@sha256:…")]
    ImageId,
    /// What follows the `@`.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Reference {
    /// The most characters of a repository without its registry.
    pub const MAX_REPOSITORY: usize = 255;
    /// The most characters of a tag.
    pub const MAX_TAG: usize = 128;

    /// Host and perhaps port, in lower case: `docker.io`, `localhost:5000`, `[::1]:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry: `library/alpine`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Registry and repository without tag and digest: `docker.io/library/alpine`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given. Where there are both, it decides and the tag is a note to readers.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same repository with this tag and the digest as it was.
    ///
    /// # Errors
    /// When `tag` is none.
    pub fn with_tag(self, tag: &str) -> Result<Self, ReferenceError> {
        parse::tag(tag).map_err(|problem| ReferenceError::new(tag, problem))?;
        Ok(Self {
            tag: Some(tag.to_owned()),
            ..self
        })
    }

    /// The same name and tag, pinned to `digest`.
    pub fn with_digest(self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self
        }
    }

    /// The same name and tag, pinned to nothing: what a lock file is asked for.
    pub fn without_digest(self) -> Self {
        Self {
            digest: None,
            ..self
        }
    }

    /// The same repository with neither tag nor digest.
    pub fn without_tag_and_digest(self) -> Self {
        Self {
            tag: None,
            digest: None,
            ..self
        }
    }

    /// The same with the tag `latest` where there is neither a tag nor a digest, which is what such a reference means.
    pub fn or_latest(self) -> Self {
        match (&self.tag, &self.digest) {
            (None, None) => Self {
                tag: Some(DEFAULT_TAG.to_owned()),
                ..self
            },
            _ => self,
        }
    }

    /// What a manifest is asked for by: the digest, else the tag, else `latest` (OCI distribution specification, "Pulling manifests").
    pub fn manifest(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => DEFAULT_TAG.to_owned(),
        }
    }

    /// As people write it: without `docker.io/` and `docker.io/library/` where it means the same without.
    pub fn familiar(&self) -> String {
        let full = self.to_string();
        let hub = full
            .strip_prefix(DEFAULT_REGISTRY)
            .and_then(|rest| rest.strip_prefix('/'));
        // `docker.io/localhost/x` without its registry is another image.
        let same = |text: &&str| text.parse().as_ref() == Ok(self);
        let short = hub
            .and_then(|hub| hub.strip_prefix(OFFICIAL))
            .filter(same)
            .or(hub.filter(same));
        short.unwrap_or(&full).to_owned()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest
            .iter()
            .try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        parse::reference(text).map_err(|problem| ReferenceError::new(text, problem))
    }
}

impl TryFrom<String> for Reference {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl ReferenceError {
    fn new(text: &str, problem: ReferenceProblem) -> Self {
        Self {
            text: parse::shortened(text),
            problem,
        }
    }
}

#[cfg(test)]
mod tests;
