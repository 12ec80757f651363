//! Removes what no image refers to.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Layout;
use super::files::{Result, TEMPORARY, io};

/// What [`Layout::gc`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs removed, and files that were never finished.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Layout {
    /// Removes the blobs that no image refers to, also those that were put through this handle and not named. `None`: somebody
    /// else is putting blobs, and nothing was removed.
    pub fn gc(&mut self) -> Result<Option<Collected>> {
        self.writing.take();
        let blobs = self.blobs();
        let lock = File::open(&blobs).map_err(io("open", &blobs))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(io("lock", &blobs)(errno.into())),
        }
        // With the index, too: a temporary file in the layout may be the next one.
        let _index = self.lock()?;
        let images = self.index()?.manifests;
        let needed: HashSet<String> = self
            .reachable(&images)?
            .into_iter()
            .map(|blob| blob.digest.hex())
            .collect();
        let mut collected = Collected::default();
        remove(&blobs, &mut collected, |name| !needed.contains(name))?;
        remove(self.path(), &mut collected, |name| {
            name.starts_with(TEMPORARY)
        })?;
        Ok(Some(collected))
    }
}

fn remove(dir: &Path, collected: &mut Collected, doomed: impl Fn(&str) -> bool) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(io("list", dir))? {
        let entry = entry.map_err(io("list", dir))?;
        let metadata = entry.metadata().map_err(io("examine", &entry.path()))?;
        // A name that is no text is not one of ours.
        if metadata.is_dir() || !entry.file_name().to_str().is_some_and(&doomed) {
            continue;
        }
        fs::remove_file(entry.path()).map_err(io("remove", &entry.path()))?;
        collected.blobs += 1;
        collected.bytes += metadata.len();
    }
    Ok(())
}
