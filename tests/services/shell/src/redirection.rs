//! Script text to syntax tree: redirections and here-documents. The grammar around them is in [`crate::parse`].

use std::sync::{Arc, OnceLock};

use crate::ast::{Redirect, Target, Word};
use crate::parse::{Parsed, Parser};

/// A here-document whose text is still to come.
pub(crate) struct Pending {
    delimiter: String,
    /// No expansion: the delimiter was quoted.
    literal: bool,
    /// `<<-`: leading tabs are removed.
    strip_tabs: bool,
    body: Arc<OnceLock<Word>>,
}

impl Parser {
    /// The next redirection, if one comes next.
    pub(crate) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let digits = self.chars[self.pos..]
            .iter()
            .take_while(|c| c.is_ascii_digit())
            .count();
        if !matches!(self.peek_at(digits), Some('<' | '>')) {
            return Ok(None);
        }
        let explicit = match digits {
            0 => None,
            _ => Some(self.descriptor()?),
        };
        let reads = self.peek() == Some('<');
        let fd = explicit.unwrap_or(u8::from(!reads));
        let target = if self.eat("<<") {
            self.here_operator()?
        } else if self.eat("<>") {
            return Err(self.error("`<>` is not supported"));
        } else if self.eat(">&") || self.eat("<&") {
            Target::Duplicate(self.descriptor()?)
        } else if self.eat(">>") {
            Target::Append(self.redirect_word()?)
        } else if self.eat(">|") || self.eat(">") {
            Target::Write(self.redirect_word()?)
        } else {
            self.eat("<");
            Target::Read(self.redirect_word()?)
        };
        Ok(Some(Redirect { fd, target }))
    }

    fn descriptor(&mut self) -> Parsed<u8> {
        let single = !self.peek_at(1).is_some_and(|c| c.is_ascii_digit());
        match self.bump() {
            Some(digit @ '0'..='2') if single => Ok(digit as u8 - b'0'),
            _ => Err(self.error("redirections are supported for the descriptors 0, 1 and 2")),
        }
    }

    fn redirect_word(&mut self) -> Parsed<Word> {
        self.blanks();
        self.word()?
            .ok_or_else(|| self.error("a redirection is missing its file name"))
    }

    fn here_operator(&mut self) -> Parsed<Target> {
        let strip_tabs = self.eat("-");
        self.blanks();
        let (delimiter, literal) = self.here_delimiter()?;
        let body = Arc::new(OnceLock::new());
        self.pending.push(Pending {
            delimiter,
            literal,
            strip_tabs,
            body: Arc::clone(&body),
        });
        Ok(Target::Here(body))
    }

    /// Reads the texts of the here-documents announced on the line that has just ended.
    pub(crate) fn here_documents(&mut self) -> Parsed<()> {
        for pending in std::mem::take(&mut self.pending) {
            let first = self.line;
            let mut text = String::new();
            loop {
                if self.peek().is_none() {
                    return Err(self.error(format!(
                        "the here-document is missing its end `{}`",
                        pending.delimiter
                    )));
                }
                let mut line = String::new();
                while let Some(c) = self.bump().filter(|c| *c != '\n') {
                    line.push(c);
                }
                let line = if pending.strip_tabs {
                    line.trim_start_matches('\t')
                } else {
                    &line
                };
                if line == pending.delimiter {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            let word = if pending.literal {
                Self::literal(text)
            } else {
                Self::here_text(&text, first, self.depth)?
            };
            // The cell is new and filled here only.
            let _ = pending.body.set(word);
        }
        Ok(())
    }
}
