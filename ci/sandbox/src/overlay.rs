//! Detached overlay mounts: a merged view of layer directories that is in nobody's mount table and is gone with its descriptor.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Most layers the kernel merges.
pub const MAX_LAYERS: usize = 500;

/// Merges layer directories (lowest first, overlay format with `userxattr`), below `upper` and its `work` directory if given.
///
/// The descriptor is a directory (for `openat` and friends). One layer without an upper is that directory itself; none is an empty
/// directory. Needs `CAP_SYS_ADMIN`: call it as root, or inside a [`Handler`](crate::Handler) when rootless.
pub fn open(lowers: &[PathBuf], upper: Option<(&Path, &Path)>) -> io::Result<OwnedFd> {
    let _ = (lowers, upper);
    Err(io::ErrorKind::Unsupported.into())
}
