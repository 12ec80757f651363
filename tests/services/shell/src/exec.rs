//! Runs a syntax tree: lists, pipelines and compound commands. What a simple command's name means is decided in
//! [`crate::command`].

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

use crate::ast::{AndOr, Command, Compound, Connector, List, Pipeline, Redirect, Target, Word};
use crate::parse;
use crate::pattern;
use crate::state::{Flow, Io, Outcome, Shell, reason};

/// The status of a program ended by SIGPIPE, given to builtins and applets whose reader has left.
pub(crate) const BROKEN_PIPE: u8 = 128 + 13;

/// Commands run deeper inside each other than this are stopped, before a function that calls itself exhausts the stack.
const MAX_DEPTH: u32 = 1_000;

/// Room for `MAX_DEPTH`, also without optimisation. It is reserved, not used.
const STACK: usize = 16 << 20;

/// What a pipe surely takes without anybody reading (PIPE_BUF).
const PIPE_CAPACITY: usize = 4096;

impl Shell {
    /// Runs a whole script, on a stack of known size: its exit status.
    pub(crate) fn run_script(self, source: &str) -> u8 {
        let io = self.io.clone();
        thread::scope(
            |scope| match spawn(scope, self, |shell| shell.source(source)) {
                Ok(running) => join(running),
                Err(error) => {
                    io.complain(&format!("sh: cannot start: {}", reason(&error)));
                    2
                }
            },
        )
    }

    /// Reads and runs commands in this shell, as `eval` does.
    pub(crate) fn source(&mut self, source: &str) -> Outcome {
        match parse::parse(source) {
            Ok(list) => self.run_list(&list),
            Err(error) => {
                self.io.complain(&format!("{}: {error}", self.name));
                Err(Flow::Exit(2))
            }
        }
    }

    pub(crate) fn run_list(&mut self, list: &List) -> Outcome {
        let mut status = 0;
        for and_or in list {
            status = self.run_and_or(and_or)?;
        }
        Ok(status)
    }

    fn run_and_or(&mut self, and_or: &AndOr) -> Outcome {
        let mut status = self.run_pipeline(&and_or.first, and_or.rest.is_empty())?;
        for (i, (connector, pipeline)) in and_or.rest.iter().enumerate() {
            if (status == 0) == (*connector == Connector::And) {
                status = self.run_pipeline(pipeline, i + 1 == and_or.rest.len())?;
            }
        }
        Ok(status)
    }

    /// `decides`: a failure is that of the whole and-or list, so that under `set -e` it ends the script.
    fn run_pipeline(&mut self, pipeline: &Pipeline, decides: bool) -> Outcome {
        let decides = decides && !pipeline.negated;
        let result = match (pipeline.stages.as_slice(), decides) {
            ([command], true) => self.run_command(command),
            ([command], false) => self.tolerantly(|shell| shell.run_command(command)),
            (stages, true) => self.run_stages(stages),
            (stages, false) => self.tolerantly(|shell| shell.run_stages(stages)),
        };
        let status = result?;
        self.status = if pipeline.negated {
            u8::from(status == 0)
        } else {
            status
        };
        // A compound command that fails has had its chance to exit inside.
        let checked = match pipeline.stages.as_slice() {
            [Command::Compound(compound, _)] => matches!(compound, Compound::Subshell(_)),
            [Command::Function { .. }] => false,
            _ => true,
        };
        if self.options.errexit && self.tolerant == 0 && decides && checked && self.status != 0 {
            return Err(Flow::Exit(self.status));
        }
        Ok(self.status)
    }

    /// Runs something of which only the status is wanted, without `set -e`.
    fn tolerantly(&mut self, run: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        self.tolerant += 1;
        let result = run(self);
        self.tolerant -= 1;
        result
    }

    /// Runs the stages of a pipeline at the same time, each in a subshell.
    fn run_stages(&mut self, stages: &[Command]) -> Outcome {
        let statuses: io::Result<Vec<u8>> = thread::scope(|scope| {
            let mut input = Arc::clone(&self.io.stdin);
            let mut running = Vec::new();
            for (i, stage) in stages.iter().enumerate() {
                let mut shell = self.fork();
                shell.io.stdin = input;
                input = Arc::clone(&self.io.stdin);
                if i + 1 < stages.len() {
                    let (reader, writer) = io::pipe()?;
                    shell.io.stdout = file(writer);
                    input = file(reader);
                }
                running.push(spawn(scope, shell, |shell| shell.run_command(stage))?);
            }
            Ok(running.into_iter().map(join).collect())
        });
        let statuses =
            statuses.map_err(|error| self.fatal(&format!("pipeline: {}", reason(&error))))?;
        let decisive = match self.options.pipefail {
            true => statuses.iter().rev().find(|status| **status != 0),
            false => statuses.last(),
        };
        Ok(decisive.copied().unwrap_or(0))
    }

    /// The output of commands, without the line ends at its end.
    pub(crate) fn substitute(&mut self, list: &List) -> Result<String, Flow> {
        let mut output = Vec::new();
        let status: io::Result<u8> = thread::scope(|scope| {
            let (mut reader, writer) = io::pipe()?;
            let mut shell = self.fork();
            shell.io.stdout = file(writer);
            let running = spawn(scope, shell, |shell| shell.run_list(list))?;
            reader.read_to_end(&mut output)?;
            Ok(join(running))
        });
        let status = status
            .map_err(|error| self.fatal(&format!("command substitution: {}", reason(&error))))?;
        self.substituted = Some(status);
        output.retain(|byte| *byte != 0);
        let mut text = String::from_utf8_lossy(&output).into_owned();
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    pub(crate) fn run_command(&mut self, command: &Command) -> Outcome {
        if self.depth == MAX_DEPTH {
            return Err(self.fatal(&format!("more than {MAX_DEPTH} commands inside each other")));
        }
        self.depth += 1;
        let result = match command {
            Command::Simple(simple) => self.run_simple(simple),
            Command::Compound(compound, redirects) => {
                self.redirected(redirects, |shell| shell.run_compound(compound))
            }
            Command::Function { name, body } => {
                self.functions.insert(name.clone(), Arc::clone(body));
                Ok(0)
            }
        };
        self.depth -= 1;
        result
    }

    fn run_compound(&mut self, compound: &Compound) -> Outcome {
        match compound {
            Compound::Group(list) => self.run_list(list),
            Compound::Subshell(list) => {
                let mut shell = self.fork();
                let result = shell.run_list(list);
                Ok(shell.end(result))
            }
            Compound::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    if self.tolerantly(|shell| shell.run_list(condition))? == 0 {
                        return self.run_list(body);
                    }
                }
                self.run_list(otherwise)
            }
            Compound::For { name, words, body } => self.run_for(name, words.as_deref(), body),
            Compound::While {
                until,
                condition,
                body,
            } => {
                let mut status = 0;
                while (self.tolerantly(|shell| shell.run_list(condition))? != 0) == *until {
                    if !self.run_round(body, &mut status)? {
                        break;
                    }
                }
                Ok(status)
            }
            Compound::Case { subject, arms } => {
                let subject = self.expand_text(subject)?;
                for (patterns, body) in arms {
                    for pattern in patterns {
                        if pattern::matches(&self.expand_pattern(pattern)?, &subject) {
                            return self.run_list(body);
                        }
                    }
                }
                Ok(0)
            }
        }
    }

    fn run_for(&mut self, name: &str, words: Option<&[Word]>, body: &List) -> Outcome {
        let values = match words {
            Some(words) => self.expand_words(words)?,
            None => self.positional.clone(),
        };
        let mut status = 0;
        for value in values {
            self.set_variable(name, &value);
            if !self.run_round(body, &mut status)? {
                break;
            }
        }
        Ok(status)
    }

    /// Runs the body of a loop once: whether the loop goes on.
    fn run_round(&mut self, body: &List, status: &mut u8) -> Result<bool, Flow> {
        self.loops += 1;
        let result = self.run_list(body);
        self.loops -= 1;
        match result {
            Ok(value) => {
                *status = value;
                Ok(true)
            }
            Err(Flow::Break(1)) => {
                *status = 0;
                Ok(false)
            }
            Err(Flow::Continue(1)) => {
                *status = 0;
                Ok(true)
            }
            Err(Flow::Break(levels)) => Err(Flow::Break(levels - 1)),
            Err(Flow::Continue(levels)) => Err(Flow::Continue(levels - 1)),
            Err(other) => Err(other),
        }
    }

    /// The exit status of a shell whose commands have ended.
    fn end(&self, result: Outcome) -> u8 {
        match result {
            Ok(status) | Err(Flow::Exit(status) | Flow::Return(status)) => status,
            Err(Flow::Break(_) | Flow::Continue(_)) => self.status,
        }
    }

    /// Runs something with redirections in force. One that cannot be made is the command's failure, and under `set -e` the
    /// end: a loop without its input must not pass for one that had nothing to do.
    pub(crate) fn redirected(
        &mut self,
        redirects: &[Redirect],
        run: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let Some(io) = self.redirect(redirects)? else {
            let ends = self.options.errexit && self.tolerant == 0;
            return if ends { Err(Flow::Exit(1)) } else { Ok(1) };
        };
        let outer = std::mem::replace(&mut self.io, io);
        let result = run(self);
        self.io = outer;
        result
    }

    /// Where the descriptors lead after redirections, or `None`, with a message, if one cannot be made.
    pub(crate) fn redirect(&mut self, redirects: &[Redirect]) -> Result<Option<Io>, Flow> {
        let mut io = self.io.clone();
        for redirect in redirects {
            let opened = match &redirect.target {
                Target::Duplicate(from) => {
                    let source = Arc::clone(io.slot(*from));
                    *io.slot(redirect.fd) = source;
                    continue;
                }
                Target::Here(text) => {
                    let text = match text.get() {
                        Some(word) => self.expand_text(word)?,
                        None => String::new(),
                    };
                    here_document(text).map_err(|error| ("here-document".to_owned(), error))
                }
                Target::Read(word) => self.open(word, OpenOptions::new().read(true))?,
                Target::Write(word) => self.open(
                    word,
                    OpenOptions::new().write(true).create(true).truncate(true),
                )?,
                Target::Append(word) => {
                    self.open(word, OpenOptions::new().append(true).create(true))?
                }
            };
            match opened {
                Ok(file) => *io.slot(redirect.fd) = Arc::new(file),
                Err((name, error)) => {
                    self.complain(&format!("cannot open {name}: {}", reason(&error)));
                    return Ok(None);
                }
            }
        }
        Ok(Some(io))
    }

    fn open(
        &mut self,
        word: &Word,
        how: &OpenOptions,
    ) -> Result<Result<File, (String, io::Error)>, Flow> {
        let name = self.expand_text(word)?;
        if name.is_empty() {
            return Ok(Err(("''".to_owned(), io::ErrorKind::NotFound.into())));
        }
        Ok(how
            .open(self.path(Path::new(&name)))
            .map_err(|error| (name, error)))
    }
}

/// Runs part of a script in a thread. The shell is dropped at its end, so that readers of its pipes see theirs.
fn spawn<'scope, 'env, F>(
    scope: &'scope Scope<'scope, 'env>,
    mut shell: Shell,
    run: F,
) -> io::Result<ScopedJoinHandle<'scope, u8>>
where
    F: FnOnce(&mut Shell) -> Outcome + Send + 'scope,
{
    thread::Builder::new()
        .stack_size(STACK)
        .spawn_scoped(scope, move || {
            let result = run(&mut shell);
            shell.end(result)
        })
}

fn join(running: ScopedJoinHandle<'_, u8>) -> u8 {
    running.join().unwrap_or(2)
}

fn file(end: impl Into<OwnedFd>) -> Arc<File> {
    Arc::new(File::from(end.into()))
}

/// A file to read `text` from, which is written by another thread if it is more than a pipe holds.
fn here_document(text: String) -> io::Result<File> {
    let (reader, mut writer): (PipeReader, PipeWriter) = io::pipe()?;
    if text.len() <= PIPE_CAPACITY {
        writer.write_all(text.as_bytes())?;
    } else {
        // It fails when the reader leaves early, which is the reader's right.
        thread::Builder::new().spawn(move || writer.write_all(text.as_bytes()))?;
    }
    Ok(File::from(OwnedFd::from(reader)))
}
