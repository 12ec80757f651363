//! Blobs: put under their digest, verified whenever they are read.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::files::{Result, io as failed, open, open_blob, persist, temporary};
use super::{Layout, LayoutError};
use crate::manifest::MAX_DOCUMENT;
use crate::{Descriptor, Digest, DigestReader, DigestWriter};

const BUFFER: usize = 128 << 10;

impl Layout {
    /// Whether a blob is there. That it is whole is known when it has been read.
    pub fn has(&self, digest: &Digest) -> Result<bool> {
        let path = self.blob_path(digest);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("examine", &path)(error)),
        }
    }

    /// Stores a document.
    pub fn put_bytes(&self, media_type: &str, content: &[u8]) -> Result<Descriptor> {
        let descriptor = Descriptor::of(media_type, content);
        self.begin_writing()?;
        if !self.has(&descriptor.digest)? {
            self.put(&mut &*content, None)?;
        }
        Ok(descriptor)
    }

    /// Stores what `content` reads to its end.
    pub fn put_stream(&self, media_type: &str, content: &mut dyn Read) -> Result<Descriptor> {
        self.begin_writing()?;
        let (digest, size) = self.put(content, None)?;
        Ok(Descriptor::new(media_type, digest, size))
    }

    /// Stores what `content` reads, which must be what `expected` says; otherwise nothing is stored (L13).
    pub fn put_verified(&self, expected: &Descriptor, content: &mut dyn Read) -> Result<()> {
        self.begin_writing()?;
        self.put(content, Some(expected)).map(drop)
    }

    /// Stores the content of a file that nobody will change, without copying it where the file system allows (a hard link).
    /// A file of the wrong size is refused; a link is not read, so the file must come from where digests are trusted.
    pub fn put_file(&self, expected: &Descriptor, file: &Path) -> Result<()> {
        self.begin_writing()?;
        if self.has(&expected.digest)? {
            return Ok(());
        }
        let mut source = open(file)?;
        let size = source.metadata().map_err(failed("examine", file))?.len();
        if size != expected.size {
            return Err(damaged(
                expected,
                format!("it has {size} bytes instead of {}", expected.size),
            ));
        }
        match fs::hard_link(file, self.blob_path(&expected.digest)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => self.put(&mut source, Some(expected)).map(drop),
        }
    }

    /// Reads a document (at most 4 MiB) and verifies size and digest (L13).
    pub fn read_blob(&self, blob: &Descriptor) -> Result<Vec<u8>> {
        if blob.size > MAX_DOCUMENT {
            return Err(LayoutError::TooLarge(blob.digest.to_string()));
        }
        let mut content = Vec::with_capacity(blob.size as usize);
        open_blob(&self.blob_path(&blob.digest), blob.digest)?
            .take(blob.size + 1)
            .read_to_end(&mut content)
            .map_err(failed("read", &self.blob_path(&blob.digest)))?;
        verify(blob, Digest::of(&content), content.len() as u64)?;
        Ok(content)
    }

    /// Reads a blob of any size: the end is an error unless size and digest are right (L13).
    pub fn open_blob(&self, blob: &Descriptor) -> Result<BlobReader> {
        Ok(BlobReader::new(
            open_blob(&self.blob_path(&blob.digest), blob.digest)?,
            blob.clone(),
        ))
    }

    /// Keeps every blob that is there from being collected, for as long as this handle lives.
    pub fn hold(&self) -> Result<()> {
        self.begin_writing()
    }

    /// Keeps the blobs that are put from now on from being collected.
    fn begin_writing(&self) -> Result<()> {
        if self.writing.get().is_none() {
            let blobs = self.blobs();
            let lock = File::open(&blobs).map_err(failed("open", &blobs))?;
            flock(&lock, FlockOperation::LockShared)
                .map_err(|errno| failed("lock", &blobs)(errno.into()))?;
            // Two threads may come here at once; then the lock of one of them is dropped and the other's holds.
            let _ = self.writing.set(lock);
        }
        Ok(())
    }

    fn put(&self, content: &mut dyn Read, expected: Option<&Descriptor>) -> Result<(Digest, u64)> {
        let mut writer = DigestWriter::new(temporary(self.path())?);
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed("read what belongs into", self.path())(error)),
            };
            writer
                .write_all(&buffer[..count])
                .map_err(failed("write to", self.path()))?;
            if let Some(expected) = expected
                && writer.size() > expected.size
            {
                return Err(damaged(
                    expected,
                    format!("it has more than {} bytes", expected.size),
                ));
            }
        }
        let (file, digest, size) = writer.finish();
        if let Some(expected) = expected {
            verify(expected, digest, size)?;
        }
        persist(file, &self.blob_path(&digest))?;
        Ok((digest, size))
    }
}

fn verify(expected: &Descriptor, digest: Digest, size: u64) -> Result<()> {
    match () {
        () if size > expected.size => Err(damaged(
            expected,
            format!("it has more than {} bytes", expected.size),
        )),
        () if size < expected.size => Err(damaged(
            expected,
            format!("it has {size} bytes instead of {}", expected.size),
        )),
        () if digest != expected.digest => {
            Err(damaged(expected, format!("its content is {digest}")))
        }
        () => Ok(()),
    }
}

fn damaged(expected: &Descriptor, found: String) -> LayoutError {
    LayoutError::Damaged {
        expected: expected.digest,
        found,
    }
}

/// A blob being read: the end is an error unless size and digest are right (L13).
#[derive(Debug)]
pub struct BlobReader<R = File> {
    reader: DigestReader<R>,
    blob: Descriptor,
}

impl<R> BlobReader<R> {
    /// Verifies what `content` reads.
    pub fn new(content: R, blob: Descriptor) -> Self {
        Self {
            reader: DigestReader::new(content),
            blob,
        }
    }
}

impl<R: Read> Read for BlobReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let size = self.reader.size();
        // The digest is only worth computing at the end.
        if count == 0 && !buffer.is_empty() || size > self.blob.size {
            verify(&self.blob, self.reader.digest(), size)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        Ok(count)
    }
}
