//! From physical to logical lines: directives, comments, continuations, and the lines of heredocs.

use std::ops::Range;

use crate::ast::Heredoc;
use crate::check::{Check, CheckDirective};
use crate::error::{Error, ErrorKind, nearest};
use crate::span::{Source, Span, Spanned};

/// The parser directives of a file.
pub(super) struct Directives {
    pub(super) syntax: Option<Spanned<String>>,
    pub(super) escape: char,
    pub(super) check: CheckDirective,
}

/// An instruction on one line, and where its parts came from.
pub(super) struct Line {
    pub(super) text: String,
    /// Pairs of an offset in `text` and the offset in the file of what begins there.
    segments: Vec<(usize, usize)>,
    pub(super) span: Span,
    pub(super) comments: Vec<String>,
    /// A line between continued ones that is empty.
    pub(super) empty: Option<Span>,
}

impl Line {
    /// Where a part of `text` was written.
    pub(super) fn place(&self, source: &Source, range: Range<usize>) -> Span {
        let offset = |at: usize| {
            let segment = self
                .segments
                .partition_point(|(from, _)| *from <= at)
                .saturating_sub(1);
            self.segments
                .get(segment)
                .map_or(self.span.start as usize, |(from, offset)| {
                    offset + (at - from)
                })
        };
        let start = offset(range.start);
        let end = if range.is_empty() {
            start
        } else {
            offset(range.end - 1) + 1
        };
        source.span(start..end)
    }
}

/// Reads a file line by line.
pub(super) struct Lines<'a> {
    source: &'a Source,
    next: usize,
    pub(super) directives: Directives,
}

impl<'a> Lines<'a> {
    /// Begins to read: takes the directives.
    pub(super) fn new(source: &'a Source) -> Result<Self, Error> {
        let mut lines = Self {
            source,
            next: 0,
            directives: Directives {
                syntax: None,
                escape: '\\',
                check: None,
            },
        };
        let mut seen: Vec<String> = Vec::new();
        while let Some((key, value, span)) = lines.directive() {
            lines.next += 1;
            if seen.contains(&key) {
                return Err(Error::new(
                    ErrorKind::Syntax,
                    source,
                    span,
                    format!("the directive {key} is given twice"),
                ));
            }
            let wrong = |message: String| Error::new(ErrorKind::Syntax, source, span, message);
            match key.as_str() {
                "syntax" => lines.directives.syntax = Some(Spanned { value, span }),
                "escape" => match value.as_str() {
                    "\\" => {}
                    "`" => lines.directives.escape = '`',
                    _ => {
                        return Err(wrong(format!(
                            "the escape character is \\ or `, not {value:?}"
                        )));
                    }
                },
                _ => {
                    lines.directives.check = Some(Spanned {
                        value: Check::parse(&value).map_err(wrong)?,
                        span,
                    })
                }
            }
            seen.push(key);
        }
        Ok(lines)
    }

    /// The directive on the next line, if there is one. The first line that is none ends them.
    fn directive(&self) -> Option<(String, String, Span)> {
        let (offset, bytes) = self.physical()?;
        let text = std::str::from_utf8(bytes).ok()?;
        let (key, value) = text.trim_start().strip_prefix('#')?.split_once('=')?;
        let (key, value) = (key.trim().to_lowercase(), value.trim());
        let known = matches!(key.as_str(), "syntax" | "escape" | "check") && !value.is_empty();
        known.then(|| {
            (
                key,
                value.to_owned(),
                self.source.span(offset..offset + bytes.len()),
            )
        })
    }

    /// The next physical line without its line ending, and its offset.
    fn physical(&self) -> Option<(usize, &'a [u8])> {
        let (offset, bytes) =
            (self.next < self.source.lines()).then(|| self.source.line(self.next))?;
        let end = bytes
            .iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
            .map_or(0, |last| last + 1);
        match bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .filter(|_| self.next == 0)
        {
            Some(_) if end >= 3 => Some((offset + 3, &bytes[3..end])),
            _ => Some((offset, &bytes[..end])),
        }
    }

    fn text(&self, offset: usize, bytes: &'a [u8]) -> Result<&'a str, Error> {
        std::str::from_utf8(bytes).map_err(|error| {
            let at = offset + error.valid_up_to();
            Error::new(
                ErrorKind::Syntax,
                self.source,
                self.source.span(at..at + 1),
                "this is not UTF-8; only comments may be anything else",
            )
        })
    }

    /// The next logical line.
    pub(super) fn line(&mut self) -> Result<Option<Line>, Error> {
        let mut line = Line {
            text: String::new(),
            segments: Vec::new(),
            span: Span::default(),
            comments: Vec::new(),
            empty: None,
        };
        let mut started = false;
        while let Some((offset, bytes)) = self.physical() {
            self.next += 1;
            if let Some(comment) = bytes.trim_ascii_start().strip_prefix(b"#") {
                if !started {
                    line.comments
                        .push(String::from_utf8_lossy(comment).trim().to_owned());
                }
                continue;
            }
            let whole = self.text(offset, bytes)?;
            let here = self.source.span(offset..offset + bytes.len());
            if whole.trim().is_empty() {
                if started {
                    line.empty = line.empty.or(Some(here));
                }
                continue;
            }
            // Space before an instruction is dropped; space before a continued line belongs to it.
            let text = if started { whole } else { whole.trim_start() };
            let offset = offset + whole.len() - text.len();
            let continued = self.continued(text);
            line.segments.push((line.text.len(), offset));
            line.text.push_str(continued.unwrap_or(text));
            line.span = if started {
                line.span.to(here)
            } else {
                self.source.span(offset..offset + text.len())
            };
            started = true;
            if continued.is_none() {
                break;
            }
        }
        // A file may end with a continuation; what is there is the instruction.
        Ok(Some(line).filter(|_| started))
    }

    /// The line without the escape character that continues it, if one does.
    fn continued<'t>(&self, text: &'t str) -> Option<&'t str> {
        let escape = self.directives.escape;
        let text = text.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
        (!text.ends_with(escape)).then_some(text)
    }

    /// Takes the lines of a heredoc; returns the span from its first to its last line.
    pub(super) fn heredoc(&mut self, heredoc: &mut Heredoc) -> Result<Span, Error> {
        let mut span = heredoc.span;
        while let Some((offset, bytes)) = self.physical() {
            let (_, whole) = self.source.line(self.next);
            self.next += 1;
            let text = self.text(offset, bytes)?;
            span = span.to(self.source.span(offset..offset + bytes.len()));
            if heredoc.name
                == if heredoc.chomp {
                    text.trim_start_matches('\t')
                } else {
                    text
                }
            {
                return Ok(span);
            }
            heredoc.contents.push_str(text);
            heredoc
                .contents
                .push_str(self.text(offset + bytes.len(), &whole[whole.len().min(bytes.len())..])?);
        }
        let message = format!(
            "the heredoc {} is not closed: no line says just {}",
            heredoc.name, heredoc.name
        );
        let similar = nearest(
            &heredoc.name,
            heredoc
                .contents
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty()),
        )
        .map(|line| format!("the line {line:?} to end it"));
        Err(
            Error::new(ErrorKind::Syntax, self.source, heredoc.span, message)
                .suggest(similar.as_deref()),
        )
    }
}
