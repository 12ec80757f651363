//! The one gzip dialect we write.

use std::fmt;
use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression as Level, GzBuilder};

use crate::profile;

/// Writes gzip under the assembly profile: equal bytes in, equal bytes out, however they were divided into writes.
pub struct GzipWriter<W: Write> {
    encoder: GzEncoder<W>,
    /// What the compressor sees at once is always [`profile::GZIP_BLOCK`] bytes, so that it cannot show how it was fed.
    block: Vec<u8>,
}

impl<W: Write> GzipWriter<W> {
    /// Compresses into `inner`.
    pub fn new(inner: W) -> Self {
        // 255 is "unknown": the compressor's own choice would depend on where it was compiled.
        let header = GzBuilder::new().mtime(0).operating_system(255);
        Self {
            encoder: header.write(inner, Level::new(profile::GZIP_LEVEL)),
            block: Vec::with_capacity(profile::GZIP_BLOCK),
        }
    }

    /// Ends the stream and returns the inner writer. A stream that is dropped instead is not complete.
    pub fn finish(mut self) -> io::Result<W> {
        self.encoder.write_all(&self.block)?;
        self.encoder.finish()
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(profile::GZIP_BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        if self.block.len() == profile::GZIP_BLOCK {
            self.encoder.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(taken)
    }

    /// Does nothing: a flush in the middle would be part of the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> fmt::Debug for GzipWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GzipWriter")
            .field("waiting", &self.block.len())
            .finish_non_exhaustive()
    }
}
