//! Why an edit is refused, with the lines that show it.

use std::fmt;

/// More lines than this help nobody.
const MAX_CANDIDATES: usize = 12;
/// Longer lines are cut.
const MAX_CHARACTERS: usize = 120;

/// Why a file is left as it is. Displays over several lines: what is wrong, the lines it is about, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub kind: RefusalKind,
    /// What is wrong, in one line.
    pub message: String,
    /// The lines that are in question, in their order.
    pub candidates: Vec<Candidate>,
    /// How many further lines were left out.
    pub omitted: usize,
    /// What to do about it.
    pub help: Option<String>,
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The file is not of its format, or too large.
    Unreadable,
    /// The place is not there.
    Absent,
    /// More than one place answers to the description.
    Ambiguous,
    /// The value is used elsewhere, too, through an anchor.
    Shared,
    /// What is there is not what this place should hold, or cannot be replaced in place.
    Unsuitable,
    /// The edit would have changed something else.
    Unfaithful,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// From 1.
    pub line: usize,
    /// The line, or a note about it, safe to print.
    pub text: String,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: printable(&message.into(), usize::MAX),
            candidates: Vec::new(),
            omitted: 0,
            help: None,
        }
    }

    pub(crate) fn candidate(mut self, candidate: Candidate) -> Self {
        match self.candidates.len() < MAX_CANDIDATES {
            true => self.candidates.push(candidate),
            false => self.omitted += 1,
        }
        self
    }

    pub(crate) fn candidates(self, all: impl IntoIterator<Item = Candidate>) -> Self {
        all.into_iter().fold(self, Self::candidate)
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(printable(&help.into(), usize::MAX));
        self
    }
}

impl Candidate {
    /// A line that is described, not shown: it may hold a secret.
    pub(crate) fn note(line: usize, note: &str) -> Self {
        Self {
            line,
            text: printable(note, MAX_CHARACTERS),
        }
    }

    /// The line of `text` that holds the byte at `offset`.
    pub(crate) fn at(text: &str, offset: usize) -> Self {
        let offset = offset.min(text.len());
        let (before, after) = text.split_at(offset);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after
            .find('\n')
            .map_or(text.len(), |newline| offset + newline);
        Self {
            line: line_of(text, offset),
            text: printable(text[start..end].trim(), MAX_CHARACTERS),
        }
    }
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// Text of a foreign file on one line of a terminal: nothing in it moves the cursor or hides what follows.
fn printable(text: &str, most: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(most)
        .map(|character| match crate::is_invisible(character) {
            true => char::REPLACEMENT_CHARACTER,
            false => character,
        })
        .collect();
    if shown.len() < text.len() && text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for candidate in &self.candidates {
            write!(f, "\n  line {}: {}", candidate.line, candidate.text)?;
        }
        if self.omitted > 0 {
            write!(f, "\n  and {} more", self.omitted)?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}
