//! Shell words as Dockerfiles know them: quotes, escapes, and `$variable` in all its forms.
//!
//! What follows a `$` is in [`dollar`]; which instruction expands what is [`crate::lower`]'s.

mod dollar;

use std::cell::Cell;
use std::collections::BTreeSet;

/// Longest text that an expansion may give, in bytes. The kernel takes no argument or variable above 128 KiB.
const LONGEST: usize = 1 << 20;

/// How much may be done: bytes that expansions produce and characters that patterns are compared with. What an honest file needs is
/// a few thousand; `ENV a=$a$a`, repeated, would need more than any machine has.
#[derive(Debug)]
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    pub(crate) fn new(units: usize) -> Self {
        Self(Cell::new(units))
    }

    pub(crate) fn spend(&self, units: usize) -> Result<(), Fault> {
        let left = self.0.get().checked_sub(units);
        self.0.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| {
            Fault::limit("replacing the variables of the file takes too much memory or time")
        })
    }
}

/// Looks up variables.
pub(crate) trait Variables {
    fn get(&self, name: &str) -> Option<&str>;
}

/// The empty set of variables.
pub(crate) struct NoVariables;

impl Variables for NoVariables {
    fn get(&self, _: &str) -> Option<&str> {
        None
    }
}

/// How words are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexer {
    /// The escape character.
    pub(crate) escape: char,
    /// Keep quotes in the result.
    pub(crate) raw_quotes: bool,
    /// Keep escape characters in the result.
    pub(crate) raw_escapes: bool,
    /// Quotes are ordinary characters.
    pub(crate) ignore_quotes: bool,
    /// Leave variables that are not set as they are written.
    pub(crate) keep_unset: bool,
}

/// What became of a text.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    /// The whole.
    pub(crate) text: String,
    /// The whole, split at unquoted white space after expansion.
    pub(crate) words: Vec<Word>,
    /// Names that were looked up and found.
    pub(crate) matched: BTreeSet<String>,
    /// Names that were looked up and not found.
    pub(crate) unmatched: BTreeSet<String>,
}

/// A word of an expansion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Offset in the input where the word began.
    pub(crate) start: usize,
}

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// It is too large or too deep rather than wrong.
    pub(crate) limit: bool,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            limit: false,
        }
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            limit: true,
        }
    }
}

impl Lexer {
    pub(crate) fn new(escape: char) -> Self {
        Self {
            escape,
            raw_quotes: false,
            raw_escapes: false,
            ignore_quotes: false,
            keep_unset: false,
        }
    }

    /// Reads a text with these variables.
    pub(crate) fn expand(
        &self,
        input: &str,
        variables: &dyn Variables,
        budget: &Budget,
    ) -> Result<Expansion, Fault> {
        let result = Expansion::default();
        let mut reader = Reader {
            lexer: self,
            variables,
            budget,
            input,
            at: 0,
            raw_escapes: self.raw_escapes,
            depth: 0,
            result,
        };
        let mut words = Words::default();
        let text = reader.until(None, self.raw_escapes, Some(&mut words))?;
        Ok(Expansion {
            text,
            words: words.finish(),
            ..reader.result
        })
    }
}

/// Splits what was read into words while it is read.
#[derive(Default)]
struct Words {
    words: Vec<Word>,
    current: String,
    start: usize,
    inside: bool,
}

impl Words {
    /// Takes characters that are not quoted: white space ends a word.
    fn split(&mut self, text: &str, at: usize) {
        for c in text.chars() {
            if !c.is_whitespace() {
                self.raw(c.encode_utf8(&mut [0; 4]), at);
            } else if self.inside && !self.current.is_empty() {
                self.words.push(Word {
                    text: std::mem::take(&mut self.current),
                    start: self.start,
                });
                self.inside = false;
            }
        }
    }

    /// Takes characters as they are.
    fn raw(&mut self, text: &str, at: usize) {
        if !self.inside {
            self.inside = true;
            self.start = at;
        }
        self.current.push_str(text);
    }

    fn finish(mut self) -> Vec<Word> {
        if !self.current.is_empty() {
            self.words.push(Word {
                text: self.current,
                start: self.start,
            });
        }
        self.words
    }
}

struct Reader<'a> {
    lexer: &'a Lexer,
    variables: &'a dyn Variables,
    budget: &'a Budget,
    input: &'a str,
    at: usize,
    raw_escapes: bool,
    depth: usize,
    result: Expansion,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.input[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn produce(&self, text: &mut String, piece: &str) -> Result<(), Fault> {
        self.budget.spend(piece.len())?;
        if text.len() + piece.len() > LONGEST {
            let message = "the text becomes longer than 1 MiB when its variables are replaced";
            return Err(Fault::limit(message));
        }
        text.push_str(piece);
        Ok(())
    }

    /// Reads up to and over `stop`, or to the end.
    fn until(
        &mut self,
        stop: Option<char>,
        raw_escapes: bool,
        mut words: Option<&mut Words>,
    ) -> Result<String, Fault> {
        let outer = std::mem::replace(&mut self.raw_escapes, raw_escapes);
        let mut text = String::new();
        while let Some(c) = self.peek() {
            let at = self.at;
            if Some(c) == stop {
                self.next();
                self.raw_escapes = outer;
                return Ok(text);
            }
            let quoted = !self.lexer.ignore_quotes && matches!(c, '\'' | '"');
            let mut piece = String::new();
            if c == '$' {
                piece = self.dollar()?;
            } else if quoted && c == '\'' {
                piece = self.single_quoted()?;
            } else if quoted {
                piece = self.double_quoted()?;
            } else if c == self.lexer.escape {
                self.next();
                let escaped = self.next();
                if self.raw_escapes {
                    piece.push(c);
                }
                piece.extend(escaped);
            } else {
                self.next();
                piece.push(c);
            }
            self.produce(&mut text, &piece)?;
            if let Some(words) = words.as_deref_mut() {
                if quoted || c == self.lexer.escape && c != '$' {
                    // An escape character at the very end stands for nothing and begins no word.
                    if quoted || !piece.is_empty() {
                        words.raw(&piece, at);
                    }
                } else {
                    words.split(&piece, at);
                }
            }
        }
        self.raw_escapes = outer;
        match stop {
            None => Ok(text),
            Some(stop) => Err(Fault::new(format!(
                "the text ends before the {stop:?} that must follow"
            ))),
        }
    }

    fn single_quoted(&mut self) -> Result<String, Fault> {
        self.next();
        let rest = &self.input[self.at..];
        let end = rest
            .find('\'')
            .ok_or_else(|| Fault::new("a single quote is not closed"))?;
        self.at += end + 1;
        Ok(if self.lexer.raw_quotes {
            format!("'{}'", &rest[..end])
        } else {
            rest[..end].to_owned()
        })
    }

    fn double_quoted(&mut self) -> Result<String, Fault> {
        let escape = self.lexer.escape;
        let mut text = String::new();
        text.extend(self.next().filter(|_| self.lexer.raw_quotes));
        loop {
            match self.peek() {
                None => return Err(Fault::new("a double quote is not closed")),
                Some('"') => {
                    text.extend(self.next().filter(|_| self.lexer.raw_quotes));
                    return Ok(text);
                }
                Some('$') => {
                    let value = self.dollar()?;
                    self.produce(&mut text, &value)?;
                }
                Some(c) if c == escape => {
                    self.next();
                    match self.peek() {
                        None => continue,
                        Some(escaped) if escaped == '"' || escaped == '$' || escaped == escape => {
                            if self.raw_escapes {
                                text.push(c);
                            }
                            text.extend(self.next());
                        }
                        // Before anything else it is no escape but itself.
                        Some(_) => {
                            if self.raw_escapes {
                                text.push(c);
                            }
                            text.push(c);
                        }
                    }
                }
                Some(_) => text.extend(self.next()),
            }
        }
    }
}
