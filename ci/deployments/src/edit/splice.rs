//! Replacing ranges of a text.

use std::ops::Range;

/// One range and what stands there instead; an empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

impl Splice {
    pub(crate) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: text.into(),
        }
    }
}

/// Applies splices that do not overlap; those at one position in the order given.
pub(crate) fn apply(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.range.start);
    let mut result = String::with_capacity(text.len() + 128);
    let mut from = 0;
    for splice in splices {
        result.push_str(&text[from..splice.range.start]);
        result.push_str(&splice.text);
        from = splice.range.end;
    }
    result.push_str(&text[from..]);
    result
}

/// The line ending that a text uses.
pub(crate) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
