//! A single instruction: its keyword, its flags, and its arguments by the rules of its kind.

use std::collections::BTreeSet;
use std::ops::Range;

use super::flags::{self, Kind};
use super::lines::Line;
use super::words::{Json, at_whitespace, json};
use crate::ast::{Command, CommandLine, Flag, Instruction};
use crate::error::{Error, ErrorKind, nearest};
use crate::span::{Source, Span, Spanned};

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads instructions out of a logical line.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source,
    pub(super) line: &'a Line,
    pub(super) escape: char,
}

/// The arguments of an instruction.
pub(super) struct Arguments<'a> {
    /// The keyword, in upper case.
    pub(super) keyword: String,
    pub(super) text: &'a str,
    /// Offset of `text` in the line.
    pub(super) start: usize,
}

/// Whether the lines that follow may be those of a heredoc.
pub(super) fn may_open_heredocs(command: &Command) -> bool {
    match command {
        Command::Run(CommandLine::Shell(_)) => true,
        // In the JSON form the reference takes no heredocs, and documents stays empty there.
        Command::Copy(transfer) | Command::Add(transfer) => !transfer.documents.is_empty(),
        Command::Onbuild(trigger) => may_open_heredocs(&trigger.instruction.command),
        _ => false,
    }
}

/// Gives an instruction the heredocs that were read for it.
pub(super) fn with_heredocs(
    source: &Source,
    mut instruction: Instruction,
) -> Result<Instruction, Error> {
    if let Command::Onbuild(trigger) = &mut instruction.command {
        for heredoc in &instruction.heredocs {
            trigger.expression.push('\n');
            trigger.expression.push_str(&heredoc.contents);
            trigger.expression.push_str(&heredoc.name);
        }
        trigger
            .instruction
            .heredocs
            .clone_from(&instruction.heredocs);
        trigger.instruction.span = trigger.instruction.span.to(instruction.span);
    }
    if let Command::Copy(transfer) | Command::Add(transfer) = &instruction.command {
        let read: BTreeSet<&str> = instruction
            .heredocs
            .iter()
            .map(|heredoc| heredoc.name.as_str())
            .collect();
        if let Some(name) = transfer
            .documents
            .iter()
            .find(|name| !read.contains(name.as_str()))
        {
            let message = format!("the heredoc {name} cannot be read; is a quote missing?");
            return Err(Error::new(
                ErrorKind::Syntax,
                source,
                instruction.span,
                message,
            ));
        }
    }
    Ok(instruction)
}

impl Reader<'_> {
    pub(super) fn place(&self, range: Range<usize>) -> Span {
        self.line.place(self.source, range)
    }

    pub(super) fn error(&self, range: Range<usize>, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Syntax, self.source, self.place(range), message)
    }

    /// Reads the instruction in a part of the line.
    pub(super) fn read(&self, range: Range<usize>) -> Result<Instruction, Error> {
        let text = self.line.text[range.clone()].trim_end();
        let start = range.start + (text.len() - text.trim_start().len());
        let text = text.trim_start();
        let end = text
            .find(['\t', '\x0b', '\x0c', '\r', ' '])
            .unwrap_or(text.len());
        let written = &text[..end];
        let keyword = written.to_lowercase();
        if !KEYWORDS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(written))
        {
            let error = self.error(
                start..start + end,
                format!("there is no instruction {written}"),
            );
            return Err(error.suggest(nearest(written, KEYWORDS)));
        }
        let (words, rest) = flags::take(&text[end..]);
        let rest = end + rest;
        let flags = self.flags(&keyword, start + end, words)?;
        let arguments = text[rest..].trim_start();
        let arguments = Arguments {
            keyword: keyword.to_uppercase(),
            text: arguments,
            start: start + text.len() - arguments.len(),
        };
        let command = self.command(&arguments)?;
        let place = self.place(start..start + end);
        Ok(Instruction {
            span: Span {
                last_line: self.line.span.last_line,
                end: self.line.span.end,
                ..place
            },
            keyword: Spanned {
                value: written.to_owned(),
                span: place,
            },
            text: text.to_owned(),
            flags,
            command,
            heredocs: Vec::new(),
            comments: Vec::new(),
        })
    }

    fn flags(
        &self,
        keyword: &str,
        start: usize,
        words: Vec<(Range<usize>, String)>,
    ) -> Result<Vec<Flag>, Error> {
        let known = flags::of(keyword);
        let mut flags: Vec<Flag> = Vec::new();
        for (place, word) in words {
            let place = start + place.start..start + place.end;
            let (name, value) = word[2..]
                .split_once('=')
                .map_or((&word[2..], None), |(name, value)| (name, Some(value)));
            let upper = keyword.to_uppercase();
            let Some((_, kind)) = known.iter().find(|(known, _)| *known == name) else {
                let error = self.error(place, format!("{upper} has no flag --{name}"));
                let suggestion = nearest(name, known.iter().map(|(known, _)| *known))
                    .map(|name| format!("--{name}"));
                return Err(error.suggest(suggestion.as_deref()));
            };
            if *kind != Kind::List && flags.iter().any(|flag| flag.name == name) {
                return Err(self.error(place, format!("--{name} is given twice")));
            }
            match (kind, value) {
                (Kind::Bool, Some(value))
                    if !["true", "false"]
                        .iter()
                        .any(|bool| value.eq_ignore_ascii_case(bool)) =>
                {
                    return Err(
                        self.error(place, format!("--{name} is true or false, not {value:?}"))
                    );
                }
                (Kind::Text | Kind::List, None) => {
                    return Err(self.error(place, format!("--{name} needs a value: --{name}=…")));
                }
                _ => {}
            }
            flags.push(Flag {
                name: name.to_owned(),
                value: value.map(str::to_owned),
                span: self.place(place),
            });
        }
        Ok(flags)
    }

    fn command(&self, arguments: &Arguments<'_>) -> Result<Command, Error> {
        Ok(match arguments.keyword.as_str() {
            "ADD" => Command::Add(self.transfer(arguments)?),
            "ARG" => Command::Arg(self.definitions(arguments)?),
            "CMD" => Command::Cmd(self.command_line(arguments)?),
            "COPY" => Command::Copy(self.transfer(arguments)?),
            "ENTRYPOINT" => Command::Entrypoint(self.command_line(arguments)?),
            "ENV" => Command::Env(self.pairs(arguments)?),
            "EXPOSE" => Command::Expose(self.at_least_one(arguments, self.split(arguments))?),
            "FROM" => Command::From(self.from(arguments)?),
            "HEALTHCHECK" => Command::Healthcheck(self.health(arguments)?),
            "LABEL" => Command::Label(self.pairs(arguments)?),
            "MAINTAINER" => Command::Maintainer(self.whole(arguments)?),
            "ONBUILD" => Command::Onbuild(Box::new(self.trigger(arguments)?)),
            "RUN" => {
                self.whole(arguments)?;
                Command::Run(self.command_line(arguments)?)
            }
            "SHELL" => Command::Shell(self.shell(arguments)?),
            "STOPSIGNAL" => Command::StopSignal(self.whole(arguments)?),
            "USER" => Command::User(self.whole(arguments)?),
            "VOLUME" => Command::Volume(self.at_least_one(arguments, self.list(arguments)?.0)?),
            _ => Command::Workdir(self.whole(arguments)?),
        })
    }

    pub(super) fn spanned(
        &self,
        arguments: &Arguments<'_>,
        range: Range<usize>,
        value: String,
    ) -> Spanned<String> {
        Spanned {
            value,
            span: self.place(arguments.start + range.start..arguments.start + range.end),
        }
    }

    /// An error about the arguments as a whole.
    pub(super) fn wrong(&self, arguments: &Arguments<'_>, message: impl Into<String>) -> Error {
        // Where there are none, the place is the keyword.
        let start = if arguments.text.is_empty() {
            0
        } else {
            arguments.start
        };
        self.error(start..start + arguments.text.len(), message)
    }

    pub(super) fn whole(&self, arguments: &Arguments<'_>) -> Result<Spanned<String>, Error> {
        if arguments.text.is_empty() {
            return Err(self.wrong(
                arguments,
                format!("{} needs an argument", arguments.keyword),
            ));
        }
        Ok(self.spanned(
            arguments,
            0..arguments.text.len(),
            arguments.text.to_owned(),
        ))
    }

    pub(super) fn at_least_one<T>(
        &self,
        arguments: &Arguments<'_>,
        list: Vec<T>,
    ) -> Result<Vec<T>, Error> {
        if list.is_empty() {
            Err(self.wrong(
                arguments,
                format!("{} needs at least one argument", arguments.keyword),
            ))
        } else {
            Ok(list)
        }
    }

    pub(super) fn split(&self, arguments: &Arguments<'_>) -> Vec<Spanned<String>> {
        let words = at_whitespace(arguments.text).into_iter();
        words
            .map(|range| self.spanned(arguments, range.clone(), arguments.text[range].to_owned()))
            .collect()
    }

    pub(super) fn json(&self, arguments: &Arguments<'_>) -> Result<Option<Vec<String>>, Error> {
        match json(arguments.text) {
            Json::Strings(strings) => Ok(Some(strings)),
            Json::Mixed => {
                Err(self.wrong(arguments, "in the JSON form every element must be a string"))
            }
            Json::No => Ok(None),
        }
    }

    /// A JSON array, or the pieces between white space; and which it was.
    pub(super) fn list(
        &self,
        arguments: &Arguments<'_>,
    ) -> Result<(Vec<Spanned<String>>, bool), Error> {
        let strings = self.json(arguments)?;
        let whole = 0..arguments.text.len();
        Ok(match strings {
            Some(strings) => (
                strings
                    .into_iter()
                    .map(|value| self.spanned(arguments, whole.clone(), value))
                    .collect(),
                true,
            ),
            None => (self.split(arguments), false),
        })
    }

    pub(super) fn command_line(&self, arguments: &Arguments<'_>) -> Result<CommandLine, Error> {
        let strings = self.json(arguments)?;
        let whole = 0..arguments.text.len();
        Ok(strings.map_or_else(
            || CommandLine::Shell(self.spanned(arguments, whole, arguments.text.to_owned())),
            CommandLine::Exec,
        ))
    }
}
