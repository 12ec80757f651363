//! An image as a place in a file names it: in full, or by one of its parts.

use ci_catalog::deploy::Form;
use ci_oci::{Digest, Reference};

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

/// What the place shall hold instead of `before`; the repository stays as it is spelled there.
pub(crate) fn write(form: Form, image: &Image, before: &str) -> Result<String, Unsuitable> {
    check(form, image, before)?;
    let repository = match reads_reference(form) {
        true if !before.is_empty() => repository_part(before).to_owned(),
        _ => image.repository.clone().without_tag_and_digest().familiar(),
    };
    let tag = || image.tag.clone().ok_or(Unsuitable::NoTag);
    let text = match form {
        Form::Reference => format!("{repository}@{}", image.digest),
        Form::TaggedReference => format!("{repository}:{}@{}", tag()?, image.digest),
        Form::Digest => image.digest.to_string(),
        Form::Tag => tag()?,
        Form::Commit => image.commit.clone().ok_or(Unsuitable::NoCommit)?,
    };
    // Every format that is edited can hold these without escapes, so none of them needs any.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@[]".contains(&byte);
    match text.bytes().all(is_plain) && !text.is_empty() {
        true => Ok(text),
        false => Err(Unsuitable::Characters),
    }
}

fn reads_reference(form: Form) -> bool {
    matches!(form, Form::Reference | Form::TaggedReference)
}

/// Whether `before` is what this form would have written for an earlier release: a place that was declared wrongly shows here.
fn check(form: Form, image: &Image, before: &str) -> Result<(), Unsuitable> {
    if before.is_empty() {
        return Ok(());
    }
    if before.contains('$') {
        return Err(Unsuitable::Interpolated);
    }
    let no = |expected| Err(Unsuitable::NotThis { expected });
    match form {
        Form::Reference | Form::TaggedReference => match before.parse::<Reference>() {
            Ok(found) if found.name() == image.repository.name() => Ok(()),
            Ok(_) => Err(Unsuitable::OtherImage {
                expected: image.repository.name(),
            }),
            Err(_) => no("image"),
        },
        Form::Digest if before.parse::<Digest>().is_err() => no("digest"),
        Form::Tag if !is_tag(before) => no("tag"),
        Form::Commit if !is_commit(before) => no("commit"),
        _ => Ok(()),
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
