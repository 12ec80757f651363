//! Zstandard as a reader: frame after frame, with what the decoder leaves to its caller.
//!
//! That is: several frames in one stream, frames that are skipped, the checksum, and errors of the source told as they were.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::CompressionError;

/// What a frame may make us remember, in bytes: what the `zstd` program reads without being told to take more. RFC 8878, section
/// 3.1.1.1.2, asks for 8 MiB at least.
const MAX_WINDOW: u64 = 128 << 20;

/// Reads the content of all frames of a stream (RFC 8878, section 3.1).
pub(super) struct ZstdDecoder<R> {
    source: Source<R>,
    decoder: FrameDecoder,
    in_frame: bool,
}

/// Keeps what happened to a source, which the decoder would wrap in several errors of its own.
struct Source<R> {
    inner: R,
    error: Option<io::Error>,
    ended: bool,
}

impl<R> ZstdDecoder<R> {
    pub(super) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self {
            source: Source {
                inner: source,
                error: None,
                ended: false,
            },
            decoder,
            in_frame: false,
        }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.source.inner
    }
}

impl<R: BufRead> ZstdDecoder<R> {
    /// Reads the header of a frame, or passes over one that is skipped.
    fn begin_frame(&mut self) -> io::Result<()> {
        match self.decoder.reset(&mut self.source) {
            Ok(()) => self.in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                let skipped =
                    io::copy(&mut (&mut self.source.inner).take(length), &mut io::sink())?;
                if skipped < length {
                    return Err(damaged(TRUNCATED));
                }
            }
            Err(error) => return Err(self.failed(&error)),
        }
        Ok(())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        match self.decoder.get_checksum_from_data() {
            Some(stated) if Some(stated) != self.decoder.get_calculated_checksum() => {
                Err(damaged("its checksum is wrong"))
            }
            _ => Ok(()),
        }
    }

    fn failed(&mut self, error: &FrameDecoderError) -> io::Error {
        const MIB: u64 = 1 << 20;
        if let Some(error) = self.source.error.take() {
            return error;
        }
        if self.source.ended {
            return damaged(TRUNCATED);
        }
        damaged(&match error {
            FrameDecoderError::WindowSizeTooBig { requested, .. } => format!(
                "it needs a window of {} MiB; at most {} MiB are given",
                requested / MIB,
                MAX_WINDOW / MIB
            ),
            FrameDecoderError::DictNotProvided { .. } => "it needs a dictionary".to_owned(),
            FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_)) => {
                "its last frame is followed by something else".to_owned()
            }
            other => other.to_string(),
        })
    }
}

const TRUNCATED: &str = "it ends too early";

fn damaged(why: &str) -> io::Error {
    CompressionError::Zstd(why.to_owned()).into()
}

impl<R: BufRead> Read for ZstdDecoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                if self.source.inner.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.begin_frame()?;
            } else if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            } else if self.decoder.is_finished() {
                self.end_frame()?;
            } else if let Err(error) = self
                .decoder
                // A block is at most 128 KiB, so what there is at once stays near the window.
                .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
            {
                return Err(self.failed(&error));
            }
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                self.ended |= count == 0 && !buffer.is_empty();
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
