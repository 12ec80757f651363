//! Gives what was unpacked its owner, attributes, mode and time, and records what the file system refuses.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags, chmodat, chownat, fchmod, fchown,
    fsetxattr, futimens, utimensat,
};
use rustix::io::Errno;

use super::names::split;
use super::{LayerError, Ownership, xattr};
use crate::tar::{self, Entry, Time};
use crate::{Owner, Owners};

type Result<T> = std::result::Result<T, LayerError>;

/// What an entry has besides its content.
#[derive(Debug)]
pub(super) struct Metadata {
    mode: Mode,
    uid: u32,
    gid: u32,
    times: Timestamps,
    /// Only those that are part of an image.
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Metadata {
    pub(super) fn of(entry: Entry) -> Self {
        let mut xattrs = entry.xattrs;
        xattrs.retain(|(name, _)| xattr::travels(name));
        Self {
            mode: Mode::from_raw_mode(entry.mode),
            uid: entry.uid,
            gid: entry.gid,
            times: times(entry.mtime),
            xattrs,
        }
    }

    /// Of a directory that no entry describes.
    pub(super) fn implied() -> Self {
        let times = times(tar::MTIME);
        Self {
            mode: Mode::from_raw_mode(0o755),
            uid: 0,
            gid: 0,
            times,
            xattrs: Vec::new(),
        }
    }
}

fn times(mtime: Time) -> Timestamps {
    let time = Timespec {
        tv_sec: mtime.seconds,
        tv_nsec: mtime.nanoseconds.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

pub(super) struct Writer {
    pub(super) ownership: Ownership,
    pub(super) owners: Owners,
}

impl Writer {
    pub(super) fn new(ownership: Ownership) -> Self {
        Self {
            ownership,
            owners: Owners::new(),
        }
    }

    /// For an open file or directory. The order matters: a change of owner takes away capabilities and the setuid bit.
    pub(super) fn file(&mut self, file: &OwnedFd, path: &[u8], metadata: &Metadata) -> Result<()> {
        let mut recorded = self
            .owner(metadata, |uid, gid| fchown(file, uid, gid))
            .map_err(LayerError::io("change the owner of", path))?;
        for (name, value) in &metadata.xattrs {
            let capability = name == xattr::CAPABILITY;
            let set = match self.ownership {
                Ownership::Record if capability => Err(Errno::PERM),
                _ => fsetxattr(file, name.as_slice(), value, XattrFlags::empty()),
            };
            match set {
                Err(Errno::PERM | Errno::OPNOTSUPP) if capability => {
                    recorded
                        .get_or_insert_with(|| Owner::new(metadata.uid, metadata.gid))
                        .capability = Some(value.clone());
                }
                set => set.map_err(LayerError::io("set an attribute of", path))?,
            }
        }
        fchmod(file, metadata.mode).map_err(LayerError::io("set the mode of", path))?;
        futimens(file, &metadata.times).map_err(LayerError::io("set the time of", path))?;
        self.record(path, recorded);
        Ok(())
    }

    /// For a device or fifo, which must not be opened.
    pub(super) fn node(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &[u8],
        metadata: &Metadata,
    ) -> Result<()> {
        let name = split(path).1;
        self.link(parent, path, metadata)?;
        // It was just made in a directory that is ours alone, so there is no link to follow.
        chmodat(parent, name, metadata.mode, AtFlags::empty())
            .map_err(LayerError::io("set the mode of", path))
    }

    /// For a symbolic link, which has no mode.
    pub(super) fn link(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &[u8],
        metadata: &Metadata,
    ) -> Result<()> {
        let name = split(path).1;
        let recorded = self
            .owner(metadata, |uid, gid| {
                chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            })
            .map_err(LayerError::io("change the owner of", path))?;
        utimensat(parent, name, &metadata.times, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(LayerError::io("set the time of", path))?;
        self.record(path, recorded);
        Ok(())
    }

    /// Sets the owner, or says what to record instead.
    fn owner(
        &self,
        metadata: &Metadata,
        set: impl FnOnce(Option<Uid>, Option<Gid>) -> rustix::io::Result<()>,
    ) -> rustix::io::Result<Option<Owner>> {
        let owner = Owner::new(metadata.uid, metadata.gid);
        match self.ownership {
            Ownership::Record => Ok((owner != Owner::default()).then_some(owner)),
            // -1 means "leave as it is" to the system.
            Ownership::Apply if owner.uid == u32::MAX || owner.gid == u32::MAX => Ok(Some(owner)),
            Ownership::Apply => match set(
                Some(Uid::from_raw(owner.uid)),
                Some(Gid::from_raw(owner.gid)),
            ) {
                Ok(()) => Ok(None),
                // Not allowed, or not mapped in this user namespace.
                Err(Errno::PERM | Errno::INVAL) => Ok(Some(owner)),
                Err(errno) => Err(errno),
            },
        }
    }

    fn record(&mut self, path: &[u8], owner: Option<Owner>) {
        match owner {
            Some(owner) => self.owners.insert(path, owner),
            None => drop(self.owners.remove(path)),
        }
    }
}
