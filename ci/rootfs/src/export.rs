//! A directory of a root file system onto the host.

use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Context, Error, Result};
use crate::merged::{Kind, Merged};
use crate::upper::open_dir;

/// Writes what is in the directory `path` into the host directory `dest`, which is made if missing. What is there already
/// and not in the source stays, unless `wipe`. Devices are left out; owners become the caller's.
///
/// # Errors
/// When `path` is not a directory, a file would replace a directory, or the system refuses.
pub fn directory(source: &Merged, path: &Path, dest: &Path, wipe: bool) -> Result<()> {
    let canonical = source.resolve(path)?;
    if wipe {
        match std::fs::remove_dir_all(dest) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("remove", dest),
        }
    }
    std::fs::create_dir_all(dest).context("create", dest)?;
    let fd = fs::open(
        dest,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .context("open", dest)?;
    contents(source, &canonical, fd.as_fd(), dest)
}

fn contents(source: &Merged, canonical: &Path, into: impl AsFd, shown: &Path) -> Result<()> {
    for name in source.list(canonical)? {
        let name = Path::new(OsStr::from_bytes(&name));
        let from = canonical.join(name);
        let to = shown.join(name);
        let Some(metadata) = source.lstat(&from)? else {
            continue;
        };
        match metadata.kind {
            Kind::Directory => {
                match fs::mkdirat(into.as_fd(), name, Mode::from_raw_mode(0o700)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error).context("create", to),
                }
                let dir = open_dir(into.as_fd(), name)?;
                contents(source, &from, dir.as_fd(), &to)?;
                fs::fchmod(&dir, Mode::from_raw_mode(metadata.mode & 0o777))
                    .context("set the mode of", to)?;
            }
            Kind::File => {
                clear(into.as_fd(), name, &to)?;
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let output = fs::openat(into.as_fd(), name, flags, Mode::from_raw_mode(0o600))
                    .context("create", &to)?;
                let mut output = std::fs::File::from(output);
                std::io::copy(
                    &mut std::fs::File::from(source.open_read(&from)?),
                    &mut output,
                )
                .context("write", &to)?;
                fs::fchmod(&output, Mode::from_raw_mode(metadata.mode & 0o777))
                    .context("set the mode of", to)?;
            }
            Kind::Symlink => {
                clear(into.as_fd(), name, &to)?;
                fs::symlinkat(source.read_link(&from)?, into.as_fd(), name)
                    .context("create", to)?;
            }
            Kind::Special => {}
        }
    }
    Ok(())
}

fn clear(dir: impl AsFd, name: &Path, shown: &Path) -> Result<()> {
    match fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => Err(Error::unsuitable(
            shown.display().to_string(),
            "is a directory",
        )),
        Err(error) => Err(error).context("replace", shown),
    }
}

/// Writes the file `path` to the host file `dest`, atomically.
///
/// # Errors
/// When `path` is not a file, or the system refuses.
pub fn file(source: &Merged, path: &Path, dest: &Path) -> Result<()> {
    let canonical = source.resolve(path)?;
    let metadata = crate::read::file_metadata(source, path, &canonical)?;
    let parent = dest.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(parent).context("create", parent)?;
    let mut input = std::fs::File::from(source.open_read(&canonical)?);
    let mut output = tempfile::NamedTempFile::new_in(parent).context("create a file in", parent)?;
    std::io::copy(&mut input, &mut output).context("write", dest)?;
    output.flush().context("write", dest)?;
    fs::fchmod(output.as_file(), Mode::from_raw_mode(metadata.mode & 0o777))
        .context("set the mode of", dest)?;
    output.as_file().sync_data().context("write", dest)?;
    output
        .persist(dest)
        .map_err(|error| error.error)
        .context("write", dest)?;
    Ok(())
}
