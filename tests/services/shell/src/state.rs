//! What a running shell knows: variables, options, parameters, the working directory, and where its three standard
//! descriptors lead.
//!
//! All of it is held as values instead of in the process, so that a subshell is a clone and a stage of a pipeline is a
//! thread. That needs neither `fork` nor any other unsafe call.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ast::Command;

/// Why commands stop before the end of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Exit(u8),
    Return(u8),
    /// Leave this many enclosing loops.
    Break(u32),
    /// Leave all but the last of this many enclosing loops, and go on with that.
    Continue(u32),
}

/// An exit status, or what else happened.
pub(crate) type Outcome = Result<u8, Flow>;

/// Where standard input, output and error lead.
#[derive(Clone, Debug)]
pub(crate) struct Io {
    pub(crate) stdin: Arc<File>,
    pub(crate) stdout: Arc<File>,
    pub(crate) stderr: Arc<File>,
}

impl Io {
    /// The process's own.
    pub(crate) fn inherited() -> io::Result<Self> {
        let file = |fd: &dyn AsFd| {
            Ok::<_, io::Error>(Arc::new(File::from(fd.as_fd().try_clone_to_owned()?)))
        };
        Ok(Self {
            stdin: file(&io::stdin())?,
            stdout: file(&io::stdout())?,
            stderr: file(&io::stderr())?,
        })
    }

    /// The descriptor `fd`, which the parser has limited to 0, 1 and 2.
    pub(crate) const fn slot(&mut self, fd: u8) -> &mut Arc<File> {
        match fd {
            0 => &mut self.stdin,
            1 => &mut self.stdout,
            _ => &mut self.stderr,
        }
    }

    /// Writes a line to standard error. Where that fails there is nowhere left to say so.
    pub(crate) fn complain(&self, message: &str) {
        let _ = (&*self.stderr).write_all(format!("{message}\n").as_bytes());
    }
}

/// What `set` changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) errexit: bool,
    pub(crate) noglob: bool,
    pub(crate) nounset: bool,
    pub(crate) pipefail: bool,
    pub(crate) xtrace: bool,
}

impl Options {
    /// The option with this letter or this long name.
    pub(crate) fn slot(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "e" | "errexit" => Some(&mut self.errexit),
            "f" | "noglob" => Some(&mut self.noglob),
            "u" | "nounset" => Some(&mut self.nounset),
            "pipefail" => Some(&mut self.pipefail),
            "x" | "xtrace" => Some(&mut self.xtrace),
            _ => None,
        }
    }

    /// The value of `$-`.
    pub(crate) fn letters(self) -> String {
        let all = [
            (self.errexit, 'e'),
            (self.noglob, 'f'),
            (self.nounset, 'u'),
            (self.xtrace, 'x'),
        ];
        all.into_iter()
            .filter_map(|(on, letter)| on.then_some(letter))
            .collect()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) value: String,
    pub(crate) exported: bool,
}

/// A running shell, or a subshell of it.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// `$0`
    pub(crate) name: String,
    /// `$1` and onwards.
    pub(crate) positional: Vec<String>,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) functions: BTreeMap<String, Arc<Command>>,
    pub(crate) options: Options,
    /// `$?`
    pub(crate) status: u8,
    /// Status of the last command substitution, which is that of a command with no name.
    pub(crate) substituted: Option<u8>,
    pub(crate) cwd: PathBuf,
    pub(crate) io: Io,
    /// The line being run, for messages.
    pub(crate) line: u32,
    /// A part of the script that runs beside the rest: it must not replace the process.
    pub(crate) subshell: bool,
    /// How many enclosing commands only ask for a status, so that a failure does not end the script.
    pub(crate) tolerant: u32,
    /// How many commands are being run inside each other.
    pub(crate) depth: u32,
    /// How many of them are loops.
    pub(crate) loops: u32,
}

impl Shell {
    /// A shell with the variables of `environment`, all exported.
    pub(crate) fn new(
        name: &str,
        io: Io,
        cwd: PathBuf,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let exported = |(name, value)| {
            (
                name,
                Variable {
                    value,
                    exported: true,
                },
            )
        };
        let mut shell = Self {
            name: name.to_owned(),
            positional: Vec::new(),
            variables: environment.into_iter().map(exported).collect(),
            functions: BTreeMap::new(),
            options: Options::default(),
            status: 0,
            substituted: None,
            cwd,
            io,
            line: 1,
            subshell: false,
            tolerant: 0,
            depth: 0,
            loops: 0,
        };
        // A separator that came from outside would change what every script means.
        shell.variables.remove("IFS");
        let cwd = shell.cwd.display().to_string();
        shell.set_variable("PWD", &cwd);
        shell
    }

    /// A copy for commands whose changes to the shell are theirs alone.
    pub(crate) fn fork(&self) -> Self {
        Self {
            subshell: true,
            ..self.clone()
        }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(|variable| variable.value.as_str())
    }

    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        let exported = self
            .variables
            .get(name)
            .is_some_and(|variable| variable.exported);
        self.variables.insert(
            name.to_owned(),
            Variable {
                value: value.to_owned(),
                exported,
            },
        );
    }

    /// Sets a variable by a name that the script gave.
    pub(crate) fn assign(&mut self, name: &str, value: &str) -> Result<(), Flow> {
        if !is_name(name) {
            return Err(self.fatal(&format!("`{name}` cannot be assigned to")));
        }
        self.set_variable(name, value);
        Ok(())
    }

    /// What programs are started with.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let exported = self
            .variables
            .iter()
            .filter(|(_, variable)| variable.exported);
        exported
            .map(|(name, variable)| (name.clone(), variable.value.clone()))
            .collect()
    }

    /// Says on standard error what went wrong in the present line.
    pub(crate) fn complain(&self, message: &str) {
        self.io
            .complain(&format!("{}: line {}: {message}", self.name, self.line));
    }

    /// An error that ends the script, as POSIX has it for failed expansions.
    pub(crate) fn fatal(&self, message: &str) -> Flow {
        self.complain(message);
        Flow::Exit(2)
    }

    /// Writes a builtin's result. Whoever reads may have left, as in `echo | true`: that is the writer's end, and quiet.
    pub(crate) fn print(&self, text: &str) -> Outcome {
        match (&*self.io.stdout).write_all(text.as_bytes()) {
            Ok(()) => Ok(0),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(crate::exec::BROKEN_PIPE),
            Err(error) => {
                self.complain(&format!("write: {}", reason(&error)));
                Ok(1)
            }
        }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.cwd.join(name)
    }
}

/// Whether a variable can have this name.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// An error as the system words it, without the number that the standard library adds.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}
