//! Small changes to a root file system: a directory, a file, a link, a removal.

use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;

use ci_oci::Owners;
use rustix::fs::{self, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::merged::{Kind, Merged};
use crate::upper::{Upper, name_of, shown, stamp};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Makes a directory and its parents; one that exists stays as it is.
    Directory {
        /// Absolute path.
        path: String,
        /// Permission bits of the last component if it is new.
        mode: u32,
        /// Numeric owner and group of what is new.
        owner: (u32, u32),
    },
    /// Writes a file, replacing one that exists; parents are made.
    File {
        /// Absolute path.
        path: String,
        /// What it contains.
        content: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// Numeric owner and group.
        owner: (u32, u32),
    },
    /// Makes a symbolic link; parents are made.
    Symlink {
        /// Absolute path.
        path: String,
        /// Where it points, as it is.
        target: String,
    },
    /// Removes a path and everything below it; nothing there is no error.
    Remove {
        /// Absolute path; a link that is the last component is removed itself.
        path: String,
    },
}

/// Makes changes in the layer directory `upper`, which lies over `below`.
///
/// # Errors
/// When something of another kind is in the way, or the system refuses.
pub fn apply(below: &Merged, upper: &Path, changes: &[Change]) -> Result<Owners> {
    let mut upper = Upper::open(below, upper)?;
    for change in changes {
        match change {
            Change::Directory { path, mode, owner } => {
                let path = below.resolve(Path::new(path))?;
                let is_new = upper.lstat(&path)?.is_none();
                if !is_new {
                    // Nothing is repeated in the layer for a directory that is there already.
                    if upper
                        .lstat(&path)?
                        .is_some_and(|found| found.kind != Kind::Directory)
                    {
                        return Err(Error::unsuitable(shown(&path), "is not a directory"));
                    }
                    continue;
                }
                upper.directory(&path, *owner)?;
                let parent = upper.directory(path.parent().unwrap_or(Path::new("")), *owner)?;
                upper.dress(parent.as_fd(), &path, *mode, *owner)?;
            }
            Change::File {
                path,
                content,
                mode,
                owner,
            } => {
                let path = below.resolve(Path::new(path))?;
                if upper
                    .lstat(&path)?
                    .is_some_and(|found| found.kind == Kind::Directory)
                {
                    return Err(Error::unsuitable(shown(&path), "is a directory"));
                }
                let parent = upper.directory(path.parent().unwrap_or(Path::new("")), *owner)?;
                upper.clear(parent.as_fd(), &path)?;
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let file = fs::openat(&parent, name_of(&path)?, flags, Mode::from_raw_mode(0o600))
                    .context("create", &path)?;
                std::fs::File::from(file)
                    .write_all(content)
                    .context("write", &path)?;
                upper.dress(parent.as_fd(), &path, *mode, *owner)?;
            }
            Change::Symlink { path, target } => {
                let path = below.resolve_parents(Path::new(path))?;
                upper.remove(&path)?;
                let parent = upper.directory(path.parent().unwrap_or(Path::new("")), (0, 0))?;
                upper.clear(parent.as_fd(), &path)?;
                fs::symlinkat(target, &parent, name_of(&path)?).context("create", &path)?;
                stamp(parent.as_fd(), name_of(&path)?).context("set the time of", &path)?;
            }
            Change::Remove { path } => {
                let path = below.resolve_parents(Path::new(path))?;
                upper.remove(&path)?;
            }
        }
    }
    Ok(upper.into_owners())
}
