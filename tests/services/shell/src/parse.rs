//! Script text to syntax tree: the grammar. Words and their quoting are read in [`crate::word`], redirections in
//! [`crate::redirection`].
//!
//! One pass over the characters, without a token list: what a character means depends on where it stands. Syntax this shell
//! does not have is an error that names it; nothing is skipped or guessed.

use std::fmt;
use std::sync::Arc;

use crate::ast::{AndOr, Command, Compound, Connector, List, Pipeline, Simple, Word};
use crate::redirection::Pending;

/// Deeper nesting of commands and substitutions is refused, so that no script can exhaust the stack.
const MAX_DEPTH: u32 = 100;

const RESERVED: [&str; 15] = [
    "!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then",
    "until", "while",
];

/// A script that cannot be read, with the line where that was noticed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: u32,
    pub(crate) message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: syntax error: {}", self.line, self.message)
    }
}

pub(crate) type Parsed<T> = Result<T, SyntaxError>;

/// Reads a whole script.
pub(crate) fn parse(source: &str) -> Parsed<List> {
    let mut parser = Parser::new(source, 1, 0);
    let list = parser.list(&[])?;
    match parser.peek() {
        None => Ok(list),
        Some(other) => Err(parser.error(format!("`{other}` has no counterpart"))),
    }
}

pub(crate) struct Parser {
    pub(crate) chars: Vec<char>,
    pub(crate) pos: usize,
    pub(crate) line: u32,
    pub(crate) depth: u32,
    pub(crate) pending: Vec<Pending>,
}

impl Parser {
    pub(crate) fn new(source: &str, line: u32, depth: u32) -> Self {
        Self {
            chars: source.chars().collect(),
            pos: 0,
            line,
            depth,
            pending: Vec::new(),
        }
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            line: self.line,
            message: message.into(),
        }
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.pos + ahead).copied()
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.pos += 1;
        self.line += u32::from(next == '\n');
        Some(next)
    }

    /// Takes `text` if it comes next.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let found = text
            .chars()
            .enumerate()
            .all(|(i, c)| self.peek_at(i) == Some(c));
        if found {
            for _ in text.chars() {
                self.bump();
            }
        }
        found
    }

    /// Counts a level of nesting around `parse`.
    pub(crate) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Skips blanks, continued lines and a comment, but no line end.
    pub(crate) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.pos += 1,
                Some('\\') if self.peek_at(1) == Some('\n') => {
                    self.eat("\\\n");
                }
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.pos += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips blanks and line ends; a line end is where waiting here-documents are read.
    fn newlines(&mut self) -> Parsed<()> {
        self.blanks();
        while self.peek() == Some('\n') {
            self.bump();
            self.here_documents()?;
            self.blanks();
        }
        Ok(())
    }

    /// Whether exactly `word` comes next, unquoted.
    fn at_word(&self, word: &str) -> bool {
        let rest = &self.chars[self.pos..];
        let length = rest
            .iter()
            .position(|c| is_delimiter(*c))
            .unwrap_or(rest.len());
        word.chars().eq(rest[..length].iter().copied())
    }

    /// The reserved word that comes next, if one does.
    fn reserved(&self) -> Option<&'static str> {
        RESERVED.into_iter().find(|word| self.at_word(word))
    }

    fn expect(&mut self, word: &str, opened_by: &str) -> Parsed<()> {
        if self.reserved() == Some(word) {
            self.eat(word);
            return Ok(());
        }
        Err(match self.peek() {
            None => self.error(format!("`{opened_by}` is missing its `{word}`")),
            Some(other) => self.error(format!(
                "`{opened_by}` needs `{word}` before `{}`",
                other.escape_debug()
            )),
        })
    }

    /// Commands up to the end, a `)`, a `;;` or one of the reserved words in `until`.
    pub(crate) fn list(&mut self, until: &[&str]) -> Parsed<List> {
        self.nested(|parser| {
            let mut list = List::new();
            loop {
                parser.newlines()?;
                let at_end = match parser.peek() {
                    None | Some(')') => true,
                    Some(';') if parser.peek_at(1) == Some(';') => true,
                    _ => parser.reserved().is_some_and(|word| until.contains(&word)),
                };
                if at_end {
                    break;
                }
                list.push(parser.and_or()?);
                parser.blanks();
                match parser.peek() {
                    Some(';') if parser.peek_at(1) != Some(';') => {
                        parser.bump();
                    }
                    Some('&') => {
                        return Err(parser.error("`&`: background commands are not supported"));
                    }
                    Some('\n' | ')' | ';') | None => {}
                    Some(other) => return Err(parser.error(format!("unexpected `{other}`"))),
                }
            }
            if parser.peek().is_none() {
                parser.here_documents()?;
            }
            Ok(list)
        })
    }

    /// A list that must hold a command, as between `if` and `then`.
    fn body(&mut self, after: &str, until: &[&str]) -> Parsed<List> {
        let list = self.list(until)?;
        if list.is_empty() {
            return Err(self.error(format!("no command after `{after}`")));
        }
        Ok(list)
    }

    fn and_or(&mut self) -> Parsed<AndOr> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let connector = if self.eat("&&") {
                Connector::And
            } else if self.eat("||") {
                Connector::Or
            } else {
                return Ok(AndOr { first, rest });
            };
            self.newlines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        self.blanks();
        let negated = self.reserved() == Some("!") && self.eat("!");
        let mut stages = Vec::new();
        loop {
            self.blanks();
            stages.push(self.command()?);
            self.blanks();
            if self.peek() != Some('|') || self.peek_at(1) == Some('|') {
                return Ok(Pipeline { negated, stages });
            }
            self.bump();
            self.newlines()?;
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let compound = match self.reserved() {
            Some("{") => {
                self.eat("{");
                let list = self.body("{", &["}"])?;
                self.expect("}", "{")?;
                Compound::Group(list)
            }
            Some("if") => self.if_clause()?,
            Some("for") => self.for_clause()?,
            Some("while") => self.while_clause("while")?,
            Some("until") => self.while_clause("until")?,
            Some("case") => self.case_clause()?,
            Some(other) => return Err(self.error(format!("unexpected `{other}`"))),
            None if self.peek() == Some('(') => {
                self.bump();
                let list = self.body("(", &[])?;
                self.close(')', "(")?;
                Compound::Subshell(list)
            }
            None => return self.simple_or_function(),
        };
        let mut redirects = Vec::new();
        self.blanks();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
            self.blanks();
        }
        Ok(Command::Compound(compound, redirects))
    }

    fn close(&mut self, closing: char, opening: &str) -> Parsed<()> {
        if self.peek() == Some(closing) {
            self.bump();
            return Ok(());
        }
        Err(self.error(format!("`{opening}` is missing its `{closing}`")))
    }

    fn if_clause(&mut self) -> Parsed<Compound> {
        let mut branches = Vec::new();
        let mut opened_by = "if";
        loop {
            self.eat(opened_by);
            let condition = self.body(opened_by, &["then"])?;
            self.expect("then", opened_by)?;
            branches.push((condition, self.body("then", &["elif", "else", "fi"])?));
            if self.reserved() != Some("elif") {
                break;
            }
            opened_by = "elif";
        }
        let mut otherwise = List::new();
        if self.reserved() == Some("else") {
            self.eat("else");
            otherwise = self.body("else", &["fi"])?;
        }
        self.expect("fi", "if")?;
        Ok(Compound::If {
            branches,
            otherwise,
        })
    }

    fn for_clause(&mut self) -> Parsed<Compound> {
        self.eat("for");
        self.blanks();
        let name = self
            .name()
            .ok_or_else(|| self.error("`for` needs a variable name"))?;
        self.newlines()?;
        let mut words = None;
        if self.at_word("in") {
            self.eat("in");
            let mut list = Vec::new();
            self.blanks();
            while let Some(word) = self.word()? {
                list.push(word);
                self.blanks();
            }
            words = Some(list);
        }
        self.blanks();
        if self.peek() == Some(';') {
            self.bump();
        }
        self.newlines()?;
        Ok(Compound::For {
            name,
            words,
            body: self.do_group("for")?,
        })
    }

    fn while_clause(&mut self, keyword: &str) -> Parsed<Compound> {
        self.eat(keyword);
        let condition = self.body(keyword, &["do"])?;
        Ok(Compound::While {
            until: keyword == "until",
            condition,
            body: self.do_group(keyword)?,
        })
    }

    fn do_group(&mut self, opened_by: &str) -> Parsed<List> {
        self.expect("do", opened_by)?;
        let body = self.body("do", &["done"])?;
        self.expect("done", opened_by)?;
        Ok(body)
    }

    fn case_clause(&mut self) -> Parsed<Compound> {
        self.eat("case");
        self.blanks();
        let subject = self
            .word()?
            .ok_or_else(|| self.error("`case` needs a word"))?;
        self.newlines()?;
        if !(self.at_word("in") && self.eat("in")) {
            return Err(self.error("`case` needs `in`"));
        }
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            if self.reserved() == Some("esac") {
                break;
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.push(
                    self.word()?
                        .ok_or_else(|| self.error("`case` is missing a pattern or its `esac`"))?,
                );
                self.blanks();
                if self.peek() != Some('|') {
                    break;
                }
                self.bump();
            }
            self.close(')', "case")?;
            arms.push((patterns, self.list(&["esac"])?));
            if !self.eat(";;") {
                break;
            }
        }
        self.expect("esac", "case")?;
        Ok(Compound::Case { subject, arms })
    }

    fn simple_or_function(&mut self) -> Parsed<Command> {
        let start = (self.pos, self.line);
        if let Some(name) = self.name() {
            self.blanks();
            if self.eat("(") {
                self.blanks();
                self.close(')', "(")?;
                self.newlines()?;
                let body = Arc::new(self.nested(Self::command)?);
                return Ok(Command::Function { name, body });
            }
            (self.pos, self.line) = start;
        }
        let mut simple = Simple {
            line: self.line,
            ..Simple::default()
        };
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
            } else if let Some(assignment) = self.assignment(&simple)? {
                simple.assignments.push(assignment);
            } else if let Some(word) = self.word()? {
                simple.words.push(word);
            } else {
                break;
            }
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty() {
            return Err(match self.peek() {
                None => self.error("a command is missing at the end"),
                Some(other) => self.error(format!("unexpected `{}`", other.escape_debug())),
            });
        }
        if self.peek() == Some('(') {
            return Err(self.error("unexpected `(`"));
        }
        Ok(Command::Simple(simple))
    }

    /// `NAME=value`, which is an assignment only in front of the command's name.
    fn assignment(&mut self, so_far: &Simple) -> Parsed<Option<(String, Word)>> {
        if !so_far.words.is_empty() {
            return Ok(None);
        }
        let start = self.pos;
        match self.name() {
            Some(name) if self.eat("=") => Ok(Some((name, self.word()?.unwrap_or_default()))),
            _ => {
                self.pos = start;
                Ok(None)
            }
        }
    }

    /// A variable's or function's name.
    pub(crate) fn name(&mut self) -> Option<String> {
        let rest = &self.chars[self.pos..];
        let length = rest
            .iter()
            .position(|c| !(c.is_ascii_alphanumeric() || *c == '_'))
            .unwrap_or(rest.len());
        if length == 0 || rest[0].is_ascii_digit() {
            return None;
        }
        let name = rest[..length].iter().collect();
        self.pos += length;
        Some(name)
    }
}

/// Ends a word, unless quoted.
pub(crate) const fn is_delimiter(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')'
    )
}

#[cfg(test)]
mod tests;
