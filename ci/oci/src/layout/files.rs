//! Files of a layout: read without following links or waiting for pipes, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use super::LayoutError;
use crate::Digest;
use crate::manifest::MAX_DOCUMENT;

pub(super) type Result<T> = std::result::Result<T, LayoutError>;

/// Beginning of the names of files that are not finished.
pub(super) const TEMPORARY: &str = ".tmp-";

/// For `map_err`.
pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LayoutError {
    move |source| LayoutError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Opens a regular file for reading.
pub(super) fn open(path: &Path) -> Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .map_err(|source| {
            let source = match rustix::io::Errno::from_io_error(&source) {
                Some(rustix::io::Errno::LOOP) => {
                    io::Error::other("symbolic links in a layout are not followed")
                }
                _ => source,
            };
            LayoutError::Io {
                action: "open",
                path: path.to_owned(),
                source,
            }
        })?;
    match file.metadata().map_err(io("examine", path))?.is_file() {
        true => Ok(file),
        false => Err(io("open", path)(io::Error::other(
            "it is not a regular file",
        ))),
    }
}

/// Opens the file of a blob.
pub(crate) fn open_blob(path: &Path, digest: Digest) -> Result<File> {
    open(path).map_err(|error| match error {
        LayoutError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            LayoutError::Missing(digest)
        }
        other => other,
    })
}

/// Reads a small file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?
        .take(MAX_DOCUMENT + 1)
        .read_to_end(&mut content)
        .map_err(io("read", path))?;
    match content.len() as u64 > MAX_DOCUMENT {
        true => Err(LayoutError::TooLarge(path.display().to_string())),
        false => Ok(content),
    }
}

/// A file to be filled, in the layout's own directory so that it can be renamed to its place.
pub(super) fn temporary(root: &Path) -> Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(root)
        .map_err(io("write to", root))
}

/// Puts a filled file in its place, readable for others whatever the umask.
pub(super) fn persist(file: NamedTempFile, path: &Path) -> Result<()> {
    let done = file
        .as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))
        .and_then(|()| file.as_file().sync_data());
    done.map_err(io("write", path))?;
    file.persist(path)
        .map_err(|error| io("write", path)(error.error))?;
    Ok(())
}

/// Replaces a file by another, also for a machine that loses power meanwhile.
pub(super) fn replace(root: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = root.join(name);
    let mut file = temporary(root)?;
    file.write_all(content).map_err(io("write", &path))?;
    persist(file, &path)?;
    sync(root)
}

/// Makes the names in a directory durable.
pub(super) fn sync(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(io("write", dir))
}
