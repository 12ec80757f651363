//! Digests of files on the host, remembered by what `stat` says of them, so that an unchanged
//! context is not read again.
//!
//! A record is only made when it can be relied upon. A file that was changed less than two seconds
//! before it was looked at could be changed again without its times showing it (clocks of file
//! systems are coarse), so it is not remembered: git's "racily clean". The change time counts as
//! well as the modification time: no program can set it.
//!
//! One file per root in `stat/`, read at once and searched in place: magic, sorted entries of fixed
//! size, digest of it all. Replaced as a whole, by one writer at a time, who adds to what is there.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ci_oci::Digest;

use crate::error::{Error, Result};
use crate::files;
use crate::lock::{Mode, lock_briefly};
use crate::store::Store;

const MAGIC: &[u8; 8] = b"ci-stat1";
const KEY: usize = 40;
const ENTRY: usize = KEY + 32;

/// Entries kept per root; 14 MB at most. Those not asked for go first.
const LIMIT: usize = 200_000;

/// Time stamps may be as coarse as this.
const GRAIN: i64 = 2_000_000_000;

/// What identifies the content of a regular file as long as nobody writes to it. All times are
/// nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stat {
    /// Device the file is on.
    pub dev: u64,
    /// Its inode number there.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Last modification of the content.
    pub mtime: i64,
    /// Last change of content or metadata.
    pub ctime: i64,
    /// When the other fields were read: before the content.
    pub seen: i64,
}

impl Stat {
    /// Of a file just looked at, before its content is read.
    #[must_use]
    pub fn new(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            seen: now(),
        }
    }

    /// Whether a later change is certain to show in the times.
    fn settled(&self) -> bool {
        let changed = self.mtime.max(self.ctime);
        changed.saturating_add(GRAIN) <= self.seen
    }

    /// Big-endian, so that bytes compare as the fields do.
    fn key(&self) -> [u8; KEY] {
        let mut key = [0; KEY];
        let fields = [
            self.dev,
            self.ino,
            self.size,
            self.mtime.cast_unsigned(),
            self.ctime.cast_unsigned(),
        ];
        for (place, field) in key.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        key
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// The remembered digests of the files under one root. May be used by many threads.
#[derive(Debug)]
pub struct StatCache {
    path: PathBuf,
    store: Store,
    /// Sorted entries.
    known: Vec<[u8; ENTRY]>,
    /// Which of them were asked for.
    used: Vec<AtomicBool>,
    fresh: Mutex<HashMap<[u8; KEY], Digest>>,
}

impl StatCache {
    /// Reads what is known of the files under `root`: nothing, if the file is damaged or missing.
    #[must_use]
    pub fn load(store: &Store, root: &Path) -> Self {
        let name = Digest::of(root.as_os_str().as_bytes()).hex();
        let path = store.inner.root.join("stat").join(name);
        let known = read(&path);
        let used = known.iter().map(|_| AtomicBool::new(false)).collect();
        Self {
            path,
            store: store.clone(),
            known,
            used,
            fresh: Mutex::default(),
        }
    }

    /// The digest of the content of the file this was read from, if it is known.
    #[must_use]
    pub fn get(&self, stat: &Stat) -> Option<Digest> {
        let key = stat.key();
        if let Some(digest) = self
            .fresh
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Some(*digest);
        }
        let at = self
            .known
            .binary_search_by(|entry| entry[..KEY].cmp(&key))
            .ok()?;
        self.used[at].store(true, Ordering::Relaxed);
        Some(digest(&self.known[at]))
    }

    /// Remembers the digest of the content, read after `stat` was; or does not, when the file was
    /// changed too recently.
    pub fn insert(&self, stat: &Stat, digest: Digest) {
        if stat.settled() {
            self.fresh
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(stat.key(), digest);
        }
    }

    /// Adds what is new to what is there by now: the same root is scanned through several filters at once, by several programs. Without
    /// news it does nothing.
    ///
    /// # Errors
    /// The file cannot be written; the old one remains.
    pub fn save(&self) -> Result<()> {
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if fresh.is_empty() {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(&self.store.inner.root);
        let turn = File::open(folder).map_err(Error::io("open", folder))?;
        lock_briefly(&turn, folder, Mode::Exclusive)?;
        let mut entries: Vec<_> = fresh
            .iter()
            .map(|(key, digest)| entry(key, digest))
            .collect();
        // Older records of the same files are of no use any more.
        let files: HashSet<_> = fresh.keys().map(|key| key[..16].to_vec()).collect();
        let known = self.known.iter().zip(&self.used);
        let used = known.filter(|(_, used)| used.load(Ordering::Relaxed));
        entries.extend(used.map(|(entry, _)| *entry));
        let there = read(&self.path).into_iter();
        entries.extend(there.filter(|entry| !files.contains(&entry[..16])));
        entries.truncate(LIMIT);
        entries.sort_unstable();
        entries.dedup_by(|a, b| a[..KEY] == b[..KEY]);
        files::replace(
            &self.path,
            &self.store.inner.session.path()?,
            &encode(&entries),
            false,
        )
    }
}

/// What a file holds: nothing, if it is damaged or missing.
fn read(path: &Path) -> Vec<[u8; ENTRY]> {
    let bytes = fs::read(path).ok();
    bytes.and_then(|bytes| decode(&bytes)).unwrap_or_default()
}

fn entry(key: &[u8; KEY], digest: &Digest) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..KEY].copy_from_slice(key);
    entry[KEY..].copy_from_slice(digest.as_bytes());
    entry
}

fn digest(entry: &[u8; ENTRY]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&entry[KEY..]);
    Digest::from_bytes(bytes)
}

fn encode(entries: &[[u8; ENTRY]]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(entries.as_flattened());
    let seal = Digest::of(&bytes);
    bytes.extend_from_slice(seal.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<[u8; ENTRY]>> {
    let (content, seal) = bytes.split_last_chunk::<32>()?;
    if Digest::of(content).as_bytes() != seal {
        return None;
    }
    let (entries, rest) = content.strip_prefix(MAGIC)?.as_chunks::<ENTRY>();
    (rest.is_empty() && entries.is_sorted()).then(|| entries.to_vec())
}

#[cfg(test)]
mod tests;
