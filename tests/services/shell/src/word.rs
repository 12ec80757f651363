//! Script text to syntax tree: words, quoting, and what follows a `$`. The grammar around them is in [`crate::parse`].

use crate::ast::{Conditional, End, Operator, Part, PartKind, Word};
use crate::parse::{Parsed, Parser, is_delimiter};

/// Where a run of word parts ends, and how it is quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// An unquoted word.
    Bare,
    /// Between double quotes.
    Double,
    /// The text of a here-document: as between double quotes, which here are ordinary characters.
    Here,
    /// The word in `${name:-word}`, up to `}`; `true` inside double quotes.
    Brace(bool),
    /// Between `$((` and `))`.
    Arithmetic,
}

impl Context {
    const fn quoted(self) -> bool {
        matches!(
            self,
            Self::Double | Self::Here | Self::Brace(true) | Self::Arithmetic
        )
    }
}

/// Collects parts, joining neighbouring text of the same quoting.
#[derive(Default)]
struct Builder(Word);

impl Builder {
    fn text(&mut self, text: &str, quoted: bool) {
        if let Some(Part {
            quoted: last,
            kind: PartKind::Text(so_far),
        }) = self.0.last_mut()
            && *last == quoted
        {
            so_far.push_str(text);
        } else {
            self.0.push(Part {
                quoted,
                kind: PartKind::Text(text.to_owned()),
            });
        }
    }

    fn char(&mut self, c: char, quoted: bool) {
        self.text(c.encode_utf8(&mut [0; 4]), quoted);
    }
}

impl Parser {
    /// The next word, or `None` where something else comes.
    pub(crate) fn word(&mut self) -> Parsed<Option<Word>> {
        if self.peek().is_none_or(is_delimiter) {
            return Ok(None);
        }
        self.parts(Context::Bare).map(Some)
    }

    /// A word that stands for exactly `text`.
    pub(crate) fn literal(text: String) -> Word {
        vec![Part {
            quoted: true,
            kind: PartKind::Text(text),
        }]
    }

    /// The text of a here-document with what is to be expanded in it.
    pub(crate) fn here_text(text: &str, line: u32, depth: u32) -> Parsed<Word> {
        Self::new(text, line, depth).parts(Context::Here)
    }

    /// The word after `<<`, and whether any of it was quoted. Nothing in it is expanded.
    pub(crate) fn here_delimiter(&mut self) -> Parsed<(String, bool)> {
        let mut literal = false;
        let mut delimiter = String::new();
        for part in self.word()?.unwrap_or_default() {
            literal |= part.quoted;
            match part.kind {
                PartKind::Text(text) => delimiter.push_str(&text),
                _ => return Err(self.error("the end of a here-document must be a plain word")),
            }
        }
        if delimiter.is_empty() || delimiter.contains('\n') {
            return Err(self.error("`<<` is missing the word that ends the text"));
        }
        Ok((delimiter, literal))
    }

    fn parts(&mut self, context: Context) -> Parsed<Word> {
        let quoted = context.quoted();
        let mut word = Builder::default();
        // Open parentheses of an arithmetic expression.
        let mut parentheses = 0u32;
        loop {
            let Some(next) = self.peek() else {
                return match context {
                    Context::Bare | Context::Here => Ok(word.0),
                    Context::Double => Err(self.error("`\"` is not closed")),
                    Context::Brace(_) => Err(self.error("`${` is not closed")),
                    Context::Arithmetic => Err(self.error("`$((` is not closed")),
                };
            };
            match (next, context) {
                (c, Context::Bare) if is_delimiter(c) => return Ok(word.0),
                ('"', Context::Double) | ('}', Context::Brace(_)) => {
                    self.bump();
                    return Ok(word.0);
                }
                (')', Context::Arithmetic) if parentheses == 0 => {
                    if !self.eat("))") {
                        return Err(self.error("`$((` needs `))`"));
                    }
                    return Ok(word.0);
                }
                ('(', Context::Arithmetic) => {
                    parentheses += 1;
                    word.char('(', true);
                    self.bump();
                }
                (')', Context::Arithmetic) => {
                    parentheses -= 1;
                    word.char(')', true);
                    self.bump();
                }
                ('\'', Context::Bare | Context::Brace(false)) => {
                    self.bump();
                    let text = self.single_quoted()?;
                    word.text(&text, true);
                }
                ('"', Context::Bare | Context::Brace(_)) => {
                    self.bump();
                    let inner = self.nested(|parser| parser.parts(Context::Double))?;
                    if inner.is_empty() {
                        // "" is a word, though an empty one.
                        word.text("", true);
                    }
                    word.0.extend(inner);
                }
                ('\\', _) => self.backslash(context, &mut word),
                ('$', _) => self.dollar(quoted, &mut word)?,
                ('`', _) => return Err(self.error("backquotes are not supported: use $(command)")),
                (c, _) => {
                    word.char(c, quoted);
                    self.bump();
                }
            }
        }
    }

    fn single_quoted(&mut self) -> Parsed<String> {
        let opened = self.error("`'` is not closed");
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(opened),
                Some('\'') => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    /// Between quotes a backslash escapes only what would otherwise mean something there.
    fn backslash(&mut self, context: Context, word: &mut Builder) {
        self.bump();
        match self.bump() {
            None => word.char('\\', true),
            Some('\n') => {}
            Some(c) => {
                let escapes = match context {
                    Context::Bare | Context::Brace(false) => true,
                    Context::Double => matches!(c, '$' | '`' | '"' | '\\'),
                    Context::Brace(true) => matches!(c, '$' | '`' | '"' | '\\' | '}'),
                    Context::Here | Context::Arithmetic => matches!(c, '$' | '`' | '\\'),
                };
                if !escapes {
                    word.char('\\', true);
                }
                word.char(c, true);
            }
        }
    }

    fn dollar(&mut self, quoted: bool, word: &mut Builder) -> Parsed<()> {
        self.bump();
        let kind = match self.peek() {
            Some('(') if self.peek_at(1) == Some('(') => {
                self.eat("((");
                PartKind::Arithmetic(self.nested(|parser| parser.parts(Context::Arithmetic))?)
            }
            Some('(') => {
                self.bump();
                let list = self.list(&[])?;
                if self.bump() != Some(')') {
                    return Err(self.error("`$(` is not closed"));
                }
                PartKind::Substitution(list)
            }
            Some('{') => {
                self.bump();
                self.nested(|parser| parser.braced(quoted))?
            }
            _ => match self.parameter(false) {
                Some(name) => PartKind::Parameter {
                    name,
                    operator: Operator::Value,
                },
                None => {
                    word.char('$', quoted);
                    return Ok(());
                }
            },
        };
        word.0.push(Part { quoted, kind });
        Ok(())
    }

    /// A parameter's name; only between braces a number may have several digits.
    fn parameter(&mut self, braced: bool) -> Option<String> {
        match self.peek()? {
            c @ ('0'..='9') => {
                let mut number = String::from(c);
                self.bump();
                while let Some(digit) = self.peek().filter(|c| braced && c.is_ascii_digit()) {
                    number.push(digit);
                    self.bump();
                }
                Some(number)
            }
            c @ ('?' | '@' | '*' | '#' | '$' | '-') => {
                self.bump();
                Some(c.to_string())
            }
            _ => self.name(),
        }
    }

    fn braced(&mut self, quoted: bool) -> Parsed<PartKind> {
        if self.peek() == Some('#') && self.peek_at(1) != Some('}') {
            self.bump();
            let name = self
                .parameter(true)
                .ok_or_else(|| self.error("`${#` needs a parameter's name"))?;
            return match self.bump() {
                Some('}') => Ok(PartKind::Parameter {
                    name,
                    operator: Operator::Length,
                }),
                _ => Err(self.error("`${#` is not closed")),
            };
        }
        let name = self
            .parameter(true)
            .ok_or_else(|| self.error("`${` needs a parameter's name"))?;
        let colon = self.eat(":");
        let operator = match self.bump() {
            Some('}') if !colon => {
                return Ok(PartKind::Parameter {
                    name,
                    operator: Operator::Value,
                });
            }
            Some('-') => self.conditional(Conditional::Default, colon, quoted)?,
            Some('=') => self.conditional(Conditional::Assign, colon, quoted)?,
            Some('?') => self.conditional(Conditional::Require, colon, quoted)?,
            Some('+') => self.conditional(Conditional::Alternative, colon, quoted)?,
            Some('#') if !colon => self.strip(End::Prefix, "#")?,
            Some('%') if !colon => self.strip(End::Suffix, "%")?,
            None => return Err(self.error("`${` is not closed")),
            Some(other) => {
                return Err(self.error(format!(
                    "`${{{name}` is followed by `{other}`, which is not supported"
                )));
            }
        };
        Ok(PartKind::Parameter { name, operator })
    }

    fn conditional(&mut self, kind: Conditional, colon: bool, quoted: bool) -> Parsed<Operator> {
        Ok(Operator::Conditional {
            kind,
            colon,
            word: self.parts(Context::Brace(quoted))?,
        })
    }

    /// Quotes inside the pattern are its own, even between double quotes.
    fn strip(&mut self, end: End, again: &str) -> Parsed<Operator> {
        let longest = self.eat(again);
        Ok(Operator::Strip {
            end,
            longest,
            pattern: self.parts(Context::Brace(false))?,
        })
    }
}
