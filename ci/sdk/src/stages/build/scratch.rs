//! Folders for the files of one export. A build removes its own; those of builds that were killed go with the next.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

/// A folder of its own, which is gone when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    dir: TempDir,
    /// Whoever can lock the folder knows that its owner is no more.
    _owned: File,
}

impl Scratch {
    /// Makes one in the folder for all of them.
    pub(super) fn new(all: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(all)?;
        // In turns: a folder that is not locked yet must not look like one that was left behind.
        let turn = File::open(all)?;
        flock(&turn, FlockOperation::LockExclusive)?;
        let dir = tempfile::tempdir_in(all)?;
        let owned = File::open(dir.path())?;
        flock(&owned, FlockOperation::LockShared)?;
        Ok(Self { dir, _owned: owned })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the folders whose owners are no more.
pub(super) fn sweep(all: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(all) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let turn = File::open(all)?;
    flock(&turn, FlockOperation::LockExclusive)?;
    for entry in entries {
        let path = entry?.path();
        // Its owner may have removed it just now.
        let Ok(folder) = File::open(&path) else {
            continue;
        };
        if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_owns_is_swept() {
        let state = tempfile::tempdir().unwrap();
        let all = state.path().join("tmp");
        sweep(&all).unwrap();
        let owned = Scratch::new(&all).unwrap();
        let left = all.join("left/below");
        std::fs::create_dir_all(&left).unwrap();
        sweep(&all).unwrap();
        assert!(owned.path().is_dir());
        assert!(!all.join("left").exists());
        drop(owned);
        assert_eq!(std::fs::read_dir(&all).unwrap().count(), 0);
    }
}
