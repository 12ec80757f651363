//! Ownership of what a program wrote, where the disk can hold only one owner.
//!
//! Without subordinate ids every file belongs to one id, whoever the program was. What it made anew is then recorded as its
//! own; what was there before keeps the owner it had. (A program that replaces another user's file by a new one of the same
//! name cannot be told from one that changes it; with subordinate ids, or as root, the disk itself knows.)

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ci_oci::{Owner, Owners};
use rustix::fs::{self, FileType, Mode, OFlags};

use crate::error::{Context, Result};
use crate::merged::{Merged, is_whiteout, list, stat_in};
use crate::upper::open_dir;

/// Finds the owners of everything in the layer directory `upper`, which the user `uid:gid` wrote over `below`.
///
/// # Errors
/// When the system refuses to list a directory.
pub fn adopt(below: &Merged, upper: &Path, user: (u32, u32)) -> Result<Owners> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = fs::open(upper, flags, Mode::empty()).context("open", upper)?;
    let mut owners = Owners::default();
    walk(below, root.as_fd(), &mut PathBuf::new(), user, &mut owners)?;
    Ok(owners)
}

fn walk(
    below: &Merged,
    dir: BorrowedFd<'_>,
    path: &mut PathBuf,
    user: (u32, u32),
    owners: &mut Owners,
) -> Result<()> {
    for name in list(dir, path)? {
        let name = Path::new(OsStr::from_bytes(&name));
        let Some(stat) = stat_in(dir, name)? else {
            continue;
        };
        if is_whiteout(&stat) {
            continue;
        }
        path.push(name);
        let owner = match below.lstat(path)? {
            Some(known) => (known.uid, known.gid),
            None => user,
        };
        if owner != (0, 0) {
            owners.insert(path.as_os_str().as_bytes(), Owner::new(owner.0, owner.1));
        }
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            walk(below, open_dir(dir, name)?.as_fd(), path, user, owners)?;
        }
        path.pop();
    }
    Ok(())
}
