//! Reads an archive entry by entry, to its very last byte.

use std::io::{BufReader, Read};

use super::header::{Header, until_nul};
use super::pax::{self, Overrides};
use super::{ArchiveError, ArchiveProblem, BLOCK, Entry, padding};
use crate::{Digest, DigestReader};

/// Enough that a header costs no system call of its own.
const BUFFER: usize = 128 << 10;

/// What an archive may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Number of entries.
    pub(crate) entries: u64,
    /// Bytes of a name or link target.
    pub(crate) name: usize,
    /// Bytes of an extended header.
    pub(crate) extended_header: u64,
    /// Bytes of the archive.
    pub(crate) size: u64,
}

/// An archive being read.
pub(crate) struct Reader<'a> {
    stream: BufReader<DigestReader<&'a mut dyn Read>>,
    bounds: Bounds,
    /// Bytes consumed.
    offset: u64,
    entries: u64,
    /// Content of the current entry not read yet, and the padding after it.
    content: u64,
    padding: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(stream: &'a mut dyn Read, bounds: Bounds) -> Self {
        let stream = BufReader::with_capacity(BUFFER, DigestReader::new(stream));
        Self {
            stream,
            bounds,
            offset: 0,
            entries: 0,
            content: 0,
            padding: 0,
        }
    }

    /// The next entry, or `None` at the end: at the marker, or where the stream ends, since some programs write no marker. Content
    /// that was not read is passed over.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let start = self.offset;
        self.parse_entry().map_err(|problem| ArchiveError {
            offset: start,
            problem,
        })
    }

    /// Reads content of the current entry: zero bytes only at its end.
    pub(crate) fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let wanted = buffer
            .len()
            .min(usize::try_from(self.content).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        match self.stream.read(&mut buffer[..wanted]) {
            Ok(0) => Err(self.fail(ArchiveProblem::Truncated)),
            Ok(count) => {
                self.content -= count as u64;
                self.offset += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                self.read_content(buffer)
            }
            Err(error) => Err(self.fail(error.into())),
        }
    }

    /// After the end marker: makes sure that only zeros follow. Digest and length of all there was, and the number of entries.
    pub(crate) fn finish(mut self) -> Result<(Digest, u64, u64), ArchiveError> {
        let mut rest = vec![0; 4 * BLOCK];
        loop {
            let count = self
                .stream
                .read(&mut rest)
                .map_err(|error| self.fail(error.into()))?;
            if count == 0 {
                break;
            }
            if rest[..count].iter().any(|byte| *byte != 0) {
                return Err(self.fail(ArchiveProblem::TrailingData));
            }
            self.advance(count as u64)
                .map_err(|problem| self.fail(problem))?;
        }
        let (_, digest, size) = self.stream.into_inner().finish();
        Ok((digest, size, self.entries))
    }

    fn fail(&self, problem: ArchiveProblem) -> ArchiveError {
        ArchiveError {
            offset: self.offset,
            problem,
        }
    }

    fn parse_entry(&mut self) -> Result<Option<Entry>, ArchiveProblem> {
        self.skip_content()?;
        let mut overrides: Option<Overrides> = None;
        let (mut long_name, mut long_link) = (None, None);
        loop {
            let described = overrides.is_some() || long_name.is_some() || long_link.is_some();
            let block = match self.block()? {
                None if described => return Err(ArchiveProblem::Truncated),
                None => return Ok(None),
                Some(block) => block,
            };
            if block.iter().all(|byte| *byte == 0) {
                let second = self.block()?.unwrap_or([0; BLOCK]);
                return match () {
                    () if described => Err(ArchiveProblem::Contradiction),
                    () if second.iter().any(|byte| *byte != 0) => Err(ArchiveProblem::TrailingData),
                    () => Ok(None),
                };
            }
            let header = Header::checked(&block)?;
            match header.flag() {
                b'x' if overrides.is_some() => return Err(ArchiveProblem::Contradiction),
                b'x' => overrides = Some(Overrides::parse(&self.extension(&header)?)?),
                b'g' => pax::check_global(&self.extension(&header)?)?,
                b'L' if long_name.is_some() => return Err(ArchiveProblem::Contradiction),
                b'L' => long_name = Some(self.long(&header)?),
                b'K' if long_link.is_some() => return Err(ArchiveProblem::Contradiction),
                b'K' => long_link = Some(self.long(&header)?),
                _ => {
                    let entry =
                        header.entry(overrides.unwrap_or_default(), long_name, long_link)?;
                    return self.begin(entry).map(Some);
                }
            }
        }
    }

    /// Holds an entry against the bounds before anything of it is read.
    fn begin(&mut self, entry: Entry) -> Result<Entry, ArchiveProblem> {
        self.entries += 1;
        limit("entries", self.entries, self.bounds.entries)?;
        limit(
            "a name",
            entry.path.len().max(entry.link.len()) as u64,
            self.bounds.name as u64,
        )?;
        limit(
            "a size",
            self.offset.saturating_add(entry.size),
            self.bounds.size,
        )?;
        self.content = entry.size;
        self.padding = padding(entry.size);
        Ok(entry)
    }

    /// The body of an extended header. The size in its own header counts: nothing can override it.
    fn extension(&mut self, header: &Header<'_>) -> Result<Vec<u8>, ArchiveProblem> {
        let size = header.number("size", 124..136)?;
        limit("an extended header", size, self.bounds.extended_header)?;
        let mut body = Vec::new();
        // Grows with what really comes, whatever the header claims.
        (&mut self.stream).take(size).read_to_end(&mut body)?;
        if (body.len() as u64) < size {
            return Err(ArchiveProblem::Truncated);
        }
        self.advance(size)?;
        self.skip(padding(size))?;
        Ok(body)
    }

    /// A name in GNU's form: bytes up to the first NUL.
    fn long(&mut self, header: &Header<'_>) -> Result<Vec<u8>, ArchiveProblem> {
        let body = self.extension(header)?;
        Ok(until_nul(&body).to_vec())
    }

    /// The next block, if there is one.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, ArchiveProblem> {
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ => Err(ArchiveProblem::Truncated),
        }
    }

    fn skip_content(&mut self) -> Result<(), ArchiveProblem> {
        let mut sink = [0; 8 * BLOCK];
        while self.content > 0 {
            let count = self.content.min(sink.len() as u64);
            self.exact(&mut sink[..count as usize])?;
            self.content -= count;
        }
        // That of the last entry may be missing, as the end marker may be.
        let padding = std::mem::take(&mut self.padding);
        self.fill(&mut [0; BLOCK][..padding]).map(drop)
    }

    fn skip(&mut self, count: usize) -> Result<(), ArchiveProblem> {
        let mut sink = [0; BLOCK];
        self.exact(&mut sink[..count])
    }

    /// Reads as much as there is, at most what there is space for.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveProblem> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.advance(filled as u64)?;
        Ok(filled)
    }

    fn exact(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveProblem> {
        self.stream
            .read_exact(buffer)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => ArchiveProblem::Truncated,
                _ => error.into(),
            })?;
        self.advance(buffer.len() as u64)
    }

    fn advance(&mut self, count: u64) -> Result<(), ArchiveProblem> {
        self.offset += count;
        limit("a size", self.offset, self.bounds.size)
    }
}

fn limit(what: &'static str, amount: u64, limit: u64) -> Result<(), ArchiveProblem> {
    if amount > limit {
        Err(ArchiveProblem::Limit { what, limit })
    } else {
        Ok(())
    }
}
