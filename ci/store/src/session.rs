//! The temporary folder of one open store, `tmp/<pid>-<n>`, held by a lock on the folder itself.
//!
//! Everything unfinished is in there. A folder whose lock can be taken belongs to a process that is gone: whoever opens the store next
//! removes it. A pid alone would not do (it is reused, and processes in different pid namespaces may share the store).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::files;
use crate::lock::{Mode, try_lock};

#[derive(Debug)]
pub(crate) struct Session {
    dir: PathBuf,
    next: AtomicU64,
    _held: File,
}

/// The folder of a process that is gone. The lock keeps others from removing it at the same time.
#[derive(Debug)]
pub(crate) struct Leftover {
    pub(crate) path: PathBuf,
    _held: File,
}

impl Session {
    /// Creates the folder in `tmp`. The caller holds the store's set-up lock, or the folder could be taken for a leftover
    /// between its creation and its locking.
    pub(crate) fn create(tmp: &Path) -> Result<Self> {
        let mut n = 0_u32;
        loop {
            let dir = tmp.join(format!("{}-{n}", process::id()));
            if files::create_dir(&dir)? {
                let held = files::open_dir(&dir).map_err(Error::io("open", &dir))?;
                try_lock(&held, &dir, Mode::Exclusive)?;
                return Ok(Self {
                    dir,
                    next: AtomicU64::new(0),
                    _held: held,
                });
            }
            n += 1;
        }
    }

    /// A path in the folder that nothing uses yet.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir
            .join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// The folders in `tmp` whose processes are gone. Under the set-up lock.
pub(crate) fn leftovers(tmp: &Path) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    for path in files::list(tmp)? {
        match files::open_dir(&path) {
            Ok(held) => {
                if try_lock(&held, &path, Mode::Exclusive)? {
                    found.push(Leftover { path, _held: held });
                }
            }
            // Not a folder: not ours, but in the way. Gone meanwhile: its owner has ended.
            Err(_) => drop(std::fs::remove_file(&path)),
        }
    }
    Ok(found)
}

/// Who else has the store open, as far as their folders tell; for messages.
pub(crate) fn holders(tmp: &Path, ours: &Path) -> String {
    let paths = files::list(tmp).unwrap_or_default();
    let others = paths.iter().filter(|path| *path != ours);
    let pids: Vec<_> = others
        .filter_map(|path| files::name(path).split_once('-'))
        .map(|(pid, _)| pid)
        .collect();
    match pids.as_slice() {
        [] => "another run".to_owned(),
        [pid] => format!("process {pid}"),
        pids => format!("processes {}", pids.join(", ")),
    }
}
