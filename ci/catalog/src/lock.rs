//! The lock file: which digest every base image had when it was last looked up.
//!
//! Looking up is the caller's business, as is the canonical form of references: this module only holds them to it, so that an
//! image stands in the file once.

mod changes;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use toml::de::DeTable;

use crate::diagnostic::Problems;
use crate::format::LockFile;
use crate::load::read;
use crate::source::Source;
use crate::{CatalogErrors, reference, schema};

pub use changes::{LockChange, LockDrift};

/// The name of the lock file, beside `pipeline.toml`.
pub const LOCK_FILE: &str = "pipeline.lock";

/// The only version there is.
const VERSION: i64 = 1;

const HEADER: &str = "\
# The digest of every base image of this repository's services, so that the same commit is built from the same images.
# Written by `pipeline lock`, which also brings it up to date. Commit it; do not edit it.
";

/// Digests by canonical reference: `docker.io/library/debian:12-slim`, always with registry, namespace and tag.
///
/// Displays as the file that [`Lock::parse`] reads: equal locks are equal bytes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lock {
    images: BTreeMap<String, String>,
}

/// Why an image cannot be in a lock file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidLock {
    /// Not of the form `REGISTRY/REPOSITORY:TAG`.
    #[error("`{reference}` is not a canonical reference: {reason}")]
    Reference {
        /// The reference.
        reference: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not `sha256:` and 64 lower-case hexadecimal digits.
    #[error("`{0}` is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits")]
    Digest(String),
}

impl Lock {
    /// Reads the text of a lock file.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its place.
    pub fn parse(text: &str) -> Result<Self, CatalogErrors> {
        let mut problems = Problems::default();
        let (source, version, file) = read::toml::<LockFile, _>(
            PathBuf::from(LOCK_FILE),
            text.as_bytes().to_vec(),
            &schema::of::<LockFile>(),
            &mut problems,
            peek_version,
        );
        if let Some((version, span)) = version.filter(|(version, _)| *version != VERSION) {
            // What else there is belongs to that version.
            problems = Problems::default();
            let message = format!("version {version} of the lock file is not known");
            problems
                .error(&source, &span, message)
                .help("another release of `pipeline` wrote it: use that one, or write it anew with `pipeline lock`");
        }
        let images = file.map(|file| images(&file, &source, &mut problems));
        problems.finish("the lock file")?;
        Ok(Self {
            images: images.unwrap_or_default(),
        })
    }

    /// Adds an image and returns the digest it had.
    ///
    /// # Errors
    /// When one of the two does not have its form.
    pub fn insert(
        &mut self,
        reference: impl Into<String>,
        digest: impl Into<String>,
    ) -> Result<Option<String>, InvalidLock> {
        let (reference, digest) = (reference.into(), digest.into());
        if let Some(reason) = reference::canonical_fault(&reference) {
            return Err(InvalidLock::Reference { reference, reason });
        }
        if !reference::is_digest(&digest) {
            return Err(InvalidLock::Digest(digest));
        }
        Ok(self.images.insert(reference, digest))
    }

    /// The digest of an image, by its canonical reference.
    #[must_use]
    pub fn digest(&self, reference: &str) -> Option<&str> {
        self.images.get(reference).map(String::as_str)
    }

    /// References with their digests, ordered by reference.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.images
            .iter()
            .map(|(reference, digest)| (reference.as_str(), digest.as_str()))
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEADER}\nversion = {VERSION}\n")?;
        // Neither a reference nor a digest holds anything that TOML would have escaped.
        self.iter().try_for_each(|(reference, digest)| {
            write!(
                f,
                "\n[[image]]\nreference = \"{reference}\"\ndigest = \"{digest}\"\n"
            )
        })
    }
}

fn peek_version(table: &DeTable<'_>) -> Option<(i64, std::ops::Range<usize>)> {
    let version = table.get("version")?;
    let integer = version.get_ref().as_integer()?;
    let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    Some((number, version.span()))
}

fn images(file: &LockFile, source: &Source, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut lock = Lock::default();
    let mut places = BTreeMap::new();
    for image in &file.image {
        let span = image.reference.span.clone().unwrap_or(0..0);
        if let Some(first) = places.insert(&image.reference.value, span.clone()) {
            let first = source.locate(&first);
            problems
                .error(
                    source,
                    &span,
                    format!("`{}` is locked twice", image.reference.value),
                )
                .related(first, "the first is here")
                .help("after a merge, write the file anew with `pipeline lock`");
            continue;
        }
        let inserted = lock.insert(&image.reference.value, &image.digest.value);
        if let Err(error) = inserted {
            let span = match &error {
                InvalidLock::Reference { .. } => span,
                InvalidLock::Digest(_) => image.digest.span.clone().unwrap_or(0..0),
            };
            problems.error(source, &span, error.to_string());
        }
    }
    lock.images
}

#[cfg(test)]
mod tests;
