//! What a mount shows, made as a detached mount before the root file system is assembled.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, ResolveFlags, Uid, chownat, fchmod, fchown, mkdirat, openat,
    openat2,
};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::failure::{During, Failure};
use crate::mounts::{self, INERT};
use crate::overlay;
use crate::spec::MountSource;

/// A memory file system that only this mount namespace has: mount points, small files, throw-away changes.
///
/// It is attached on top of the old root, which hides nothing (paths start below it) and goes with the old root.
pub(crate) struct Scratch {
    directory: OwnedFd,
    /// An empty directory.
    pub(crate) empty: OwnedFd,
    next: std::cell::Cell<u32>,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self, Failure> {
        let step = || "make a scratch directory in memory".to_owned();
        let directory = mounts::tmpfs(&[("mode", "0755")], MountAttrFlags::empty())?;
        super::kernel::open_root()
            .and_then(|root| mounts::attach(&directory, root))
            .during(step)?;
        mkdirat(&directory, "empty", Mode::from_raw_mode(0o755)).during(step)?;
        let empty = open_below(&directory, "empty").during(step)?;
        Ok(Self {
            directory,
            empty,
            next: std::cell::Cell::new(0),
        })
    }

    fn name(&self) -> String {
        let number = self.next.replace(self.next.get() + 1);
        number.to_string()
    }

    /// A new directory, mode 0755.
    pub(crate) fn new_directory(&self) -> Result<OwnedFd, Failure> {
        let name = self.name();
        mkdirat(&self.directory, &name, Mode::from_raw_mode(0o755))
            .and_then(|()| open_below(&self.directory, &name))
            .during(|| "make a scratch directory in memory".to_owned())
    }

    /// Attaches a mount somewhere, for what the kernel allows with attached mounts only.
    pub(crate) fn attach(&self, mount: &OwnedFd) -> Result<(), Failure> {
        let place = self.new_directory()?;
        mounts::attach(mount, place).during(|| "attach a mount".to_owned())
    }

    /// A mount of one file with these contents. `owner` is left alone if `None`.
    pub(crate) fn file(
        &self,
        bytes: &[u8],
        mode: u32,
        owner: Option<(u32, u32)>,
    ) -> Result<OwnedFd, Failure> {
        let name = self.name();
        let write = || -> std::io::Result<OwnedFd> {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            let mut file = std::fs::File::from(openat(
                &self.directory,
                &name,
                flags,
                Mode::from_raw_mode(0o600),
            )?);
            std::io::Write::write_all(&mut file, bytes)?;
            if let Some((uid, gid)) = owner {
                fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
            }
            fchmod(&file, Mode::from_raw_mode(mode & 0o7777))?;
            let mount = mounts::copy(&self.directory, Path::new(&name))?;
            // What its mode makes a program may be run.
            let allowed = match mode & 0o111 {
                0 => MountAttrFlags::empty(),
                _ => MountAttrFlags::MOUNT_ATTR_NOEXEC,
            };
            mounts::restrict(&mount, INERT.difference(allowed))?;
            Ok(mount)
        };
        write().during(|| "write a file in memory".to_owned())
    }

    /// Layers merged, with changes that are forgotten, or with none.
    pub(crate) fn merge(
        &self,
        mut lowers: Vec<OwnedFd>,
        writable: bool,
    ) -> Result<OwnedFd, Failure> {
        // The kernel wants one layer below an upper, or two without.
        let least = if writable { 1 } else { 2 };
        while lowers.len() < least {
            lowers.insert(0, self.new_directory()?);
        }
        if !writable {
            return overlay::merge(&lowers, None);
        }
        let changes = self.new_directory()?;
        let step = || "make directories for changes in memory".to_owned();
        for name in ["upper", "work"] {
            mkdirat(&changes, name, Mode::from_raw_mode(0o755)).during(step)?;
        }
        let upper = open_below(&changes, "upper").during(step)?;
        let work = open_below(&changes, "work").during(step)?;
        overlay::merge(&lowers, Some((upper.as_fd(), work.as_fd()))).map_err(|failure| {
            failure.hint("changes are kept in memory, which needs Linux 6.6 or newer (extended attributes of tmpfs)")
        })
    }
}

fn open_below(directory: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    openat(
        directory,
        name,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Makes the mount, detached. With one id only (`single_id`) files belong to it, whatever owner is asked for.
pub(crate) fn make(
    scratch: &Scratch,
    source: &MountSource,
    readonly: bool,
    single_id: bool,
) -> Result<OwnedFd, Failure> {
    let mount = match source {
        MountSource::Bind { path, subpath } => bind(path, subpath.as_deref())?,
        MountSource::Tmpfs { size, mode } => {
            let mode = format!("{mode:o}");
            let size = size.map(|size| size.to_string());
            let mut options = vec![("mode", mode.as_str())];
            options.extend(size.as_deref().map(|size| ("size", size)));
            mounts::tmpfs(
                &options,
                MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
            )?
        }
        MountSource::Layers { lowers, subpath } => {
            let merged = scratch.merge(overlay::open_directories(lowers)?, !readonly)?;
            match subpath {
                None => merged,
                Some(subpath) => {
                    scratch.attach(&merged)?;
                    part(&merged, subpath)?
                }
            }
        }
        MountSource::Bytes {
            bytes,
            mode,
            uid,
            gid,
        } => scratch.file(&bytes.0, *mode, (!single_id).then_some((*uid, *gid)))?,
    };
    if readonly {
        mounts::restrict(&mount, MountAttrFlags::MOUNT_ATTR_RDONLY)
            .during(|| "make a mount read-only".to_owned())?;
    }
    Ok(mount)
}

fn bind(path: &Path, subpath: Option<&Path>) -> Result<OwnedFd, Failure> {
    let mount = match subpath {
        None => mounts::copy_path(path).during(|| format!("bind {}", path.display()))?,
        Some(subpath) => part(overlay::open_directory(path)?, subpath)?,
    };
    mounts::restrict(&mount, MountAttrFlags::MOUNT_ATTR_NODEV)
        .during(|| format!("bind {}", path.display()))?;
    Ok(mount)
}

/// A mount of what is at `subpath`, looked up inside `root` by the kernel in one step: no link leads out of it, and nothing can be
/// exchanged between the check and the use (E2, E4).
fn part(root: impl AsFd, subpath: &Path) -> Result<OwnedFd, Failure> {
    open_in_root(root, subpath)
        .and_then(|part| mounts::copy(part, Path::new("")))
        .during(|| format!("mount the part {}", subpath.display()))
}

/// Opens a path as if `root` were `/`.
pub(crate) fn open_in_root(root: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    loop {
        match openat2(
            &root,
            path,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            resolve,
        ) {
            // A rename elsewhere on the system during `..`: the kernel asks to try again.
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
}

/// [`open_in_root`], making what is missing, for an owner if one is given.
pub(crate) fn make_in_root(
    root: impl AsFd + Copy,
    path: &Path,
    directory: bool,
    owner: Option<(u32, u32)>,
) -> rustix::io::Result<OwnedFd> {
    match open_in_root(root, path) {
        Err(Errno::NOENT) => {}
        other => return other,
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::INVAL);
    };
    let parent = make_in_root(root, parent, true, owner)?;
    let made = if directory {
        mkdirat(&parent, name, Mode::from_raw_mode(0o755))
    } else {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDONLY | OFlags::CLOEXEC;
        openat(&parent, name, flags, Mode::from_raw_mode(0o644)).map(drop)
    };
    match made {
        // Another execution that shares the directory was quicker (E2).
        Err(Errno::EXIST) => return open_in_root(root, path),
        other => other?,
    }
    if let Some((uid, gid)) = owner {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        chownat(
            &parent,
            name,
            Some(uid),
            Some(gid),
            AtFlags::SYMLINK_NOFOLLOW,
        )?;
    }
    openat(
        &parent,
        name,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}
