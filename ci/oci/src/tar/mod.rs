//! The tar dialect of this crate: ustar with PAX extensions (POSIX.1-2017, `pax`), read strictly and written in one way only.
//!
//! Own code instead of the usual crate, because both directions need what that crate leaves open: its reader passes over damaged PAX
//! records, applies the size of a PAX header in some places only and joins names with the platform's paths (L8, L9); its writer's
//! choices would be part of our digests without being ours. What is read the same way by every common program is accepted; what two
//! programs could read differently is refused.

use crate::profile;

mod error;
mod header;
mod pax;
mod read;
mod write;

pub use error::{ArchiveError, ArchiveProblem};
pub(crate) use read::{Bounds, Reader};
pub(crate) use write::{END, put_header};

pub(crate) const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    HardLink,
    SymbolicLink,
    Character,
    Block,
    Directory,
    Fifo,
}

impl Kind {
    fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::HardLink => b'1',
            Self::SymbolicLink => b'2',
            Self::Character => b'3',
            Self::Block => b'4',
            Self::Directory => b'5',
            Self::Fifo => b'6',
        }
    }
}

/// A point in time: seconds since the epoch, and nanoseconds of that second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

/// Of everything we write.
pub(crate) const MTIME: Time = Time {
    seconds: profile::MTIME as i64,
    nanoseconds: 0,
};

/// Everything a header says of an entry. The content follows it in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As written in the archive, not yet checked.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    /// Permissions, setuid, setgid and sticky bit.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Length of the content in bytes; zero unless it is a file.
    pub(crate) size: u64,
    pub(crate) mtime: Time,
    /// Target of a link.
    pub(crate) link: Vec<u8>,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    /// Extended attributes, by name.
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// An entry of which nothing is known but its kind.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            path: Vec::new(),
            kind,
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            mtime: Time::default(),
            link: Vec::new(),
            major: 0,
            minor: 0,
            xattrs: Vec::new(),
        }
    }
}

/// Bytes after content of this size up to the next block.
pub(crate) fn padding(size: u64) -> usize {
    (size.wrapping_neg() % BLOCK as u64) as usize
}

#[cfg(test)]
mod tests;
