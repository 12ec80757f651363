//! Advisory locks between processes: `flock(2)` on an open file or folder, released by the kernel
//! when its holder dies. What each lock protects is said where it is taken; this file only takes
//! them, and waits politely.
//!
//! Two descriptions of one file exclude each other even inside a process, so threads with handles
//! of their own are kept apart just as processes are.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock, major, minor};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// Called again and again while somebody else holds a lock, with the time waited so far: show a
/// message, or give up with `Break`. The first call comes before any waiting.
pub type Waiting<'a> = &'a mut dyn FnMut(Duration) -> ControlFlow<()>;

/// Waits without a word until `limit` has passed.
pub fn patience(limit: Duration) -> impl FnMut(Duration) -> ControlFlow<()> {
    move |waited| {
        if waited < limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

/// Takes the lock or changes the mode of one already held. Not to get it is `false`; a lock held
/// before is then lost (flock converts by releasing first).
pub(crate) fn try_lock(file: &File, path: &Path, mode: Mode) -> Result<bool> {
    let operation = match mode {
        Mode::Shared => FlockOperation::NonBlockingLockShared,
        Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    loop {
        match flock(file, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::io("lock", path)(errno)),
        }
    }
}

/// Takes the lock, asking `waiting` whether to go on for as long as others hold it.
///
/// It polls: a thread blocked in the kernel could neither report nor give up. 50 ms are far below
/// what the holders (whole builds) take, and the first tries come sooner.
pub(crate) fn lock(file: &File, path: &Path, mode: Mode, waiting: Waiting<'_>) -> Result<()> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    while !try_lock(file, path, mode)? {
        let waited = start.elapsed();
        if waiting(waited).is_break() {
            return Err(Error::Busy {
                path: path.to_owned(),
                by: holders(file),
                waited,
            });
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    Ok(())
}

/// Takes the lock however long it takes: for locks that are only ever held for moments.
pub(crate) fn lock_briefly(file: &File, path: &Path, mode: Mode) -> Result<()> {
    lock(file, path, mode, &mut |_| ControlFlow::Continue(()))
}

/// Who holds locks on the file, for people. The kernel's list knows only processes of our pid
/// namespace.
fn holders(file: &File) -> String {
    let Ok(metadata) = file.metadata() else {
        return "another run".to_owned();
    };
    let (dev, ino) = (metadata.dev(), metadata.ino());
    let id = format!("{:02x}:{:02x}:{ino}", major(dev), minor(dev));
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let pids: BTreeSet<u32> = locks.lines().filter_map(|line| holder(line, &id)).collect();
    let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
    match pids.as_slice() {
        [] => "another run".to_owned(),
        [pid] => format!("process {pid}"),
        pids => format!("processes {}", pids.join(", ")),
    }
}

/// `2: FLOCK  ADVISORY  READ  4711 fe:00:123 0 EOF`, see proc_locks(5).
fn holder(line: &str, id: &str) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1).filter(|word| *word != "->");
    let (kind, pid, file) = (words.next()?, words.nth(2)?, words.next()?);
    (kind == "FLOCK" && file == id)
        .then(|| pid.parse().ok())
        .flatten()
}
