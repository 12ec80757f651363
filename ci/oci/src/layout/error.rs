//! Why a layout or an archive of one could not be used.

use std::io;
use std::path::PathBuf;

use crate::manifest::{ManifestError, SelectError};
use crate::{ArchiveError, Digest};

/// Why a layout or an archive of one could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No layout, or of an unknown version.
    #[error("{} is not an OCI image layout: {why}", path.display())]
    NotALayout {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A blob is not there.
    #[error("blob {0} is missing")]
    Missing(Digest),
    /// A blob is not what its descriptor says (L13).
    #[error("blob {expected} is damaged: {found}")]
    Damaged {
        /// The digest it should have.
        expected: Digest,
        /// What it is instead.
        found: String,
    },
    /// Too large to be read as a document.
    #[error("{0} is too large for a document: more than 4 MiB")]
    TooLarge(String),
    /// The layout's own index is refused.
    #[error("index.json: {0}")]
    Index(#[source] ManifestError),
    /// A document is refused, or there is no image for the platform.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Nothing has this name.
    #[error("there is no image {name:?}; {}", available(names))]
    NoSuchImage {
        /// The name asked for.
        name: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// No name was given, and there are several.
    #[error("there are several images: name one; {}", available(names))]
    SeveralImages {
        /// The names there are.
        names: Vec<String>,
    },
    /// The archive itself.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// What is in the archive.
    #[error("this is not an archive of an OCI image layout: {0}")]
    NotAnArchive(String),
    /// The archive could not be written.
    #[error("cannot write the archive: {0}")]
    Write(#[source] io::Error),
    /// A document could not be written.
    #[error("cannot write the index: {0}")]
    Json(#[from] serde_json::Error),
}

fn available(names: &[String]) -> String {
    match names {
        [] => "none has a name".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    }
}
