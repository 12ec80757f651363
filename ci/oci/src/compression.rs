//! Compression of layers: recognising it, reading it within bounds, and the one gzip dialect we write.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression as Level, GzBuilder};

use crate::profile;

/// How a blob is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878. Recognised, not read yet.
    Zstd,
}

impl Compression {
    /// Recognises a compression by the first four bytes of the blob (fewer at its end).
    pub fn sniff(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// How much more may come out of a compressed blob than went in (L12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expansion {
    /// Bytes out for one byte in, over the whole blob so far. Gzip cannot exceed 1,032.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// Not supported yet.
    #[error("zstd-compressed layers cannot be read yet; copy the image with gzip layers")]
    Zstd,
    /// A bomb.
    #[error("it expands more than {0} times")]
    Expansion(u64),
}

/// Reads a blob of whatever compression within the default bound on expansion: the uncompressed bytes.
pub fn decompress<'a>(blob: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    decompress_within(blob, Expansion::default())
}

/// Reads a blob of whatever compression: the uncompressed bytes, to the end of the last gzip member.
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
    match compression {
        Compression::None => Ok(Box::new(whole)),
        Compression::Gzip => {
            let compressed = Counted {
                inner: BufReader::with_capacity(128 << 10, whole),
                count: 0,
            };
            Ok(Box::new(Bounded {
                decoder: MultiGzDecoder::new(compressed),
                produced: 0,
                expansion,
            }))
        }
        Compression::Zstd => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            CompressionError::Zstd,
        )),
    }
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

struct Bounded<R> {
    decoder: MultiGzDecoder<Counted<R>>,
    produced: u64,
    expansion: Expansion,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        self.produced += count as u64;
        let Expansion { ratio, allowance } = self.expansion;
        if self.produced > allowance && self.produced / ratio.max(1) > self.decoder.get_ref().count
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                CompressionError::Expansion(ratio),
            ));
        }
        Ok(count)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(parts: &[&[u8]]) -> Vec<u8> {
        let mut writer = GzipWriter::new(Vec::new());
        for part in parts {
            writer.write_all(part).unwrap();
            writer.flush().unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(blob: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        decompress(blob)?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn sample() -> Vec<u8> {
        (0..300_000u32)
            .flat_map(|n| (n % 1000 * (n >> 9)).to_le_bytes())
            .collect()
    }

    #[test]
    fn the_division_into_writes_does_not_show() {
        let content = sample();
        let whole = compressed(&[&content]);
        for size in [1000, 65_535, 65_536, 65_537, 1 << 20] {
            assert!(
                compressed(&content.chunks(size).collect::<Vec<_>>()) == whole,
                "{size}"
            );
        }
        assert!(read(&whole).unwrap() == content);
    }

    #[test]
    fn the_header_says_nothing_of_time_name_and_system() {
        assert_eq!(
            compressed(&[b""])[..10],
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
        );
    }

    #[test]
    fn several_members_are_one_content() {
        assert_eq!(
            read(&[compressed(&[b"one "]), compressed(&[b"two"])].concat()).unwrap(),
            b"one two"
        );
    }

    #[test]
    fn what_is_not_compressed_is_passed_on() {
        for content in [&b""[..], b"x", b"\x1f", b"\x28\xb5\x2f", b"ustar and more"] {
            assert_eq!(read(content).unwrap(), content);
        }
    }

    #[test]
    fn zstd_is_named_in_the_error() {
        let error = read(b"\x28\xb5\x2f\xfd and more").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        insta::assert_snapshot!(error, @"zstd-compressed layers cannot be read yet; copy the image with gzip layers");
    }

    #[test]
    fn l12_a_bomb_stops_at_the_bound() {
        let bomb = compressed(&[&vec![0; 4 << 20]]);
        let read = |expansion| {
            let mut content = Vec::new();
            let result = decompress_within(bomb.as_slice(), expansion)
                .unwrap()
                .read_to_end(&mut content);
            (content.len(), result.map_err(|error| error.to_string()))
        };
        let (length, result) = read(Expansion {
            ratio: 100,
            allowance: 1 << 20,
        });
        assert_eq!(result, Err("it expands more than 100 times".to_owned()));
        assert!((1 << 20..2 << 20).contains(&length), "{length}");
        assert_eq!(
            read(Expansion {
                ratio: 100,
                allowance: 4 << 20
            })
            .0,
            4 << 20
        );
        assert_eq!(
            read(Expansion {
                ratio: 1032,
                allowance: 0
            })
            .0,
            4 << 20
        );
    }

    #[test]
    fn l13_truncated_and_damaged_streams_are_errors() {
        let whole = compressed(&[b"some content"]);
        for length in 2..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        let mut damaged = whole.clone();
        damaged[whole.len() - 6] ^= 1;
        assert!(read(&damaged).is_err());
        assert!(read(&[whole, b"garbage".to_vec()].concat()).is_err());
    }
}
