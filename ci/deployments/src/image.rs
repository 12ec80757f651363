//! An image as a place in a file names it: in full, or by one of its parts.

use std::fmt;

use ci_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

/// The image that a place shall name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Registry and repository; what it says of tag and digest does not count.
    pub repository: Reference,
    /// What was tested, pushed and signed.
    pub digest: Digest,
    /// A tag that was pushed for it.
    pub tag: Option<String>,
    /// Full id of the commit that it was built from.
    pub commit: Option<String>,
}

/// Which part of an image a place holds.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `ghcr.io/acme/web@sha256:…`
    #[default]
    Reference,
    /// `ghcr.io/acme/web:v1@sha256:…`: the digest decides, the tag is for readers.
    TaggedReference,
    /// `sha256:…`
    Digest,
    /// `v1`, beside a place that holds the digest.
    Tag,
    /// The source commit, beside a place that holds the digest.
    Commit,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "an image",
            Self::TaggedReference => "an image with its tag",
            Self::Digest => "a digest",
            Self::Tag => "a tag",
            Self::Commit => "a commit",
        })
    }
}

/// Why a value is not replaced, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsuitable {
    #[error(
        "it is computed (`$`) by whoever reads the file; promote the variable where it is defined"
    )]
    Interpolated,
    #[error("it holds no {expected}")]
    NotThis { expected: &'static str },
    #[error("it names another image; the release is of {expected}")]
    OtherImage { expected: String },
    #[error("the release has no tag, and this place holds one")]
    NoTag,
    #[error("the release has no commit, and this place holds one")]
    NoCommit,
    #[error("the release's tag or commit has characters that neither may have")]
    Characters,
}

impl Form {
    /// What the place shall hold instead of `before`; the repository stays as it is spelled there.
    pub(crate) fn write(self, image: &Image, before: &str) -> Result<String, Unsuitable> {
        self.check(image, before)?;
        let repository = match self.reads_reference() {
            true if !before.is_empty() => repository_part(before).to_owned(),
            _ => image.repository.clone().without_tag_and_digest().familiar(),
        };
        let tag = || image.tag.clone().ok_or(Unsuitable::NoTag);
        let text = match self {
            Self::Reference => format!("{repository}@{}", image.digest),
            Self::TaggedReference => format!("{repository}:{}@{}", tag()?, image.digest),
            Self::Digest => image.digest.to_string(),
            Self::Tag => tag()?,
            Self::Commit => image.commit.clone().ok_or(Unsuitable::NoCommit)?,
        };
        // Every format that is edited can hold these without escapes, so none of them needs any.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@[]".contains(&byte);
        match text.bytes().all(is_plain) && !text.is_empty() {
            true => Ok(text),
            false => Err(Unsuitable::Characters),
        }
    }

    fn reads_reference(self) -> bool {
        matches!(self, Self::Reference | Self::TaggedReference)
    }

    /// Whether `before` is what this form would have written for an earlier release: a place that was declared wrongly shows here.
    fn check(self, image: &Image, before: &str) -> Result<(), Unsuitable> {
        if before.is_empty() {
            return Ok(());
        }
        if before.contains('$') {
            return Err(Unsuitable::Interpolated);
        }
        let no = |expected| Err(Unsuitable::NotThis { expected });
        match self {
            Self::Reference | Self::TaggedReference => match before.parse::<Reference>() {
                Ok(found) if found.name() == image.repository.name() => Ok(()),
                Ok(_) => Err(Unsuitable::OtherImage {
                    expected: image.repository.name(),
                }),
                Err(_) => no("image"),
            },
            Self::Digest if before.parse::<Digest>().is_err() => no("digest"),
            Self::Tag if !is_tag(before) => no("tag"),
            Self::Commit if !is_commit(before) => no("commit"),
            _ => Ok(()),
        }
    }
}

/// OCI distribution specification, "Pulling manifests".
fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= Reference::MAX_TAG
        && text.bytes().next().is_some_and(is_word)
        && text
            .bytes()
            .all(|byte| is_word(byte) || b".-".contains(&byte))
}

/// A git object id, perhaps shortened.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A reference without tag and digest, as it is spelled.
fn repository_part(text: &str) -> &str {
    let name = text.split_once('@').map_or(text, |(name, _)| name);
    match name.rsplit_once(':') {
        // A colon before a slash is a port's.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests;
