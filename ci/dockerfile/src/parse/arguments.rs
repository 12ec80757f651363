//! Arguments by the rules of each kind of instruction.

use std::ops::Range;

use super::heredoc;
use super::instruction::{Arguments, Reader};
use super::words::{at_whitespace, shell_words};
use crate::ast::{Argument, CommandLine, From, Health, KeyValue, StageName, Transfer, Trigger};
use crate::error::{Error, ErrorKind};

impl Reader<'_> {
    pub(super) fn shell(&self, arguments: &Arguments<'_>) -> Result<Vec<String>, Error> {
        let strings = self.json(arguments)?;
        strings
            .filter(|strings| !strings.is_empty())
            .ok_or_else(|| {
                self.wrong(
                    arguments,
                    "SHELL needs the JSON form: SHELL [\"/bin/sh\", \"-c\"]",
                )
            })
    }

    pub(super) fn transfer(&self, arguments: &Arguments<'_>) -> Result<Transfer, Error> {
        let (mut words, json) = self.list(arguments)?;
        let dest = words.pop().filter(|_| !words.is_empty());
        let dest = dest.ok_or_else(|| {
            self.wrong(
                arguments,
                format!("{} needs a source and a destination", arguments.keyword),
            )
        })?;
        if json {
            return Ok(Transfer {
                paths: words,
                documents: Vec::new(),
                dest,
            });
        }
        if heredoc::parse(&dest.value).is_some() {
            let message = format!(
                "a heredoc cannot be the destination of {}",
                arguments.keyword
            );
            return Err(Error::new(
                ErrorKind::Syntax,
                self.source,
                dest.span,
                message,
            ));
        }
        let (mut paths, mut documents) = (Vec::new(), Vec::new());
        for word in words {
            match heredoc::parse(&word.value) {
                Some(heredoc) => documents.push(heredoc.name),
                None => paths.push(word),
            }
        }
        Ok(Transfer {
            paths,
            documents,
            dest,
        })
    }

    pub(super) fn definitions(&self, arguments: &Arguments<'_>) -> Result<Vec<Argument>, Error> {
        let words = self.at_least_one(arguments, shell_words(arguments.text, self.escape))?;
        let define = |(range, word): (Range<usize>, String)| {
            let span = self.place(arguments.start + range.start..arguments.start + range.end);
            let (name, default) = word
                .split_once('=')
                .map_or((word.as_str(), None), |(name, default)| {
                    (name, Some(default))
                });
            if name.is_empty() {
                return Err(Error::new(
                    ErrorKind::Syntax,
                    self.source,
                    span,
                    "there is no name before the =",
                ));
            }
            Ok(Argument {
                name: name.to_owned(),
                default: default.map(str::to_owned),
                span,
            })
        };
        words.into_iter().map(define).collect()
    }

    /// `key=value …`, or the old `key value`.
    pub(super) fn pairs(&self, arguments: &Arguments<'_>) -> Result<Vec<KeyValue>, Error> {
        let words = self.at_least_one(arguments, shell_words(arguments.text, self.escape))?;
        if !words[0].1.contains('=') {
            let key = at_whitespace(arguments.text).swap_remove(0);
            let value =
                arguments.text[key.end..].trim_start_matches(['\t', '\x0b', '\x0c', '\r', ' ']);
            if value.is_empty() {
                return Err(self.wrong(
                    arguments,
                    format!(
                        "{} needs a value: {}=…",
                        arguments.keyword, &arguments.text[key]
                    ),
                ));
            }
            let span = self.place(arguments.start..arguments.start + arguments.text.len());
            return Ok(vec![KeyValue {
                key: arguments.text[key].to_owned(),
                value: value.to_owned(),
                legacy: true,
                span,
            }]);
        }
        let pair = |(range, word): (Range<usize>, String)| {
            let span = self.place(arguments.start + range.start..arguments.start + range.end);
            let wrong = |message: String| Error::new(ErrorKind::Syntax, self.source, span, message);
            let (key, value) = word.split_once('=').ok_or_else(|| {
                wrong(format!(
                    "{word:?} has no =; write name=value, and quote a value that has spaces"
                ))
            })?;
            if key.is_empty() {
                return Err(wrong("there is no name before the =".to_owned()));
            }
            Ok(KeyValue {
                key: key.to_owned(),
                value: value.to_owned(),
                legacy: false,
                span,
            })
        };
        words.into_iter().map(pair).collect()
    }

    pub(super) fn from(&self, arguments: &Arguments<'_>) -> Result<From, Error> {
        let mut words = self.split(arguments).into_iter();
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(base), None, ..) => Ok(From { base, name: None }),
            (Some(base), Some(keyword), Some(name), None)
                if keyword.value.eq_ignore_ascii_case("as") =>
            {
                let lower = name.value.to_lowercase();
                let valid = lower.starts_with(|c: char| c.is_ascii_lowercase())
                    && lower
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
                if !valid {
                    let message = format!(
                        "{:?} is no name for a stage: it begins with a letter and has letters, digits, -, _ and .",
                        name.value
                    );
                    return Err(Error::new(
                        ErrorKind::Syntax,
                        self.source,
                        name.span,
                        message,
                    ));
                }
                let name = StageName {
                    name: lower,
                    written: name.value,
                    keyword: keyword.value,
                    span: name.span,
                };
                Ok(From {
                    base,
                    name: Some(name),
                })
            }
            _ => Err(self.wrong(
                arguments,
                "FROM is written FROM image or FROM image AS name",
            )),
        }
    }

    pub(super) fn health(&self, arguments: &Arguments<'_>) -> Result<Health, Error> {
        let kind = arguments
            .text
            .find(char::is_whitespace)
            .unwrap_or(arguments.text.len());
        let command = arguments.text[kind..].trim_start();
        let start = arguments.start + arguments.text.len() - command.len();
        match arguments.text[..kind].to_uppercase().as_str() {
            "NONE" if command.is_empty() => Ok(Health::None),
            "NONE" => Err(self.error(
                start..start + command.len(),
                "HEALTHCHECK NONE takes no arguments",
            )),
            "CMD" => {
                let inner = Arguments {
                    keyword: arguments.keyword.clone(),
                    text: command,
                    start,
                };
                match self.command_line(&inner)? {
                    CommandLine::Exec(argv) if argv.is_empty() => {
                        Err(self.wrong(arguments, "HEALTHCHECK CMD needs a command"))
                    }
                    _ if command.is_empty() => {
                        Err(self.wrong(arguments, "HEALTHCHECK CMD needs a command"))
                    }
                    command => Ok(Health::Command(command)),
                }
            }
            _ => Err(self.wrong(
                arguments,
                "HEALTHCHECK is followed by CMD and a command, or by NONE",
            )),
        }
    }

    pub(super) fn trigger(&self, arguments: &Arguments<'_>) -> Result<Trigger, Error> {
        let whole = self.whole(arguments)?;
        let keyword = whole
            .value
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_uppercase();
        // This is also what keeps the recursion at one step.
        if matches!(keyword.as_str(), "ONBUILD" | "FROM" | "MAINTAINER") {
            return Err(self.wrong(arguments, format!("{keyword} cannot be an ONBUILD trigger")));
        }
        let instruction = self.read(arguments.start..arguments.start + arguments.text.len())?;
        Ok(Trigger {
            expression: whole.value,
            instruction,
        })
    }
}
