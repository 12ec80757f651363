//! Removing trees that containers have written: without following a link, crossing a mount or
//! recursing.
//!
//! Such a tree may hold folders without permissions, be nested a hundred thousand levels deep, and
//! (after a crash) still be written to or mounted on. [`std::fs::remove_dir_all`] stops at the
//! first, runs out of descriptors at the second and would empty a mounted folder at the third (E3).
//! Files of subordinate ids are beyond any process without a user namespace: who creates such files
//! gives the store a [`Remover`] that enters one.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, chmod, openat2,
    renameat_with, unlinkat,
};
use rustix::io::Errno;

/// Removes a folder and all it holds; given to [`crate::Options`] by a caller who needs more than
/// [`remove_tree`].
pub type Remover = Arc<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

/// A round takes one level off the deepest nest. A tree that needs more has a process that keeps it
/// growing.
const ROUNDS: u32 = 1_000_000;

/// Removes the folder `path` and everything in it, giving itself the permissions it lacks. Symbolic
/// links are removed, not followed; a mount point inside is an error
/// ([`io::ErrorKind::CrossesDevices`]) and stays untouched. That `path` does not exist is success.
///
/// # Errors
/// What the operating system says; in particular for files of other users.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let top = match open(CWD, path) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    // Flat: a folder inside a folder is moved to the top before its turn comes, so that depth costs
    // nothing.
    let mut fresh = 0_u64;
    for _ in 0..ROUNDS {
        let mut quiet = true;
        for (name, kind) in entries(&top)? {
            quiet = false;
            if kind != FileType::Directory && unlink(&top, &name)? {
                continue;
            }
            if empty(&top, &name, &mut fresh)? {
                unlinkat(&top, &name, AtFlags::REMOVEDIR).or_else(still_there_is_fine)?;
            }
        }
        if quiet {
            match unlinkat(CWD, path, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(Errno::NOTEMPTY) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
    Err(io::Error::new(
        io::ErrorKind::ResourceBusy,
        "somebody keeps creating files in it",
    ))
}

/// Empties the folder `name` of `top`: files are unlinked, folders moved up. Says whether there
/// still is one to remove.
fn empty(top: &File, name: &std::ffi::CStr, fresh: &mut u64) -> io::Result<bool> {
    let dir = match open(top, name) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(false),
        Err(errno) => return Err(errno.into()),
    };
    for (child, kind) in entries(&dir)? {
        if kind != FileType::Directory && unlink(&dir, &child)? {
            continue;
        }
        if unlinkat(&dir, &child, AtFlags::REMOVEDIR).is_ok() {
            continue;
        }
        // To move a folder is to write its "..": that takes write permission on itself.
        drop(open(&dir, &child));
        loop {
            *fresh += 1;
            match renameat_with(
                &dir,
                &child,
                top,
                format!(".{fresh}"),
                RenameFlags::NOREPLACE,
            ) {
                Err(Errno::EXIST) => {}
                Ok(()) | Err(Errno::NOENT) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
    }
    Ok(true)
}

/// Opens a folder for reading, after making it accessible where it is not. No link is followed and
/// no mount entered.
fn open<Fd: std::os::fd::AsFd, P: rustix::path::Arg + Copy>(
    at: Fd,
    name: P,
) -> Result<File, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The way to the tree itself is the caller's; below it, names are hostile.
    let resolve = |at: &Fd| {
        if at.as_fd().as_raw_fd() == CWD.as_raw_fd() {
            ResolveFlags::empty()
        } else {
            ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS
        }
    };
    let handle = openat2(&at, name, flags | OFlags::PATH, Mode::empty(), resolve(&at))?;
    let proc = format!("/proc/self/fd/{}", handle.as_raw_fd());
    // By the handle, so that a folder swapped for a link meanwhile is not followed. Failure shows
    // when it is opened.
    let access = Mode::RUSR | Mode::WUSR | Mode::XUSR;
    let known = rustix::fs::fstat(&handle)?;
    if !Mode::from_raw_mode(known.st_mode).contains(access) {
        let _ = chmod(proc.as_str(), access);
    }
    openat2(
        &handle,
        c".",
        flags & !OFlags::NOFOLLOW,
        Mode::empty(),
        ResolveFlags::empty(),
    )
    .map(File::from)
}

fn entries(dir: &File) -> io::Result<Vec<(std::ffi::CString, FileType)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            found.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    Ok(found)
}

/// Unlinks; `false` if it is a folder (some file systems do not say so in the listing).
fn unlink(dir: &File, name: &std::ffi::CStr) -> io::Result<bool> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::ISDIR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn still_there_is_fine(errno: Errno) -> Result<(), Errno> {
    if matches!(errno, Errno::NOENT | Errno::NOTEMPTY) {
        Ok(())
    } else {
        Err(errno)
    }
}

#[cfg(test)]
mod tests;
