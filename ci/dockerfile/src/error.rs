//! What is wrong with a Dockerfile, said with the file, the line, the column, the line itself and, where there is one, the likely intent.
//!
//! Advice about Dockerfiles that do build is [`crate::Warning`]'s.

use std::fmt::{self, Display, Formatter};

use crate::span::{Source, Span};

/// How long a quoted line may get before it is cut, in characters.
const EXCERPT: usize = 160;

/// What kind of fault it is; the text is in [`Error::message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is no Dockerfile.
    Syntax,
    /// The text is a Dockerfile, but it cannot be built: a missing stage, a failed `${x:?}`, a bad port.
    Invalid,
    /// It asks for something that is refused here.
    Unsupported,
    /// It is larger than any honest Dockerfile.
    Limit,
}

/// A Dockerfile that cannot be built, and the place that is the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// What kind of fault it is.
    pub kind: ErrorKind,
    /// The file's name as it was given to [`crate::parse()`].
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, in characters, counted from 1.
    pub column: u32,
    /// The line itself, without its line ending.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        source: &Source,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        let (text, column) = source.excerpt(span);
        let file = source.name().to_owned();
        let line = span.first_line.max(1);
        Self {
            kind,
            file,
            line,
            column,
            text,
            message: shortened(message.into()),
            suggestion: None,
        }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        if !self.text.trim().is_empty() {
            let cut = if self.text.chars().count() > EXCERPT {
                "…"
            } else {
                ""
            };
            let text: String = self
                .text
                .chars()
                .take(EXCERPT)
                .map(|c| {
                    if c.is_control() && c != '\t' {
                        '\u{fffd}'
                    } else {
                        c
                    }
                })
                .collect();
            write!(f, "\n{:>4} | {text}{cut}", self.line)?;
            let column = self.column as usize - 1;
            if column < EXCERPT {
                // Tabs are kept, so that the mark stays below the text however wide a tab is shown.
                let pad: String = self
                    .text
                    .chars()
                    .take(column)
                    .map(|c| if c == '\t' { '\t' } else { ' ' })
                    .collect();
                write!(f, "\n     | {pad}^")?;
            }
        }
        match &self.suggestion {
            Some(suggestion) => write!(f, "\n       did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}

/// A message that quotes a huge value does not become huge itself.
pub(crate) fn shortened(mut message: String) -> String {
    const LONGEST: usize = 600;
    if let Some((at, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(at);
        message.push('…');
    }
    message
}

/// The candidate that is nearest to what was written, if one is near enough to have been meant. Case does not count.
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Distances of long strings are quadratic, and nobody mistypes a word that long.
    const LONGEST: usize = 64;
    if written.len() > LONGEST {
        return None;
    }
    let written = written.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&written, &candidate.to_lowercase());
    let near = candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(candidate), candidate));
    near.min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 2.min(candidate.chars().count() / 2))
        .map(|(_, candidate)| candidate)
}
