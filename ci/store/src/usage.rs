//! How much space what takes.

use std::fs::{File, FileTimes};
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::Result;
use crate::files;
use crate::inventory::Inventory;
use crate::lock::{Mode, try_lock};
use crate::store::{Inner, Store};
use crate::volumes::VolumeRecord;

/// A number of things and their size together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// How many.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What the store holds, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blobs: configs, manifests, compressed layers.
    pub blobs: Space,
    /// Unpacked layers.
    pub layers: Space,
    /// Results of operations.
    pub results: Space,
    /// Copies of cache volumes.
    pub volumes: Space,
    /// Remembered digests of files on the host.
    pub stats: Space,
}

/// The kinds of things in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Blob,
    Layer,
    Result,
    Volume,
    Stat,
}

impl Usage {
    pub(crate) fn of(&mut self, kind: Kind) -> &mut Space {
        match kind {
            Kind::Blob => &mut self.blobs,
            Kind::Layer => &mut self.layers,
            Kind::Result => &mut self.results,
            Kind::Volume => &mut self.volumes,
            Kind::Stat => &mut self.stats,
        }
    }

    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> Space {
        [
            self.blobs,
            self.layers,
            self.results,
            self.volumes,
            self.stats,
        ]
        .into_iter()
        .sum()
    }
}

impl Store {
    /// How much space the store takes. Sizes of layers and cache volumes are measured once after
    /// they were written; what cannot be read (files of subordinate ids in folders closed to
    /// others) counts nothing.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub fn usage(&self) -> Result<Usage> {
        let inventory = Inventory::take(&self.inner)?;
        self.inner.remember_sizes(&inventory);
        Ok(inventory.usage())
    }
}

impl Inner {
    /// Saves the next account measuring the volumes again; not those in use, whose size still
    /// changes.
    pub(crate) fn remember_sizes(&self, inventory: &Inventory) {
        for volume in &inventory.volumes {
            let Some(record) = volume
                .what
                .as_ref()
                .whole()
                .filter(|record| record.size.is_none())
            else {
                continue;
            };
            let path = volume.path.with_extension("lock");
            let Ok(lock) = files::open_lock(&path) else {
                continue;
            };
            let still = || {
                self.volume_record(&volume.path)
                    .is_some_and(|now| now.stamp == record.stamp)
            };
            if try_lock(&lock, &path, Mode::Exclusive).unwrap_or_default() && still() {
                let measured = VolumeRecord {
                    size: Some(volume.size),
                    ..record.clone()
                };
                drop(self.put_volume_record(&volume.path, &measured));
                // To be looked at is not to be used.
                let times = FileTimes::new().set_modified(volume.used);
                drop(File::open(volume.path.join("record")).and_then(|file| file.set_times(times)));
            }
        }
    }
}

impl Add for Space {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl AddAssign for Space {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl AddAssign<u64> for Space {
    /// One more thing of this size.
    fn add_assign(&mut self, bytes: u64) {
        *self += Self { count: 1, bytes };
    }
}

impl Sum for Space {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl FromIterator<u64> for Space {
    fn from_iter<I: IntoIterator<Item = u64>>(sizes: I) -> Self {
        sizes
            .into_iter()
            .map(|bytes| Self { count: 1, bytes })
            .sum()
    }
}

/// Bytes a tree takes on the disk; what cannot be read counts nothing.
pub(crate) fn tree_size(root: &Path) -> u64 {
    let mut total = 0;
    let mut queue = vec![root.to_owned()];
    while let Some(dir) = queue.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            total += metadata.blocks() * 512;
            if metadata.is_dir() {
                queue.push(entry.path());
            }
        }
    }
    total
}
