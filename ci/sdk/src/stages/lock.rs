//! One cargo at a time in a checkout. Cargo takes turns in its target folder by itself; this also covers the moment between
//! its end and the copying of the program, and shows who waits as waiting, not as working.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How long to wait before asking again, in milliseconds.
const PAUSE: Duration = Duration::from_millis(20);

/// A lock that ends with this value, or with the process.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock on a file, which is made where there is none.
    pub(crate) async fn wait(path: &Path) -> std::io::Result<Self> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let file = File::options().create(true).append(true).open(path)?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/lock");
        let first = Lock::wait(&path).await.unwrap();
        let second = Lock::wait(&path);
        tokio::pin!(second);
        let early = tokio::time::timeout(PAUSE * 3, &mut second).await;
        assert!(early.is_err());
        drop(first);
        second.await.unwrap();
    }
}
