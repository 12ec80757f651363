//! Blobs that arrive from elsewhere, slowly: what has come is kept when a run ends before the rest, `partial/<digest>`, and the
//! next run goes on from there. Nobody sees such a blob before it is whole and its digest is right.
//!
//! Where the bytes come from is the caller's concern.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ci_oci::Digest;
use rustix::fs::Mode as Permissions;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::files;
use crate::lock::{self, Mode, Waiting};
use crate::store::Store;

/// A blob that is being downloaded. Dropped without [`Download::finish`], what has arrived stays for the next time.
#[derive(Debug)]
pub struct Download {
    /// Locked for as long as this lives.
    file: File,
    path: PathBuf,
    /// Of all bytes so far.
    hash: Sha256,
    arrived: u64,
    digest: Digest,
    size: u64,
    store: Store,
}

impl Store {
    /// Begins to download a blob of this digest and size in bytes, or goes on where somebody stopped. Another process that
    /// downloads the same blob is waited for. `None` when the store has the blob by then.
    ///
    /// # Errors
    /// The file cannot be created or read; [`Error::Busy`] when `waiting` gives up.
    pub fn download(
        &self,
        digest: Digest,
        size: u64,
        waiting: Waiting<'_>,
    ) -> Result<Option<Download>> {
        let path = self.inner.root.join("partial").join(digest.hex());
        loop {
            if self.has_blob(&digest) {
                return Ok(None);
            }
            let file = open(&path)?;
            lock::lock(&file, &path, Mode::Exclusive, waiting)?;
            // Whoever held the lock may have finished the blob, and with it moved the file.
            if is_at(&file, &path) {
                let mut download = Download {
                    file,
                    path,
                    hash: Sha256::new(),
                    arrived: 0,
                    digest,
                    size,
                    store: self.clone(),
                };
                download.take_up()?;
                return Ok(Some(download));
            }
        }
    }
}

impl Download {
    /// How many bytes have arrived, in this run and in earlier ones.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// The hash of what has arrived.
    #[must_use]
    pub fn hash(&self) -> &Sha256 {
        &self.hash
    }

    /// What has arrived, as a file to read from; its beginning is where the blob begins.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn reader(&self) -> Result<File> {
        File::open(&self.path).map_err(Error::io("open", &self.path))
    }

    /// Adds bytes. Surplus ones are refused as soon as they come (L13).
    ///
    /// # Errors
    /// [`Error::Mismatch`]; or they cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.arrived + bytes.len() as u64 > self.size {
            return Err(self.mismatch("more bytes".to_owned()));
        }
        self.file
            .write_all(bytes)
            .map_err(Error::io("write", &self.path))?;
        self.hash.update(bytes);
        self.arrived += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what has arrived.
    ///
    /// # Errors
    /// The file cannot be emptied.
    pub fn restart(&mut self) -> Result<()> {
        self.hash = Sha256::new();
        self.arrived = 0;
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .map_err(Error::io("write", &self.path))
    }

    /// Makes it a blob of the store.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when it is not the expected content, which is then forgotten; or it cannot be written.
    pub fn finish(mut self) -> Result<()> {
        let found = Digest::from_bytes(self.hash.clone().finalize().into());
        if (found, self.arrived) != (self.digest, self.size) {
            let error = self.mismatch(format!("{found} ({} bytes)", self.arrived));
            // Where it went wrong is not known.
            self.restart()?;
            return Err(error);
        }
        rustix::fs::fchmod(&self.file, Permissions::from_raw_mode(0o444))
            .map_err(Error::io("write", &self.path))?;
        self.file
            .sync_all()
            .map_err(Error::io("write", &self.path))?;
        files::rename(&self.path, &self.store.blob_path(&self.digest))?;
        self.store.inner.wrote(false);
        Ok(())
    }

    /// Reads what earlier runs left.
    fn take_up(&mut self) -> Result<()> {
        let mut buffer = vec![0; 1 << 17];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    self.hash.update(&buffer[..count]);
                    self.arrived += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.path)(error)),
            }
        }
        if self.arrived > self.size {
            return self.restart();
        }
        self.file
            .seek(SeekFrom::Start(self.arrived))
            .map(drop)
            .map_err(Error::io("read", &self.path))
    }

    fn mismatch(&self, found: String) -> Error {
        Error::Mismatch {
            expected: format!("{} ({} bytes)", self.digest, self.size),
            found,
        }
    }
}

/// Opens a partial blob, creating it where there is none.
fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("create", path))
}

/// Whether the path still names this file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
