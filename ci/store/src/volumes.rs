//! Cache volumes: folders that executions share over time (`RUN --mount=type=cache`), under the
//! hash of an id the caller chooses.
//!
//! A volume has one copy, and more when private users meet: `caches/<hash>/<n>/{fs/, record}`, each
//! with a lock `<n>.lock` beside it. How users share a copy is how they hold its lock (E2):
//! together, or one at a time, across all processes. What is in a volume never decides what is
//! built (C5), so nothing refers to it and it may go at any prune.
//!
//! The record says when the volume was last left alone. One that was in use when the power failed,
//! or was not on the disk yet, is begun anew: half-written caches make for failures nobody
//! understands.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ci_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::durability::{Stamp, Stamped};
use crate::error::{Error, Result};
use crate::lock::{self, Mode, Waiting, try_lock};
use crate::store::{Inner, Store};
use crate::{files, record};

/// How several users of one cache volume get along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// All use one copy at once.
    Shared,
    /// Each has a copy to itself: one that is not in use, or a new one.
    Private,
    /// One after the other uses the one copy; the others wait.
    Locked,
}

/// What is known of a copy of a volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VolumeRecord {
    /// The caller's id, for people.
    pub(crate) id: String,
    pub(crate) stamp: Stamp,
    /// Bytes; absent until measured after its last use.
    pub(crate) size: Option<u64>,
}

impl Stamped for VolumeRecord {
    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn belongs(&self, path: &Path) -> bool {
        path.parent().map(files::name) == Some(&Digest::of(&self.id).hex())
    }
}

/// A copy of a cache volume in use. Given back when dropped.
#[derive(Debug)]
pub struct CacheLease {
    copy: PathBuf,
    path: PathBuf,
    record: VolumeRecord,
    lock: File,
    store: Store,
}

impl Store {
    /// Takes the cache volume `id` into use. A new copy is filled by `fill`, which gets an empty
    /// folder of mode 0755; nobody sees it before that has succeeded.
    ///
    /// Who needs several volumes at once takes each only once, and in the order of their ids, or
    /// two could wait for each other.
    ///
    /// # Errors
    /// [`Error::Busy`] when `waiting` gives up; what `fill` says; or the volume cannot be created.
    pub fn cache_volume(
        &self,
        id: &str,
        sharing: Sharing,
        fill: &mut dyn FnMut(&Path) -> io::Result<()>,
        waiting: Waiting<'_>,
    ) -> Result<CacheLease> {
        let volume = self.inner.root.join("caches").join(Digest::of(id).hex());
        files::create_dir(&volume)?;
        let (copy, lock) = match sharing {
            Sharing::Shared => take(&volume, Mode::Shared, waiting)?,
            Sharing::Locked => take(&volume, Mode::Exclusive, waiting)?,
            Sharing::Private => take_free(&volume)?,
        };
        let lock_path = copy.with_extension("lock");
        while self.inner.volume_record(&copy).is_none() {
            if sharing == Sharing::Shared {
                lock::lock(&lock, &lock_path, Mode::Exclusive, waiting)?;
            }
            // Two shared users may have come here together.
            if self.inner.volume_record(&copy).is_none() {
                self.inner.new_volume(id, &copy, fill)?;
            }
            if sharing == Sharing::Shared {
                // Converting a lock releases it for a moment, so look again.
                lock::lock(&lock, &lock_path, Mode::Shared, waiting)?;
            }
        }
        let stamp = Stamp::unfinished(self.inner.durability.boot());
        let record = VolumeRecord {
            id: id.to_owned(),
            stamp,
            size: None,
        };
        self.inner.put_volume_record(&copy, &record)?;
        Ok(CacheLease {
            path: copy.join("fs"),
            copy,
            record,
            lock,
            store: self.clone(),
        })
    }
}

impl CacheLease {
    /// The folder to mount.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for CacheLease {
    fn drop(&mut self) {
        // Only the last of those who share it can say that nobody writes to it any more. To lose
        // the lock by trying does no harm here.
        let path = self.copy.with_extension("lock");
        if try_lock(&self.lock, &path, Mode::Exclusive).unwrap_or_default() {
            self.record.stamp = self.store.inner.durability.stamp();
            drop(self.store.inner.put_volume_record(&self.copy, &self.record));
        }
        self.store.inner.wrote(true);
    }
}

impl Inner {
    /// The record of a copy that is usable.
    pub(crate) fn volume_record(&self, copy: &Path) -> Option<VolumeRecord> {
        self.durability.standing(copy).whole()
    }

    pub(crate) fn put_volume_record(&self, copy: &Path, record: &VolumeRecord) -> Result<()> {
        let path = copy.join("record");
        let bytes = record::encode(record).map_err(Error::io("write", &path))?;
        files::replace(&path, &self.session.path()?, &bytes, false)
    }

    /// Makes a copy, in place of one that is not usable. The caller holds its lock alone.
    fn new_volume(
        &self,
        id: &str,
        copy: &Path,
        fill: &mut dyn FnMut(&Path) -> io::Result<()>,
    ) -> Result<()> {
        let staging = self.session.path()?;
        let fs = staging.join("fs");
        let mut make = || -> Result<()> {
            files::create_dir(&staging)?;
            files::create_dir(&fs)?;
            fs::set_permissions(&fs, Permissions::from_mode(0o755))
                .map_err(Error::io("create", &fs))?;
            fill(&fs).map_err(Error::io("fill", &fs))?;
            let stamp = Stamp::unfinished(self.durability.boot());
            self.put_volume_record(
                &staging,
                &VolumeRecord {
                    id: id.to_owned(),
                    stamp,
                    size: None,
                },
            )?;
            self.discard(copy)?;
            files::rename(&staging, copy)
        };
        make().inspect_err(|_| drop(self.discard(&staging)))
    }
}

/// The first copy, however it is to be shared.
fn take(volume: &Path, mode: Mode, waiting: Waiting<'_>) -> Result<(PathBuf, File)> {
    let (copy, path) = (volume.join("0"), volume.join("0.lock"));
    let lock = files::open_lock(&path)?;
    lock::lock(&lock, &path, mode, waiting)?;
    Ok((copy, lock))
}

/// The first copy that nobody uses.
fn take_free(volume: &Path) -> Result<(PathBuf, File)> {
    let mut n = 0_u32;
    loop {
        let copy = volume.join(n.to_string());
        let path = copy.with_extension("lock");
        let lock = files::open_lock(&path)?;
        if try_lock(&lock, &path, Mode::Exclusive)? {
            return Ok((copy, lock));
        }
        n += 1;
    }
}

#[cfg(test)]
mod tests;
