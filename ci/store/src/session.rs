//! The temporary folder of one open store, `tmp/<pid>-<n>`, held by a lock on the folder itself.
//!
//! Everything unfinished is in there. A folder whose lock can be taken belongs to a process that is
//! gone: whoever opens the store next removes it. A pid alone would not do (it is reused, and
//! processes in different pid namespaces may share the store).
//!
//! It is made when it is first needed: a run that only reads writes nothing at all, and a prune can
//! begin on a full disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::files;
use crate::lock::{Mode, lock_briefly, try_lock};

#[derive(Debug)]
pub(crate) struct Session {
    root: PathBuf,
    folder: Mutex<Option<Held>>,
    next: AtomicU64,
}

/// A temporary folder under its lock.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Session {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            folder: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    /// A path in the folder that nothing uses yet.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let held = match folder.take() {
            Some(held) => held,
            None => create(&self.root)?,
        };
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(folder.insert(held).path.join(n.to_string()))
    }

    /// The folder, to be removed; if it was needed.
    pub(crate) fn take(&self) -> Option<Held> {
        self.folder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

fn create(root: &Path) -> Result<Held> {
    // Between its creation and its locking the folder could be taken for a leftover.
    let _setup = setup(root)?;
    let tmp = root.join("tmp");
    let mut n = 0_u32;
    loop {
        let path = tmp.join(format!("{}-{n}", process::id()));
        if files::create_dir(&path)? {
            let lock = files::open_dir(&path).map_err(Error::io("open", &path))?;
            try_lock(&lock, &path, Mode::Exclusive)?;
            return Ok(Held { path, _lock: lock });
        }
        n += 1;
    }
}

/// The lock for creating and cleaning, on the root itself; only ever held for moments.
pub(crate) fn setup(root: &Path) -> Result<File> {
    let file = files::open_dir(root).map_err(Error::io("open", root))?;
    lock_briefly(&file, root, Mode::Exclusive)?;
    Ok(file)
}

/// The temporary folders of processes that are gone, locked so that nobody else removes them at the
/// same time.
pub(crate) fn leftovers(root: &Path) -> Result<Vec<Held>> {
    let tmp = root.join("tmp");
    if files::list(&tmp)?.is_empty() {
        return Ok(Vec::new());
    }
    let _setup = setup(root)?;
    let mut found = Vec::new();
    for path in files::list(&tmp)? {
        match files::open_dir(&path) {
            Ok(lock) => {
                if try_lock(&lock, &path, Mode::Exclusive)? {
                    found.push(Held { path, _lock: lock });
                }
            }
            // Gone meanwhile, with its owner. Or no folder: not ours, but in the way.
            Err(_) => drop(fs::remove_file(&path)),
        }
    }
    Ok(found)
}
