//! Why an archive is refused.

use std::io;

/// An archive that is damaged, or made to be read differently by different programs.
#[derive(Debug, thiserror::Error)]
#[error("the archive is refused at byte {offset}: {problem}")]
pub struct ArchiveError {
    /// Where in the uncompressed archive.
    pub offset: u64,
    /// What is wrong.
    #[source]
    pub problem: ArchiveProblem,
}

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveProblem {
    /// The bytes could not be had.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It ends in the middle of an entry.
    #[error("it is truncated")]
    Truncated,
    /// Something follows the end marker.
    #[error("data follows its end")]
    TrailingData,
    /// A header does not have the checksum it states.
    #[error("a header's checksum is wrong")]
    Checksum,
    /// A number cannot be read, or is out of range.
    #[error("the field `{0}` of a header is not a number in range")]
    Number(&'static str),
    /// An extended (PAX) header is malformed.
    #[error("an extended header is malformed: {0}")]
    Extended(&'static str),
    /// Extended headers that describe no entry, or one entry twice.
    #[error("extended headers contradict each other")]
    Contradiction,
    /// A global header changes what later entries are.
    #[error("a global header sets `{0}`, which programs read differently")]
    Global(String),
    /// A link, directory or device that claims to have content.
    #[error("an entry that can have no content states a size")]
    Content,
    /// A type of entry that is not read.
    #[error("entries of type {:?} are not supported", char::from(*.0))]
    Kind(u8),
    /// A sparse file.
    #[error("sparse files are not supported")]
    Sparse,
    /// It costs more than allowed.
    #[error("{what} of more than {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
}
