//! Simple commands: assignments, redirections, and the search for what the command's name means. In this order: a function
//! of the script, a builtin, an applet of this program, a program in PATH.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use crate::applets::{self, Call};
use crate::ast::{Command, Simple};
use crate::builtins;
use crate::state::{Flow, Outcome, Shell, Variable, reason};

const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Shell {
    pub(crate) fn run_simple(&mut self, simple: &Simple) -> Outcome {
        self.line = simple.line;
        self.substituted = None;
        let words = self.expand_words(&simple.words)?;
        let mut assignments = Vec::new();
        for (name, word) in &simple.assignments {
            let value = self.expand_text(word)?;
            if words.is_empty() {
                // Later assignments of the line may use earlier ones.
                self.set_variable(name, &value);
            }
            assignments.push((name, value));
        }
        if self.options.xtrace {
            let assigned = assignments
                .iter()
                .map(|(name, value)| format!(" {name}={value}"));
            let trace: String = assigned
                .chain(words.iter().map(|word| format!(" {word}")))
                .collect();
            self.io.complain(&format!("+{trace}"));
        }
        let Some((name, arguments)) = words.split_first() else {
            let status = self.substituted.unwrap_or(0);
            return self.redirected(&simple.redirects, |_| Ok(status));
        };
        if name == "exec" {
            let Some(io) = self.redirect(&simple.redirects)? else {
                return Err(Flow::Exit(1));
            };
            self.io = io;
        }
        let saved: BTreeMap<&String, Option<Variable>> = assignments
            .iter()
            .map(|(name, _)| (*name, self.variables.get(*name).cloned()))
            .collect();
        for (name, value) in assignments {
            self.variables.insert(
                name.clone(),
                Variable {
                    value,
                    exported: true,
                },
            );
        }
        let result = match name.as_str() {
            "exec" => self.exec(arguments),
            _ => self.redirected(&simple.redirects, |shell| shell.call(name, arguments)),
        };
        for (name, before) in saved {
            match before {
                Some(variable) => drop(self.variables.insert(name.clone(), variable)),
                None => drop(self.variables.remove(name)),
            }
        }
        result
    }

    fn call(&mut self, name: &str, arguments: &[String]) -> Outcome {
        if let Some(body) = self.functions.get(name).cloned() {
            return self.call_function(&body, arguments);
        }
        self.call_command(name, arguments)
    }

    /// Runs a command by name, but no function of the script.
    pub(crate) fn call_command(&mut self, name: &str, arguments: &[String]) -> Outcome {
        if let Some(builtin) = builtins::find(name) {
            return builtin(self, arguments);
        }
        if let Some(applet) = applets::find(name) {
            return Ok(self.call_applet(name, applet, arguments));
        }
        match self
            .program(name, arguments)
            .map(|mut program| program.status())
        {
            Ok(Ok(status)) => {
                let signal = status.signal().map(|signal| 128 + signal);
                // The kernel gives eight bits.
                Ok((status.code().or(signal).unwrap_or(1) & 0xff) as u8)
            }
            Ok(Err(error)) => Ok(self.not_started(name, &error)),
            Err(status) => Ok(status),
        }
    }

    fn call_function(&mut self, body: &Arc<Command>, arguments: &[String]) -> Outcome {
        let outer = std::mem::replace(&mut self.positional, arguments.to_vec());
        let result = self.run_command(body);
        self.positional = outer;
        match result {
            Err(Flow::Return(status)) => Ok(status),
            other => other,
        }
    }

    fn call_applet(&self, name: &str, applet: applets::Applet, arguments: &[String]) -> u8 {
        let environment = self.environment();
        applets::run(
            applet,
            &Call {
                name,
                arguments,
                cwd: &self.cwd,
                io: &self.io,
                environment: &environment,
                nested: true,
            },
        )
    }

    /// Replaces the shell by a command. A subshell, which is no process, runs it and ends.
    fn exec(&mut self, arguments: &[String]) -> Outcome {
        let Some((name, arguments)) = arguments.split_first() else {
            return Ok(0);
        };
        if let Some(applet) = applets::find(name) {
            return Err(Flow::Exit(self.call_applet(name, applet, arguments)));
        }
        if self.subshell {
            return Err(Flow::Exit(self.call_command(name, arguments)?));
        }
        match self
            .program(name, arguments)
            .map(|mut program| program.exec())
        {
            Ok(error) => Err(Flow::Exit(self.not_started(name, &error))),
            Err(status) => Err(Flow::Exit(status)),
        }
    }

    /// A program ready to be started, or the status for what could not be found.
    fn program(&self, name: &str, arguments: &[String]) -> Result<process::Command, u8> {
        let path = self.locate(name).ok_or_else(|| {
            self.complain(&format!("{name}: not found"));
            NOT_FOUND
        })?;
        let prepared = (|| -> io::Result<process::Command> {
            let mut program = process::Command::new(path);
            program
                .arg0(name)
                .args(arguments)
                .env_clear()
                .envs(self.environment())
                .current_dir(&self.cwd);
            program.stdin(self.io.stdin.try_clone()?);
            program.stdout(self.io.stdout.try_clone()?);
            program.stderr(self.io.stderr.try_clone()?);
            Ok(program)
        })();
        prepared.map_err(|error| self.not_started(name, &error))
    }

    fn not_started(&self, name: &str, error: &io::Error) -> u8 {
        self.complain(&format!("{name}: {}", reason(error)));
        if error.kind() == io::ErrorKind::NotFound {
            NOT_FOUND
        } else {
            NOT_EXECUTABLE
        }
    }

    /// The program a name stands for: a path as it is, else the first executable file of that name in PATH.
    pub(crate) fn locate(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(self.path(name));
        }
        if name.is_empty() {
            return None;
        }
        let path = self.variable("PATH").unwrap_or(DEFAULT_PATH);
        path.split(':')
            .map(|dir| self.path(dir).join(name))
            .find(|file| is_executable(file))
    }
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
