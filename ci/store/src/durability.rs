//! Which layers survive a power loss, without an fsync per file.
//!
//! A layer can have a hundred thousand files, and an fsync for each would cost more than making it.
//! So layers are written without, and carry a [`Stamp`]: the boot they were written in, and when,
//! on that boot's own clock. When a process that wrote something ends, it flushes the file system
//! once (`syncfs`) and then leaves a durable note, the *marker*, in `durable/<boot id>`:
//! "everything stamped up to this time is on the disk".
//!
//! As long as the machine stays up, the page cache is the truth and every layer counts. After a
//! reboot, a layer of an earlier boot counts if that boot's marker covers its stamp; otherwise it
//! may hold zero-length files and is treated as absent. A process that was killed leaves no marker;
//! the next one to end finds its leftovers and syncs for both.
//!
//! Blobs are fsynced one by one (few, large, and others rely on their bytes at once); records carry
//! a digest of themselves. Neither needs a stamp.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::syncfs;
use rustix::time::{ClockId, clock_gettime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lock::{self, Mode};
use crate::record::Read;
use crate::{files, record};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// When something was completely written: the boot, and nanoseconds since it (a clock nobody can
/// set).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) boot: String,
    pub(crate) at: u64,
}

impl Stamp {
    /// The stamp of something still being written: no marker ever covers it.
    pub(crate) fn unfinished(boot: &str) -> Self {
        Self {
            boot: boot.to_owned(),
            at: u64::MAX,
        }
    }
}

/// The record of a folder: its last part to be written.
pub(crate) trait Stamped: DeserializeOwned {
    fn stamp(&self) -> &Stamp;

    /// Whether the folder `path` is where it belongs.
    fn belongs(&self, path: &Path) -> bool;
}

/// What a layer or a cache volume is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing<T> {
    /// It is complete; this is its record.
    Whole(T),
    /// It may have suffered from a power loss, and does not count.
    Lost,
    /// Its record is damaged, which a power loss does not do.
    Broken,
}

impl<T> Standing<T> {
    pub(crate) fn whole(self) -> Option<T> {
        match self {
            Self::Whole(record) => Some(record),
            Self::Lost | Self::Broken => None,
        }
    }

    pub(crate) fn as_ref(&self) -> Standing<&T> {
        match self {
            Self::Whole(record) => Standing::Whole(record),
            Self::Lost => Standing::Lost,
            Self::Broken => Standing::Broken,
        }
    }
}

/// The markers of a store, seen from one boot.
#[derive(Debug)]
pub(crate) struct Durability {
    dir: PathBuf,
    boot: String,
    /// Markers of earlier boots, which no longer change.
    earlier: Mutex<HashMap<String, Option<u64>>>,
}

impl Durability {
    /// The markers in `dir`, under the identity of the running boot.
    pub(crate) fn new(dir: PathBuf) -> Result<Self> {
        let path = Path::new(BOOT_ID);
        let boot = fs::read_to_string(path).map_err(Error::io("read", path))?;
        Ok(Self::at_boot(dir, boot.trim()))
    }

    /// The same as if the machine had been booted as `boot`: tests simulate a reboot with it.
    pub(crate) fn at_boot(dir: PathBuf, boot: &str) -> Self {
        Self {
            dir,
            boot: boot.to_owned(),
            earlier: Mutex::default(),
        }
    }

    /// The running boot.
    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// To be taken once the content is complete, and before it becomes visible.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            boot: self.boot.clone(),
            at: now(),
        }
    }

    /// Whether what carries this stamp is certain to be whole.
    pub(crate) fn holds(&self, stamp: &Stamp) -> bool {
        if stamp.boot == self.boot {
            return true;
        }
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let marker = earlier
            .entry(stamp.boot.clone())
            .or_insert_with(|| self.marker(&stamp.boot));
        marker.is_some_and(|synced| stamp.at <= synced)
    }

    /// What the thing in the folder `path` is worth, by its record there.
    pub(crate) fn standing<T: Stamped>(&self, path: &Path) -> Standing<T> {
        match record::read::<T>(&path.join("record")) {
            Read::Whole(record) if !record.belongs(path) => Standing::Broken,
            Read::Whole(record) if self.holds(record.stamp()) => Standing::Whole(record),
            Read::Whole(_) | Read::Absent | Read::Blank => Standing::Lost,
            Read::Broken => Standing::Broken,
        }
    }

    /// Brings everything stamped until now to the disk, then says so durably. `temporary` is a free
    /// path of the store.
    pub(crate) fn sync(&self, temporary: &Path) -> Result<()> {
        let dir = files::open_dir(&self.dir).map_err(Error::io("open", &self.dir))?;
        let began = now();
        syncfs(&dir).map_err(Error::io("sync", &self.dir))?;
        // Of two that end at once, the later time has to stay.
        lock::lock_briefly(&dir, &self.dir, Mode::Exclusive)?;
        if self
            .marker(&self.boot)
            .is_some_and(|synced| synced >= began)
        {
            return Ok(());
        }
        let path = self.dir.join(&self.boot);
        let bytes = record::encode(&began).map_err(|e| Error::io("write", &path)(e))?;
        files::replace(&path, temporary, &bytes, true)
    }

    /// Deletes the markers of boots of which nothing is left.
    pub(crate) fn forget_except(&self, boots: &dyn Fn(&str) -> bool) -> Result<()> {
        for path in files::list(&self.dir)? {
            let boot = files::name(&path);
            if boot != self.boot && !boots(boot) {
                files::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn marker(&self, boot: &str) -> Option<u64> {
        // The name comes from a file: it must not lead anywhere else.
        let plain =
            !boot.is_empty() && boot.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        plain
            .then(|| record::read(&self.dir.join(boot)).whole())
            .flatten()
    }
}

/// Nanoseconds since boot, counting suspended time.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or_default()
}

#[cfg(test)]
mod tests;
