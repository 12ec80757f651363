//! Layers: a directory in the kernel's overlay format to and from a tar stream.
//!
//! In the directory a removed name is a character device 0:0 and a directory that hides what is below it has the extended attribute
//! `user.overlay.opaque`; in the tar they are `.wh.NAME` and `.wh..wh..opq` (OCI image specification, "Whiteouts"). What the file
//! system could not hold is in [`Owners`].
//!
//! [`pack`] writes the canonical form under the assembly profile ([`crate::profile`]), so the hash of its output is the layer's
//! identity. [`unpack`] reads what anybody wrote, and [`Walk`] tells what it says without making anything of it.

use crate::{Digest, Owners};

mod error;
mod metadata;
mod names;
mod pack;
mod place;
mod sink;
mod source;
mod unpack;
mod walk;
mod xattr;

pub use error::{EntryProblem, LayerError, PackProblem};
pub use pack::pack;
pub use unpack::unpack;
pub use walk::{Change, ChangeKind, Walk};
pub use xattr::travels as attribute_travels;

/// What [`pack`] does beyond the layer itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct PackOptions {
    /// Whose files those on disk are, where [`Owners`] says nothing.
    pub disk_ids: DiskIds,
    /// Begin with an entry for the layer's root directory, so that its mode and owner travel too.
    pub root_entry: bool,
}

/// What the owner of a file on disk means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DiskIds {
    /// The owner on disk is the owner in the image: rootful, or seen from inside a user namespace that maps all ids.
    #[default]
    Real,
    /// Every file belongs to root, whoever owns it on disk: rootless without subordinate ids. The counterpart of [`Ownership::Record`].
    Root,
}

/// What [`pack`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Number of entries; zero is a layer that changes nothing.
    pub entries: u64,
}

/// What [`unpack`] does with owners, devices and file capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Sets owners on disk (rootful); a device or capability that is refused is recorded.
    Apply,
    /// Leaves every file to the calling user; owners other than 0:0, devices and capabilities are recorded.
    Record,
}

/// What a layer may cost. The defaults let every image pass that people publish and stop what only an attacker sends (L12).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries of one layer.
    pub entries: u64,
    /// Bytes of one path or link target.
    pub name: usize,
    /// Bytes of one extended header.
    pub extended_header: u64,
    /// Bytes of the uncompressed layer.
    pub size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            name: 4095,
            extended_header: 1 << 20,
            size: 64 << 30,
        }
    }
}

/// What [`unpack`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Digest of the tar as read, to its last byte.
    pub diff_id: Digest,
    /// Length of the tar in bytes.
    pub size: u64,
    /// What the file system could not hold.
    pub owners: Owners,
    /// Number of entries read.
    pub entries: u64,
    /// Directories that no entry describes, made (0755, root) because something lies in them; sorted. In a merged view
    /// they would hide the mode and owner of the same directory in a lower layer.
    pub implied: Vec<Vec<u8>>,
    /// The layer hides everything below it. The kernel ignores the attribute on the root of a layer: leave lower layers out.
    pub opaque_root: bool,
}

#[cfg(test)]
mod tests;
