//! Blobs: bytes under their digest, `blobs/sha256/<2 hex>/<hex>`. Whole and on the disk before they
//! can be seen, never changed after.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use ci_oci::{Digest, DigestWriter};
use rustix::fs::Mode;

use crate::error::{Error, Result};
use crate::files;
use crate::store::{Inner, Store};

impl Store {
    /// Where the blob is, or would be. Never write there.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.inner.blob_path(digest)
    }

    /// Whether the blob is in the store.
    #[must_use]
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.inner.has_blob(digest)
    }

    /// Opens a blob for reading; `None` if it is not in the store.
    ///
    /// # Errors
    /// It is there, but cannot be opened.
    pub fn open_blob(&self, digest: &Digest) -> Result<Option<File>> {
        let path = self.blob_path(digest);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("open", &path)(e)),
        }
    }

    /// Stores bytes that are in memory.
    ///
    /// # Errors
    /// They cannot be written; the store is as before.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if !self.has_blob(&digest) {
            let mut writer = self.blob_writer(None)?;
            writer.append(bytes)?;
            writer.finish()?;
        }
        Ok(digest)
    }

    /// Begins a blob that is written piece by piece. With `expected` (digest and size in bytes),
    /// anything else is refused, and surplus bytes as soon as they come (L13).
    ///
    /// # Errors
    /// The temporary file cannot be created.
    pub fn blob_writer(&self, expected: Option<(Digest, u64)>) -> Result<BlobWriter> {
        let path = self.inner.session.path()?;
        let file = DigestWriter::new(files::create_file(&path)?);
        Ok(BlobWriter {
            file: Some(file),
            path,
            expected,
            store: self.clone(),
        })
    }
}

impl Inner {
    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("blobs/sha256").join(&hex[..2]).join(hex)
    }

    pub(crate) fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }
}

/// A blob being written, in the temporary folder. Dropped without [`BlobWriter::finish`], it leaves
/// nothing.
#[derive(Debug)]
pub struct BlobWriter {
    /// Present until it is finished.
    file: Option<DigestWriter<File>>,
    path: PathBuf,
    expected: Option<(Digest, u64)>,
    store: Store,
}

impl BlobWriter {
    /// Completes the blob: flushes it to the disk and gives it its name. Returns its digest and its
    /// size in bytes. That the store has the same content already is success.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when it is not the expected content; or it cannot be written.
    pub fn finish(mut self) -> Result<(Digest, u64)> {
        let Some(file) = self.file.take() else {
            return Err(Error::io("write", &self.path)(io::ErrorKind::BrokenPipe));
        };
        let (file, digest, size) = file.finish();
        self.check(
            |expected| expected == (digest, size),
            || format!("{digest} ({size} bytes)"),
        )?;
        if self.store.has_blob(&digest) {
            return Ok((digest, size));
        }
        // Read-only, as a guard against accidents: it may be linked or mounted elsewhere.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o444))
            .map_err(Error::io("write", &self.path))?;
        file.sync_all().map_err(Error::io("write", &self.path))?;
        files::rename(&self.path, &self.store.blob_path(&digest))?;
        self.store.inner.wrote(false);
        Ok((digest, size))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<usize> {
        let Some(file) = &mut self.file else {
            return Err(Error::io("write", &self.path)(io::ErrorKind::BrokenPipe));
        };
        file.write_all(bytes)
            .map_err(Error::io("write", &self.path))?;
        let size = file.size();
        self.check(|(_, expected)| size <= expected, || "more bytes".to_owned())?;
        Ok(bytes.len())
    }

    fn check(
        &self,
        right: impl FnOnce((Digest, u64)) -> bool,
        found: impl FnOnce() -> String,
    ) -> Result<()> {
        match self.expected {
            Some((digest, size)) if !right((digest, size)) => Err(Error::Mismatch {
                expected: format!("{digest} ({size} bytes)"),
                found: found(),
            }),
            _ => Ok(()),
        }
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.append(bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        // After a rename there is nothing under this name.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests;
