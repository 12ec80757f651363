//! The few file operations everything here is made of: create privately, replace atomically, list
//! leniently. No umask shows in what they create.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::{Error, Result};

/// Creates a folder for this user only; one that exists already is left as it is. Says whether it
/// is new.
pub(crate) fn create_dir(path: &Path) -> Result<bool> {
    match DirBuilder::new().mode(0o700).create(path) {
        // The umask may have taken permissions even from the owner.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o700)).map(|()| true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(e),
    }
    .map_err(Error::io("create", path))
}

/// Creates a folder and what is missing above it, each for this user only.
pub(crate) fn create_dir_all(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        create_dir_all(parent)?;
    }
    create_dir(path).map(drop)
}

/// Opens a folder to lock or to sync it; never through a symbolic link.
pub(crate) fn open_dir(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

/// Opens a lock file, creating it when it is missing.
pub(crate) fn open_lock(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("open", path))
}

/// Creates a file that must not exist yet.
pub(crate) fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("create", path))
}

/// Writes `path` so that others see the old content or the new, never a part: `temporary` is
/// written first (it must be on the same file system), then renamed. Without `durable` a power loss
/// may leave it empty.
pub(crate) fn replace(path: &Path, temporary: &Path, content: &[u8], durable: bool) -> Result<()> {
    let write = || -> Result<()> {
        let mut file = create_file(temporary)?;
        file.write_all(content)
            .map_err(Error::io("write", temporary))?;
        if durable {
            file.sync_data().map_err(Error::io("write", temporary))?;
        }
        rename(temporary, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(temporary)))
}

/// Renames, and creates the parent of the destination when that is what is missing.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    match fs::rename(from, to) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            to.parent().map_or(Ok(()), create_dir_all)?;
            fs::rename(from, to).map_err(Error::io("create", to))
        }
        other => other.map_err(Error::io("create", to)),
    }
}

/// Removes a file; that it is gone already is success.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// The entries of a folder, sorted by name; a folder that does not exist has none.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("read", path)(e)),
    };
    let mut paths = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(Error::io("read", path))?;
    paths.sort_unstable();
    Ok(paths)
}

/// The last part of a path as text; empty where it is not UTF-8, which no name of the store's own
/// making is.
pub(crate) fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default()
}
