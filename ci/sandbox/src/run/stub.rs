//! The stub layer: mount points that the image lacks, in a layer of their own between the image and the changes.
//!
//! A mount needs something to be mounted on. Made in the root file system itself, it would become part of the changes and would have to
//! be found and removed again (CVE-2024-23652); here it is in memory, and gone with the mount namespace.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, RawMode, Timespec, Timestamps, Uid, XattrFlags, chmodat,
    chownat, fstat, getxattr, listxattr, mkdirat, openat, setxattr, utimensat,
};
use rustix::io::Errno;

use super::resolve::{Resolved, resolve};
use crate::failure::{During, Failure};
use crate::overlay::path_of;

/// Collects mount points and writes those that are missing.
pub(crate) struct Stub<'view> {
    /// The merged layers as they are without us.
    view: &'view OwnedFd,
    /// Directory the layer is written to.
    layer: &'view OwnedFd,
    /// Directories of the image that had to be repeated in the layer, with what they are repeated from.
    repeated: BTreeMap<PathBuf, OwnedFd>,
    used: bool,
}

impl<'view> Stub<'view> {
    pub(crate) fn new(view: &'view OwnedFd, layer: &'view OwnedFd) -> Self {
        Self {
            view,
            layer,
            repeated: BTreeMap::new(),
            used: false,
        }
    }

    /// Makes sure that a mount of this type has something to be mounted on.
    pub(crate) fn require(&mut self, target: &Path, source: FileType) -> Result<(), Failure> {
        let step = || format!("find a place for the mount at {}", target.display());
        let resolved = resolve(self.view, target).during(step)?;
        match resolved.file_type().during(step)? {
            Some(found) if (found == FileType::Directory) == (source == FileType::Directory) => {
                Ok(())
            }
            Some(found) => Err(Failure::new(
                format!("mount at {}", target.display()),
                format!(
                    "the image has {} there, the mount is {}",
                    noun(found),
                    noun(source)
                ),
            )),
            None => self
                .write(resolved, source)
                .during(|| format!("make the mount point {}", target.display())),
        }
    }

    fn write(&mut self, resolved: Resolved, source: FileType) -> rustix::io::Result<()> {
        self.used = true;
        let mut path = PathBuf::new();
        for (name, original) in resolved.existing {
            path.push(name);
            if !self.repeated.contains_key(&path) {
                make_directory(self.layer, &path)?;
                self.repeated.insert(path.clone(), original);
            }
        }
        let (last, parents) = match resolved.missing.split_last() {
            Some(split) => split,
            None => return Ok(()),
        };
        for name in parents {
            path.push(name);
            make_directory(self.layer, &path)?;
        }
        path.push(last);
        if source == FileType::Directory {
            make_directory(self.layer, &path)
        } else {
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            openat(self.layer, &path, flags, Mode::from_raw_mode(0o644)).map(drop)
        }
    }

    /// Gives the repeated directories the metadata of their originals; tells whether there is a layer to use at all.
    pub(crate) fn finish(self) -> Result<bool, Failure> {
        if self.used {
            let step = || "copy the metadata of directories".to_owned();
            // Deepest first: making an entry changes the time of its parent.
            for (path, original) in self.repeated.iter().rev() {
                repeat_metadata(original, self.layer, path).during(step)?;
            }
            repeat_metadata(self.view, self.layer, Path::new(".")).during(step)?;
        }
        Ok(self.used)
    }
}

fn noun(file_type: FileType) -> &'static str {
    match file_type {
        FileType::Directory => "a directory",
        FileType::RegularFile => "a file",
        _ => "neither a file nor a directory",
    }
}

fn make_directory(layer: impl AsFd, path: &Path) -> rustix::io::Result<()> {
    match mkdirat(layer, path, Mode::from_raw_mode(0o755)) {
        Err(Errno::EXIST) => Ok(()),
        other => other,
    }
}

/// Copies mode, owner, extended attributes and time.
pub(crate) fn repeat_metadata(
    original: impl AsFd,
    directory: impl AsFd,
    path: &Path,
) -> rustix::io::Result<()> {
    let stat = fstat(&original)?;
    // An owner that is not mapped cannot be set; whoever looks sees the same "nobody" as before only if it is left alone.
    match chownat(
        &directory,
        path,
        Some(Uid::from_raw(stat.st_uid)),
        Some(Gid::from_raw(stat.st_gid)),
        AtFlags::SYMLINK_NOFOLLOW,
    ) {
        Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
        Err(errno) => return Err(errno),
    }
    chmodat(
        &directory,
        path,
        Mode::from_raw_mode(stat.st_mode as RawMode & 0o7777),
        AtFlags::empty(),
    )?;
    let copy = openat(
        &directory,
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    repeat_attributes(&path_of(&original), &path_of(&copy));
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: stat.st_atime as i64,
            tv_nsec: stat.st_atime_nsec as _,
        },
        last_modification: Timespec {
            tv_sec: stat.st_mtime as i64,
            tv_nsec: stat.st_mtime_nsec as _,
        },
    };
    utimensat(&directory, path, &times, AtFlags::SYMLINK_NOFOLLOW)
}

/// As far as the memory file system can hold them: what it refuses has no effect on the execution either.
fn repeat_attributes(from: &str, to: &str) {
    let mut names = vec![0; 64 * 1024];
    let Ok(length) = listxattr(from, names.as_mut_slice()) else {
        return;
    };
    for name in names[..length]
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
    {
        if name.starts_with(b"user.overlay.") {
            continue;
        }
        let mut value = vec![0; 64 * 1024];
        if let Ok(length) = getxattr(from, name, value.as_mut_slice()) {
            let _ = setxattr(to, name, &value[..length], XattrFlags::empty());
        }
    }
}

/// Whether nothing is at `path`.
pub(crate) fn is_empty_directory(directory: impl AsFd) -> rustix::io::Result<bool> {
    let directory = openat(
        directory,
        ".",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    for entry in rustix::fs::Dir::read_from(&directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Type of what an open descriptor refers to.
pub(crate) fn file_type(descriptor: impl AsFd) -> rustix::io::Result<FileType> {
    Ok(FileType::from_raw_mode(fstat(descriptor)?.st_mode))
}
