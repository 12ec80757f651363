//! Why a layout or an archive of one could not be used.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::manifest::ManifestError;
use crate::{ArchiveError, Digest, Platform};

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
    /// A manifest or index is refused.
    #[error("{0}: {1}", digest.map_or("index.json".to_owned(), |digest| digest.to_string()), source)]
    Document {
        /// Its digest; `None` is the layout's own index.
        digest: Option<Digest>,
        /// Why.
        source: ManifestError,
    },
    /// A config is refused.
    #[error("{digest}: {source}")]
    Config {
        /// Its digest.
        digest: Digest,
        /// Why.
        source: ConfigError,
    },
    /// A manifest of something else than an image that can be run.
    #[error("{digest} is not the manifest of an image: {why}")]
    NotAnImage {
        /// The manifest.
        digest: Digest,
        /// What speaks against it.
        why: String,
    },
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
    /// Nothing for this platform.
    #[error("there is no image for {wanted}; there are: {}", if offered.is_empty() { "none" } else { offered })]
    NoPlatform {
        /// The platform asked for.
        wanted: Platform,
        /// The platforms there are, separated by commas.
        offered: String,
    },
    /// Indexes of indexes of indexes (L16).
    #[error("index {0} is nested too deeply")]
    TooDeep(Digest),
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
