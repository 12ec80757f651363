//! Tokens (June 2018 §2.1).

use std::borrow::Cow;
use std::fmt;

use super::{SyntaxError, strings};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Punctuator(u8),
    /// `...`
    Spread,
    Name(&'a str),
    Int(&'a str),
    Float(&'a str),
    String(Cow<'a, str>),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Punctuator(byte) => write!(f, "\"{}\"", char::from(*byte)),
            Token::Spread => f.write_str("\"...\""),
            Token::Name(name) if name.len() > 64 => f.write_str("a long name"),
            Token::Name(name) => write!(f, "\"{name}\""),
            Token::Int(_) | Token::Float(_) => f.write_str("a number"),
            Token::String(_) => f.write_str("a string"),
            Token::End => f.write_str("the end of the query"),
        }
    }
}

/// Reads tokens one after the other.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Lexer { source, at: 0 }
    }

    /// The next token and where it starts. After the end, the end again.
    pub(super) fn next(&mut self) -> Result<(usize, Token<'a>), SyntaxError> {
        self.skip_ignored();
        let start = self.at;
        let rest = &self.source.as_bytes()[start..];
        let token = match rest {
            [] => Token::End,
            [
                b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|'
                | b'}',
                ..,
            ] => {
                self.at += 1;
                Token::Punctuator(rest[0])
            }
            [b'.', b'.', b'.', ..] => {
                self.at += 3;
                Token::Spread
            }
            [b'_' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
                self.at += rest.iter().take_while(|byte| is_name_byte(**byte)).count();
                Token::Name(&self.source[start..self.at])
            }
            [b'"', ..] => {
                let (text, length) = strings::read(&self.source[start..])
                    .map_err(|error| SyntaxError::new(start + error.at, error.message))?;
                self.at += length;
                Token::String(text)
            }
            [b'-' | b'0'..=b'9', ..] => self.number()?,
            _ => {
                let found = self.source[start..].chars().next().unwrap_or_default();
                return Err(SyntaxError::new(
                    start,
                    format!("unexpected character {found:?}"),
                ));
            }
        };
        Ok((start, token))
    }

    /// White space, line ends, commas, comments and byte order marks.
    fn skip_ignored(&mut self) {
        let bytes = self.source.as_bytes();
        loop {
            match &bytes[self.at..] {
                [b' ' | b'\t' | b'\n' | b'\r' | b',', ..] => self.at += 1,
                [0xef, 0xbb, 0xbf, ..] => self.at += 3,
                [b'#', comment @ ..] => {
                    self.at += 1 + comment
                        .iter()
                        .take_while(|byte| !matches!(byte, b'\n' | b'\r'))
                        .count();
                }
                _ => return,
            }
        }
    }

    fn number(&mut self) -> Result<Token<'a>, SyntaxError> {
        let start = self.at;
        let bytes = self.source.as_bytes();
        let peek = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let mut end = start + usize::from(bytes[start] == b'-');
        let first = peek(end);
        end = self.digits(end)?;
        if first == b'0' && end > start + 1 + usize::from(bytes[start] == b'-') {
            return Err(SyntaxError::new(start, "a number does not start with 0"));
        }
        let mut float = false;
        if peek(end) == b'.' {
            float = true;
            end = self.digits(end + 1)?;
        }
        if matches!(peek(end), b'e' | b'E') {
            float = true;
            end += 1;
            end = self.digits(end + usize::from(matches!(peek(end), b'+' | b'-')))?;
        }
        if peek(end) == b'.' || is_name_byte(peek(end)) {
            return Err(SyntaxError::new(
                end,
                "a number is followed by something else",
            ));
        }
        self.at = end;
        let text = &self.source[start..end];
        Ok(if float {
            Token::Float(text)
        } else {
            Token::Int(text)
        })
    }

    /// The end of the digits that begin at `at`; there must be one.
    fn digits(&self, at: usize) -> Result<usize, SyntaxError> {
        let count = self.source.as_bytes()[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count == 0 {
            return Err(SyntaxError::new(at, "expected a digit"));
        }
        Ok(at + count)
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}
