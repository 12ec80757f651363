//! The text of one catalog file, and from byte ranges to the places people read.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Location;

/// Longer lines are shown only around the place that is meant.
const WINDOW: usize = 120;

/// A catalog file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
    /// Values that are not to be shown, since they may be secrets (S4).
    masked: Vec<Range<usize>>,
}

impl Source {
    pub(crate) fn new(path: PathBuf, text: Arc<str>, masked: Vec<Range<usize>>) -> Self {
        Self { path, text, masked }
    }

    /// Whether a value must not be repeated in a message.
    pub(crate) fn is_masked(&self, span: &Range<usize>) -> bool {
        let next = self
            .masked
            .partition_point(|masked| masked.end <= span.start);
        self.masked
            .get(next)
            .is_some_and(|masked| masked.start < span.end)
    }

    /// The part of `span` that reads `needle`, or all of it.
    pub(crate) fn narrow(&self, span: &Range<usize>, needle: &str) -> Range<usize> {
        let found = self
            .text
            .get(span.clone())
            .and_then(|text| text.find(needle));
        found.map_or_else(
            || span.clone(),
            |at| span.start + at..span.start + at + needle.len(),
        )
    }

    /// The place of a byte range; where it covers several lines, the first of them.
    pub(crate) fn locate(&self, span: &Range<usize>) -> Location {
        let start = self.char_boundary(span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |at| start + at);
        let end = self.char_boundary(span.end).clamp(start, line_end);
        let column = self.text[line_start..start].chars().count();
        let width = self.text[start..end]
            .trim_end_matches('\r')
            .chars()
            .count()
            .max(1);
        let (source_line, caret) = self.window(line_start..line_end, column);
        Location {
            path: self.path.clone(),
            line: self.text[..line_start].matches('\n').count() + 1,
            column: column + 1,
            width: width
                .min(source_line.chars().count().saturating_sub(caret))
                .max(1),
            source_line,
            caret,
        }
    }

    /// What to show of a line, and where in it the `column`th character (from 0) is.
    fn window(&self, line: Range<usize>, column: usize) -> (String, usize) {
        let skip = column.saturating_sub(WINDOW / 2);
        let text = self.text[line.clone()].trim_end_matches('\r');
        let long = text.char_indices().nth(WINDOW).is_some();
        let skip = if long { skip } else { 0 };
        let mut shown = String::new();
        if skip > 0 {
            shown.push('…');
        }
        let mut left = WINDOW;
        for (offset, character) in text.char_indices().skip(skip) {
            if left == 0 {
                shown.push('…');
                break;
            }
            left -= 1;
            let at = line.start + offset;
            let hidden = self.is_masked(&(at..at + 1));
            shown.push(if hidden { '*' } else { character });
        }
        (shown, column - skip + usize::from(skip > 0))
    }

    fn char_boundary(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at)
    }
}
