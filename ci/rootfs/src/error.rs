//! What can go wrong with a file operation, in the words of the path the user gave.

use std::io;
use std::path::{Path, PathBuf};

/// Result of a file operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path that had to exist does not.
    #[error("{path}: no such file or directory{hint}")]
    NotFound {
        /// As the user gave it.
        path: String,
        /// Empty, or the nearest name that exists, ready to be appended.
        hint: String,
    },
    /// A path exists but is of another kind than the operation needs.
    #[error("{path}: {problem}")]
    Unsuitable {
        /// As the user gave it.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More symbolic links than any sane tree has.
    #[error("{0}: too many levels of symbolic links")]
    Loop(String),
    /// A file changed on the host while it was being read.
    #[error("{0} changed while it was being copied; run again")]
    Changed(String),
    /// The operating system refused.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `create`.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// A layer could not be read or written.
    #[error(transparent)]
    Layer(#[from] ci_oci::layer::LayerError),
    /// A sidecar could not be read or written.
    #[error(transparent)]
    Owners(#[from] ci_oci::OwnersError),
}

impl Error {
    pub(crate) fn unsuitable(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Unsuitable {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// Adds what was tried on which path to an error of the operating system.
pub(crate) trait Context<T> {
    fn context(self, what: &'static str, path: impl AsRef<Path>) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: &'static str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|error| Error::Io {
            what,
            path: path.as_ref().to_owned(),
            source: error.into(),
        })
    }
}
