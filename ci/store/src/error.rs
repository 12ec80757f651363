//! What can go wrong in the store, always with the path it happened at and, where there is one, the
//! way out. Damaged entries are not here: the store reads them as absent, and
//! [`crate::Store::verify`] names them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The result of a store operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A store operation that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused. `doing` is a verb: "write", "create", "read" …
    #[error("cannot {doing} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was tried, as a verb that takes the path as its object.
        doing: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },

    /// The folder was written by a version of the program whose format this one does not know.
    #[error(
        "the cache in {} has format {found:?}, but this program knows only format {known}\n\
         help: set PIPELINE_CACHE_DIR to another folder, or delete this one (only time is lost)",
        path.display()
    )]
    Format {
        /// The root of the store.
        path: PathBuf,
        /// What its `version` file says.
        found: String,
        /// The format this program reads and writes.
        known: u32,
    },

    /// The folder has content, but is no store: it would be rash to write there, and worse to
    /// prune.
    #[error(
        "{} is not empty and is not a cache of this program (it holds {found:?})\n\
         help: set PIPELINE_CACHE_DIR to an empty or a new folder",
        path.display()
    )]
    NotAStore {
        /// The folder that was to be the root of a store.
        path: PathBuf,
        /// A name found in it.
        found: String,
    },

    /// No environment variable says where the store is to be.
    #[error(
        "no place for the cache: none of PIPELINE_CACHE_DIR, XDG_CACHE_HOME and HOME is set\n\
         help: set PIPELINE_CACHE_DIR to a folder on a local disk"
    )]
    NoRoot,

    /// Content is not what its digest promises.
    #[error("content does not match: expected {expected}, got {found}")]
    Mismatch {
        /// What was promised: a digest and size.
        expected: String,
        /// What came.
        found: String,
    },

    /// Others hold the lock, and the caller would not wait longer.
    #[error(
        "{} is in use by {by}; gave up after {} s\nhelp: try again when it has finished",
        path.display(),
        waited.as_secs()
    )]
    Busy {
        /// The locked file or folder.
        path: PathBuf,
        /// Who holds it, for people: "process 42", "another build".
        by: String,
        /// How long it was waited for.
        waited: Duration,
    },

    /// A kind of result is part of a path and therefore limited to lower-case letters, digits and
    /// `-`.
    #[error("{0:?} cannot be a kind of result: use lower-case letters, digits and '-'")]
    Kind(String),

    /// A value that does not go into JSON (a map with keys that are not strings, for example).
    #[error("a result of kind {kind} cannot be written as JSON: {source}")]
    Encode {
        /// The kind of the result.
        kind: String,
        /// What the serializer said.
        source: serde_json::Error,
    },
}

impl Error {
    /// For `map_err`: names what was done and to which path.
    pub(crate) fn io<E: Into<io::Error>>(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// Whether the disk, or the user's share of it, is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if disk_full(source))
    }
}

/// An error of the store where a trait (such as [`io::Write`]) allows only `io::Error`: its kind
/// and its text remain.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io { source, .. } => source.kind(),
            Error::Mismatch { .. } => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

fn disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn advice(error: &io::Error) -> &'static str {
    if disk_full(error) {
        "\nhelp: free some space, or run `pipeline cache prune`"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests;
