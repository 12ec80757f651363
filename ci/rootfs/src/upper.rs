//! The layer being written: entries created by name in an upper directory, over a merged view that stays as it is.
//!
//! Every directory is opened without following links, so nothing is ever written outside the upper directory, whatever the
//! layers below contain. Ownership that the disk refuses is kept in the layer's sidecar.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ci_oci::Owners;
use rustix::fs::{self, AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use crate::error::{Context, Error, Result};
use crate::merged::{Kind, Merged, Metadata, is_whiteout, list, stat_in};

/// Seconds since the epoch given to everything written: the assembly profile's time.
pub(crate) const MTIME: Timespec = Timespec {
    tv_sec: ci_oci::profile::MTIME as i64,
    tv_nsec: 0,
};

/// The same, as the system takes it.
pub(crate) const STAMP: Timestamps = Timestamps {
    last_access: MTIME,
    last_modification: MTIME,
};

/// Numeric owner and group.
pub(crate) type Owner = (u32, u32);

/// The layer being written and the view below it.
pub(crate) struct Upper<'a> {
    below: &'a Merged,
    root: OwnedFd,
    dir: PathBuf,
    owners: Owners,
}

impl<'a> Upper<'a> {
    /// Opens the (usually empty) directory `dir` as the layer over `below`.
    pub(crate) fn open(below: &'a Merged, dir: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = fs::open(dir, flags, Mode::empty()).context("open", dir)?;
        Ok(Self {
            below,
            root,
            dir: dir.to_owned(),
            owners: Owners::default(),
        })
    }

    /// Where the layer is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The ownership that the disk refused to hold.
    pub(crate) fn into_owners(self) -> Owners {
        self.owners
    }

    /// What is at a canonical path, seen through this layer and the ones below.
    pub(crate) fn lstat(&self, canonical: &Path) -> Result<Option<Metadata>> {
        let mut dir = fs::openat(
            &self.root,
            ".",
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .context("open", &self.dir)?;
        let mut names = canonical.iter().peekable();
        while let Some(name) = names.next() {
            let Some(stat) = stat_in(dir.as_fd(), Path::new(name))? else {
                return self.below.lstat(canonical);
            };
            if names.peek().is_none() {
                return Ok(self.metadata(canonical, &stat));
            }
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                return Ok(None);
            }
            dir = open_dir(dir.as_fd(), Path::new(name))?;
        }
        self.below.lstat(canonical)
    }

    /// As [`Self::lstat`], where the directory that holds it is open in this layer.
    pub(crate) fn lstat_in(
        &self,
        parent: BorrowedFd<'_>,
        canonical: &Path,
    ) -> Result<Option<Metadata>> {
        match stat_in(parent, name_of(canonical)?)? {
            Some(stat) => Ok(self.metadata(canonical, &stat)),
            None => self.below.lstat(canonical),
        }
    }

    /// What this layer has at a canonical path; `None` if it hides it.
    fn metadata(&self, canonical: &Path, stat: &fs::Stat) -> Option<Metadata> {
        if is_whiteout(stat) {
            return None;
        }
        let mut metadata = self.below.metadata(canonical, stat);
        (metadata.uid, metadata.gid) = match self.owners.get(canonical.as_os_str().as_bytes()) {
            Some(owner) => (owner.uid, owner.gid),
            None => (stat.st_uid, stat.st_gid),
        };
        Some(metadata)
    }

    /// Makes sure that the directory at a canonical path exists in the view and is present in this layer, and opens it.
    /// Directories that exist below are repeated here with their own metadata; new ones get mode 0755 and `owner`.
    pub(crate) fn directory(&mut self, canonical: &Path, owner: Owner) -> Result<OwnedFd> {
        self.directory_with(canonical, 0o755, owner)
    }

    /// As [`Self::directory`], with a mode for what is made.
    pub(crate) fn directory_with(
        &mut self,
        canonical: &Path,
        mode: u32,
        owner: Owner,
    ) -> Result<OwnedFd> {
        let mut fd = fs::openat(
            &self.root,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .context("open", &self.dir)?;
        let mut path = PathBuf::new();
        for name in canonical {
            path.push(name);
            let name = Path::new(name);
            match stat_in(fd.as_fd(), name)? {
                Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {}
                Some(stat) if is_whiteout(&stat) => {
                    fs::unlinkat(&fd, name, AtFlags::empty()).context("replace", &path)?;
                    self.make_directory(fd.as_fd(), &path, mode, owner)?;
                    set_opaque(open_dir(fd.as_fd(), name)?.as_fd()).context("mark", &path)?;
                }
                Some(_) => return Err(Error::unsuitable(shown(&path), "is not a directory")),
                None => match self.below.lstat(&path)? {
                    Some(found) if found.kind == Kind::Directory => {
                        self.make_directory(fd.as_fd(), &path, found.mode, (found.uid, found.gid))?
                    }
                    Some(_) => return Err(Error::unsuitable(shown(&path), "is not a directory")),
                    None => self.make_directory(fd.as_fd(), &path, mode, owner)?,
                },
            }
            fd = open_dir(fd.as_fd(), name)?;
        }
        Ok(fd)
    }

    fn make_directory(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &Path,
        mode: u32,
        owner: Owner,
    ) -> Result<()> {
        let name = name_of(path)?;
        fs::mkdirat(parent, name, Mode::from_raw_mode(0o700)).context("create", path)?;
        self.dress(parent, path, mode, owner)
    }

    /// Gives what is at `path` (in the open directory `parent`) its owner, mode and the profile's time.
    pub(crate) fn dress(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &Path,
        mode: u32,
        owner: Owner,
    ) -> Result<()> {
        let name = name_of(path)?;
        self.own(parent, path, owner)?;
        fs::chmodat(
            parent,
            name,
            Mode::from_raw_mode(mode & 0o7777),
            AtFlags::empty(),
        )
        .context("set the mode of", path)?;
        stamp(parent, name).context("set the time of", path)
    }

    /// Gives what is at `path` its owner, on disk or, where that is refused, in the sidecar.
    pub(crate) fn own(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &Path,
        (uid, gid): Owner,
    ) -> Result<()> {
        let name = name_of(path)?;
        let stat = fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).context("stat", path)?;
        if (stat.st_uid, stat.st_gid) == (uid, gid) {
            self.owners.remove(path.as_os_str().as_bytes());
            return Ok(());
        }
        match fs::chownat(
            parent,
            name,
            Some(Uid::from_raw(uid)),
            Some(Gid::from_raw(gid)),
            AtFlags::SYMLINK_NOFOLLOW,
        ) {
            Ok(()) => {
                self.owners.remove(path.as_os_str().as_bytes());
                Ok(())
            }
            Err(Errno::PERM | Errno::INVAL) => {
                self.owners
                    .insert(path.as_os_str().as_bytes(), ci_oci::Owner::new(uid, gid));
                Ok(())
            }
            Err(error) => Err(error).context("set the owner of", path),
        }
    }

    /// Lets a copy be what the disk could not make of the original either: a device, or a program with capabilities.
    pub(crate) fn record(&mut self, path: &Path, original: &ci_oci::Owner, (uid, gid): Owner) {
        if original.device.is_some() || original.capability.is_some() {
            let recorded = ci_oci::Owner {
                uid,
                gid,
                ..original.clone()
            };
            self.owners.insert(path.as_os_str().as_bytes(), recorded);
        }
    }

    /// Gives what this layer has at `existing` another name, `target`, in the open directory `parent`.
    pub(crate) fn link(
        &mut self,
        parent: BorrowedFd<'_>,
        existing: &Path,
        target: &Path,
    ) -> Result<()> {
        let from = self.directory(existing.parent().unwrap_or(Path::new("")), (0, 0))?;
        let flags = AtFlags::empty();
        fs::linkat(&from, name_of(existing)?, parent, name_of(target)?, flags)
            .context("link", target)?;
        if let Some(owner) = self.owners.get(existing.as_os_str().as_bytes()).cloned() {
            self.owners.insert(target.as_os_str().as_bytes(), owner);
        }
        Ok(())
    }

    /// Removes from this layer whatever non-directory has the name, so that something else can be created.
    pub(crate) fn clear(&mut self, parent: BorrowedFd<'_>, path: &Path) -> Result<()> {
        match fs::unlinkat(parent, name_of(path)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {
                Err(Error::unsuitable(shown(path), "is a directory"))
            }
            Err(error) => Err(error).context("replace", path),
        }
    }

    /// Hides what is at a canonical path, whatever it is. Nothing happens if nothing is there.
    pub(crate) fn remove(&mut self, canonical: &Path) -> Result<()> {
        if self.lstat(canonical)?.is_none() {
            return Ok(());
        }
        let parent = self.directory(canonical.parent().unwrap_or(Path::new("")), (0, 0))?;
        let name = name_of(canonical)?;
        remove_tree(parent.as_fd(), name)?;
        if self.below.lstat(canonical)?.is_some() {
            make_whiteout(parent.as_fd(), name).context("hide", canonical)?;
        }
        Ok(())
    }
}

/// Sets the profile's modification time.
pub(crate) fn stamp(parent: BorrowedFd<'_>, name: &Path) -> rustix::io::Result<()> {
    fs::utimensat(parent, name, &STAMP, AtFlags::SYMLINK_NOFOLLOW)
}

/// Opens a directory by name without following a link.
pub(crate) fn open_dir(parent: BorrowedFd<'_>, name: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(parent, name, flags, Mode::empty()).context("open", name)
}

/// The last component of a path.
pub(crate) fn name_of(path: &Path) -> Result<&Path> {
    path.file_name()
        .map(Path::new)
        .ok_or_else(|| Error::unsuitable(shown(path), "has no name"))
}

/// A canonical path as people know it.
pub(crate) fn shown(canonical: &Path) -> String {
    format!("/{}", canonical.display())
}

/// Marks a directory as hiding what is below it.
fn set_opaque(dir: BorrowedFd<'_>) -> rustix::io::Result<()> {
    fs::fsetxattr(dir, "user.overlay.opaque", b"y", fs::XattrFlags::empty())
}

/// Hides a name of the layers below.
fn make_whiteout(parent: BorrowedFd<'_>, name: &Path) -> rustix::io::Result<()> {
    fs::mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), 0)
}

fn remove_tree(parent: BorrowedFd<'_>, name: &Path) -> Result<()> {
    match fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error).context("remove", name),
    }
    let dir = open_dir(parent, name)?;
    for child in list(dir.as_fd(), name)? {
        remove_tree(dir.as_fd(), Path::new(std::ffi::OsStr::from_bytes(&child)))?;
    }
    fs::unlinkat(parent, name, AtFlags::REMOVEDIR).context("remove", name)
}
