//! Compression of layers: recognising it, reading it within bounds, and the one gzip dialect we write.

mod gzip;
mod zstd;

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

pub use gzip::GzipWriter;
use zstd::ZstdDecoder;

/// How a blob is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Recognises a compression by the first four bytes of the blob (fewer at its end).
    pub fn sniff(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // The second begins a frame that is skipped, as parallel and seekable writers put it first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// How much more may come out of a compressed blob than went in (L12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expansion {
    /// Bytes out for one byte in, over the whole blob so far. Gzip cannot exceed 1,032, zstd 32,768.
    pub ratio: u64,
    /// Bytes out that are never held against the ratio.
    pub allowance: u64,
}

impl Default for Expansion {
    /// Layers of programs and text expand less than 10 times; a gigabyte of zeros is somebody's preallocated file.
    fn default() -> Self {
        Self {
            ratio: 200,
            allowance: 1 << 30,
        }
    }
}

/// Why a compressed blob cannot be read. Inside an [`io::Error`], as a reader gives no other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// Damaged zstd, or of a kind that is not read: with a dictionary, or a window of more than 128 MiB.
    #[error("its zstd cannot be read: {0}")]
    Zstd(String),
    /// A bomb.
    #[error("it expands more than {0} times")]
    Expansion(u64),
}

impl From<CompressionError> for io::Error {
    fn from(error: CompressionError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Reads a blob of whatever compression within the default bound on expansion: the uncompressed bytes.
pub fn decompress<'a>(blob: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    decompress_within(blob, Expansion::default())
}

/// Reads a blob of whatever compression: the uncompressed bytes, to the end of the last gzip member or zstd frame.
pub fn decompress_within<'a>(
    blob: impl Read + Send + 'a,
    expansion: Expansion,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    // Four bytes may come in several reads.
    let mut blob = blob;
    let mut magic = Vec::with_capacity(4);
    (&mut blob).take(4).read_to_end(&mut magic)?;
    let compression = Compression::sniff(&magic);
    let whole = io::Cursor::new(magic).chain(blob);
    if compression == Compression::None {
        return Ok(Box::new(whole));
    }
    let compressed = Counted {
        inner: BufReader::with_capacity(128 << 10, whole),
        count: 0,
    };
    Ok(match compression {
        Compression::Zstd => Box::new(Bounded {
            decoder: ZstdDecoder::new(compressed),
            consumed: |decoder| decoder.get_ref().count,
            produced: 0,
            expansion,
        }),
        _ => Box::new(Bounded {
            decoder: MultiGzDecoder::new(compressed),
            consumed: |decoder| decoder.get_ref().count,
            produced: 0,
            expansion,
        }),
    })
}

/// Counts what is taken from a buffered reader.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count += amount as u64;
        self.inner.consume(amount);
    }
}

/// Holds what a decoder gives against what it took.
struct Bounded<D> {
    decoder: D,
    consumed: fn(&D) -> u64,
    produced: u64,
    expansion: Expansion,
}

impl<D: Read> Read for Bounded<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        self.produced += count as u64;
        let Expansion { ratio, allowance } = self.expansion;
        let consumed = (self.consumed)(&self.decoder);
        if self.produced > allowance && self.produced / ratio.max(1) > consumed {
            return Err(CompressionError::Expansion(ratio).into());
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
