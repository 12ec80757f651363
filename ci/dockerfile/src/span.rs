//! Places in a Dockerfile: byte ranges with their lines, and the source they point into.
//!
//! What is wrong at a place is said by [`crate::Error`] and [`crate::Warning`].

use std::ops::Range;
use std::sync::Arc;

/// A piece of a Dockerfile: the bytes `start..end` and the lines they lie on (counted from 1, both inclusive).
///
/// An instruction that is continued over several lines, and one with heredocs, spans all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Line of the first byte, counted from 1.
    pub first_line: u32,
    /// Line of the last byte, counted from 1.
    pub last_line: u32,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The byte range in the file.
    pub fn bytes(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span that covers both.
    pub(crate) fn to(self, other: Self) -> Self {
        Self {
            first_line: self.first_line.min(other.first_line),
            last_line: self.last_line.max(other.last_line),
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

/// The text of one Dockerfile, shared by everything that points into it.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    name: Arc<str>,
    bytes: Arc<[u8]>,
    /// Offset of the first byte of each line.
    starts: Arc<[u32]>,
}

impl Source {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0)
            .chain(newlines.map(|(at, _)| at as u32 + 1))
            .filter(|at| (*at as usize) < bytes.len());
        Self {
            name: name.into(),
            bytes: bytes.into(),
            starts: starts.collect(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Number of physical lines; an empty file has none.
    pub(crate) fn lines(&self) -> usize {
        self.starts.len()
    }

    /// The offset and the bytes of a physical line (counted from 0), with its line ending.
    pub(crate) fn line(&self, index: usize) -> (usize, &[u8]) {
        let start = self
            .starts
            .get(index)
            .map_or(self.bytes.len(), |at| *at as usize);
        let end = self
            .starts
            .get(index + 1)
            .map_or(self.bytes.len(), |at| *at as usize);
        (start, self.bytes.get(start..end).unwrap_or_default())
    }

    /// The span of a byte range.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        let line_of = |offset: usize| {
            self.starts
                .partition_point(|at| *at as usize <= offset)
                .max(1) as u32
        };
        let last = range.end.saturating_sub(1).max(range.start);
        Span {
            first_line: line_of(range.start),
            last_line: line_of(last),
            start: range.start as u32,
            end: range.end.max(range.start) as u32,
        }
    }

    /// The line on which a span begins, without its line ending, and the column (in characters, counted from 1) where it begins.
    pub(crate) fn excerpt(&self, span: Span) -> (String, u32) {
        let (start, bytes) = self.line(span.first_line.saturating_sub(1) as usize);
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let before = (span.start as usize).saturating_sub(start).min(line.len());
        let column = String::from_utf8_lossy(&line[..before]).chars().count() as u32 + 1;
        (String::from_utf8_lossy(line).into_owned(), column)
    }
}
