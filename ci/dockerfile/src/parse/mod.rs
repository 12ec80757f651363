//! Dockerfile text to a syntax tree.
//!
//! What a single instruction may say is [`instruction`]'s; nothing is expanded or looked up here.

mod arguments;
mod flags;
mod heredoc;
mod instruction;
mod lines;
mod lint;
mod words;

use crate::ast::{Command, Dockerfile, Instruction, Stage};
use crate::error::{Error, ErrorKind};
use crate::span::{Source, Span};
use lines::Lines;

/// Largest file that is read, in bytes.
pub const MAX_SIZE: usize = 1 << 20;
/// Most instructions that are read.
pub const MAX_INSTRUCTIONS: usize = 10_000;

/// Most stages that are read.
pub const MAX_STAGES: usize = 1_000;

/// Reads a Dockerfile. The name is what errors call it.
///
/// # Errors
/// The first thing that is no Dockerfile, with its place.
pub fn parse(name: &str, text: &[u8]) -> Result<Dockerfile, Error> {
    if text.len() > MAX_SIZE {
        let source = Source::new(name, b"");
        let message = format!(
            "the file has {} bytes; a Dockerfile may have {MAX_SIZE}",
            text.len()
        );
        return Err(Error::new(
            ErrorKind::Limit,
            &source,
            Span::default(),
            message,
        ));
    }
    let source = Source::new(name, text);
    let mut lines = Lines::new(&source)?;
    let mut file = Dockerfile {
        syntax: lines.directives.syntax.clone(),
        escape: lines.directives.escape,
        check: lines.directives.check.clone(),
        source: source.clone(),
        args: Vec::new(),
        stages: Vec::new(),
        warnings: Vec::new(),
    };
    let mut empty_lines = Vec::new();
    let mut count = 0;
    while let Some(instruction) = next(&source, &mut lines, &mut empty_lines)? {
        count += 1;
        if count > MAX_INSTRUCTIONS {
            let message = format!("a Dockerfile may have {MAX_INSTRUCTIONS} instructions");
            return Err(Error::new(
                ErrorKind::Limit,
                &source,
                instruction.span,
                message,
            ));
        }
        if file.stages.len() > MAX_STAGES {
            let message = format!("a Dockerfile may have {MAX_STAGES} stages");
            return Err(Error::new(
                ErrorKind::Limit,
                &source,
                instruction.span,
                message,
            ));
        }
        match (&instruction.command, file.stages.last_mut()) {
            (Command::From(from), _) => {
                let from = from.clone();
                file.stages.push(Stage {
                    instruction,
                    from,
                    instructions: Vec::new(),
                });
            }
            (_, Some(stage)) => stage.instructions.push(instruction),
            (Command::Arg(_), None) => file.args.push(instruction),
            (_, None) => {
                let message = format!(
                    "{} must come after a FROM",
                    instruction.keyword.value.to_uppercase()
                );
                return Err(Error::new(
                    ErrorKind::Syntax,
                    &source,
                    instruction.keyword.span,
                    message,
                ));
            }
        }
    }
    if file.stages.is_empty() {
        let message = if count == 0 {
            "the file has no instructions"
        } else {
            "the file has no FROM"
        };
        return Err(Error::new(
            ErrorKind::Syntax,
            &source,
            source.span(0..0),
            message,
        ));
    }
    file.warnings = lint::file(&file, &empty_lines);
    Ok(file)
}

/// Reads an ONBUILD trigger: a single instruction.
pub(crate) fn trigger(text: &str) -> Result<Instruction, String> {
    let source = Source::new("ONBUILD trigger", text.as_bytes());
    let read = |lines: &mut Lines<'_>| next(&source, lines, &mut Vec::new());
    let mut lines = Lines::new(&source).map_err(|error| error.message)?;
    match (read(&mut lines), read(&mut lines)) {
        (Err(error), _) => Err(error.message),
        (Ok(Some(instruction)), Ok(None)) => match instruction.command {
            Command::From(_) | Command::Onbuild(_) | Command::Maintainer(_) => {
                Err("no such instruction is allowed there".to_owned())
            }
            _ => Ok(instruction),
        },
        _ => Err("it must be one instruction".to_owned()),
    }
}

/// Whether a text is a single heredoc word, `<<name`.
pub(crate) fn is_heredoc(text: &str) -> bool {
    heredoc::parse(text).is_some()
}

fn next(
    source: &Source,
    lines: &mut Lines<'_>,
    empty: &mut Vec<Span>,
) -> Result<Option<Instruction>, Error> {
    while let Some(mut line) = lines.line()? {
        if line.text.trim().is_empty() {
            continue;
        }
        empty.extend(line.empty);
        let comments = std::mem::take(&mut line.comments);
        let reader = instruction::Reader {
            source,
            line: &line,
            escape: lines.directives.escape,
        };
        let mut instruction = reader.read(0..line.text.len())?;
        if instruction::may_open_heredocs(&instruction.command) && line.text.contains("<<") {
            for (place, mut heredoc) in heredoc::find(&line.text) {
                heredoc.span = line.place(source, place);
                instruction.span = instruction.span.to(lines.heredoc(&mut heredoc)?);
                instruction.heredocs.push(heredoc);
            }
        }
        instruction.comments = comments;
        return instruction::with_heredocs(source, instruction).map(Some);
    }
    Ok(None)
}
