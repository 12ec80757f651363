//! Why a layer could not be packed or unpacked.

use std::io;

use crate::ArchiveError;

/// Why a layer could not be packed or unpacked. Paths are relative to the layer, with unprintable characters escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The archive is damaged, or made to be read differently by different programs.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// An entry of the archive is refused.
    #[error("the layer's entry \"{path}\" {problem}")]
    Entry {
        /// As it is written in the archive.
        path: String,
        /// What is wrong with it.
        #[source]
        problem: EntryProblem,
    },
    /// An entry of the directory cannot be expressed in a layer.
    #[error("\"{path}\" {problem}")]
    Unpackable {
        /// Where it is in the layer.
        path: String,
        /// What is wrong with it.
        #[source]
        problem: PackProblem,
    },
    /// The directory to unpack into has something in it.
    #[error("the directory to unpack into is not empty")]
    NotEmpty,
    /// The operating system refused.
    #[error("cannot {action} \"{path}\": {source}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// Where it is in the layer.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("cannot write the layer's archive: {0}")]
    Write(#[source] io::Error),
}

/// Why an entry of an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryProblem {
    /// `..` in its name, or in the name of its target.
    #[error("goes up with `..`")]
    Parent,
    /// No name at all.
    #[error("has no name")]
    NoName,
    /// Its parent is a symbolic link of the same layer.
    #[error("goes through a symbolic link")]
    ThroughLink,
    /// Its parent is a file.
    #[error("goes through something that is no directory")]
    ThroughFile,
    /// The root of the layer as a link or a file.
    #[error("replaces the root directory")]
    Root,
    /// A whiteout that names nothing, or bookkeeping of another program.
    #[error("is no whiteout anybody defines")]
    Whiteout,
    /// A hard link to something this layer does not have, or to a directory.
    #[error("is a hard link to \"{0}\", which is no file of this layer")]
    LinkTarget(String),
    /// A symbolic link to nothing.
    #[error("is a symbolic link without a target")]
    EmptyLink,
}

/// Why an entry of a directory cannot be packed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackProblem {
    /// Its name would read as a whiteout.
    #[error(
        "has a name that means a removed file in an image; names beginning with `.wh.` cannot be kept"
    )]
    ReservedName,
    /// Longer than any program can open.
    #[error("has a longer path than the 4,095 bytes an image can hold")]
    LongPath,
    /// Somebody writes to the directory.
    #[error("changed while it was read")]
    Changed,
    /// Made by an overlay with options we never use.
    #[error("refers to another layer through `{0}`")]
    Redirect(String),
    /// An extended attribute whose name the archive cannot hold.
    #[error("has an extended attribute whose name contains `=`")]
    AttributeName,
}

/// A path for people.
pub(super) fn show(path: &[u8]) -> String {
    match path {
        [] => ".".to_owned(),
        path => String::from_utf8_lossy(path)
            .escape_debug()
            .take(512)
            .collect(),
    }
}

impl LayerError {
    pub(super) fn entry(path: &[u8], problem: EntryProblem) -> Self {
        Self::Entry {
            path: show(path),
            problem,
        }
    }

    pub(super) fn unpackable(path: &[u8], problem: PackProblem) -> Self {
        Self::Unpackable {
            path: show(path),
            problem,
        }
    }

    /// For `map_err`.
    pub(super) fn io<E: Into<io::Error>>(
        action: &'static str,
        path: &[u8],
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            action,
            path: show(path),
            source: source.into(),
        }
    }
}
