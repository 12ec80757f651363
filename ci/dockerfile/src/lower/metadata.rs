//! Instructions that change the configuration only, and WORKDIR.

use super::{Lowering, Outcome, history, signals, values};
use crate::ast::{Argument, CommandLine, Instruction, KeyValue};
use crate::check::{Rule, names_a_secret};
use crate::error::Error;
use crate::expand::Variables;
use crate::graph::{Op, Workdir};
use crate::span::{Span, Spanned};

impl Lowering<'_> {
    pub(super) fn set_env(&mut self, pairs: &[KeyValue]) -> Result<Outcome, Error> {
        // All pairs see the values of before the instruction.
        let pairs = self.pairs("ENV", pairs)?;
        let mut created_by = "ENV".to_owned();
        for (key, value, span) in pairs {
            self.report_secret("ENV", &key, span);
            created_by.push_str(&format!(" {key}={value}"));
            self.scope.env.set(&key, &value);
            self.env.set(&key, &value);
        }
        Ok(Outcome::metadata(created_by))
    }

    pub(super) fn label(&mut self, pairs: &[KeyValue]) -> Result<Outcome, Error> {
        let mut created_by = "LABEL".to_owned();
        for (key, value, _) in self.pairs("LABEL", pairs)? {
            created_by.push_str(&format!(" {key}={value}"));
            self.config.labels.insert(key, value);
        }
        Ok(Outcome::metadata(created_by))
    }

    fn pairs(
        &mut self,
        keyword: &str,
        pairs: &[KeyValue],
    ) -> Result<Vec<(String, String, Span)>, Error> {
        let mut expanded = Vec::with_capacity(pairs.len());
        for pair in pairs {
            if pair.legacy {
                let message = format!(
                    "write {keyword} {}=… instead of the old form without =",
                    pair.key
                );
                self.warnings
                    .add(Rule::LegacyKeyValueFormat, self.place(pair.span), message);
            }
            let key = self.word(&pair.key, pair.span)?;
            if key.is_empty() {
                return Err(self.error(pair.span, format!("the name {} is empty", pair.key)));
            }
            expanded.push((key, self.word(&pair.value, pair.span)?, pair.span));
        }
        Ok(expanded)
    }

    fn report_secret(&mut self, keyword: &str, name: &str, span: Span) {
        if names_a_secret(name) {
            let message = format!(
                "{keyword} {name} looks like a secret, and is kept in the image; use RUN --mount=type=secret"
            );
            self.warnings
                .add(Rule::SecretsUsedInArgOrEnv, self.place(span), message);
        }
    }

    pub(super) fn arg(&mut self, arguments: &[Argument]) -> Result<Outcome, Error> {
        let mut created_by = "ARG".to_owned();
        for argument in arguments {
            let name = argument.name.as_str();
            self.report_secret("ARG", name, argument.span);
            let value = match (self.plan.request.build_args.get(name), &argument.default) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(default)) => Some(self.word(default, argument.span)?),
                (None, None) => self.plan.globals.get(name).map(str::to_owned),
            };
            self.spend(argument.span, value.as_ref().map_or(0, String::len))?;
            created_by.push(' ');
            created_by.push_str(name);
            if let Some(value) = &value {
                created_by.push('=');
                created_by.push_str(value);
                self.scope.env.set(name, value);
            }
            self.scope.args.declare(name, value.as_deref());
        }
        Ok(Outcome::metadata(created_by))
    }

    /// Program and arguments; a line for the shell is given to the image's.
    pub(super) fn argv(&self, command: &CommandLine) -> Vec<String> {
        match command {
            CommandLine::Exec(argv) => argv.clone(),
            CommandLine::Shell(line) => self.with_shell(line.value.clone()),
        }
    }

    pub(super) fn with_shell(&self, line: String) -> Vec<String> {
        let default = || vec!["/bin/sh".to_owned(), "-c".to_owned()];
        let mut argv = self
            .config
            .shell
            .clone()
            .filter(|shell| !shell.is_empty())
            .unwrap_or_else(default);
        argv.push(line);
        argv
    }

    fn report_shell_form(&mut self, instruction: &Instruction, command: &CommandLine) {
        if matches!(command, CommandLine::Shell(_)) && self.config.shell.is_none() {
            let keyword = instruction.keyword.value.to_uppercase();
            let message = format!(
                "{keyword} in shell form: signals reach the shell, not the program; use {keyword} [\"program\", \"argument\"]"
            );
            self.warnings.add(
                Rule::JSONArgsRecommended,
                self.place(instruction.span),
                message,
            );
        }
    }

    /// Notes an instruction of which only the last counts; the warning is about the one before.
    pub(super) fn report_repeated(&mut self, before: Option<Span>, keyword: &str) {
        if let Some(before) = before {
            let message = format!("a later {keyword} of the stage replaces this one");
            self.warnings
                .add(Rule::MultipleInstructionsDisallowed, before, message);
        }
    }

    pub(super) fn cmd(&mut self, instruction: &Instruction, command: &CommandLine) -> Outcome {
        let before = self.once.cmd.replace(self.place(instruction.span));
        self.report_repeated(before, "CMD");
        self.report_shell_form(instruction, command);
        let argv = self.argv(command);
        let created_by = format!("CMD {}", history::quoted_list(&argv));
        self.config.cmd = Some(argv);
        self.config.args_escaped = true;
        Outcome::metadata(created_by)
    }

    pub(super) fn entrypoint(
        &mut self,
        instruction: &Instruction,
        command: &CommandLine,
    ) -> Outcome {
        let before = self.once.entrypoint.replace(self.place(instruction.span));
        self.report_repeated(before, "ENTRYPOINT");
        self.report_shell_form(instruction, command);
        let argv = self.argv(command);
        let created_by = format!("ENTRYPOINT {}", history::quoted_list(&argv));
        self.config.entrypoint = Some(argv).filter(|argv| !argv.is_empty());
        // An inherited CMD was arguments of another program.
        if self.once.cmd.is_none() {
            self.config.cmd = None;
        }
        Outcome::metadata(created_by)
    }

    pub(super) fn shell(&mut self, shell: &[String]) -> Outcome {
        self.config.shell = Some(shell.to_vec());
        Outcome::metadata(format!("SHELL {}", history::list(shell)))
    }

    pub(super) fn maintainer(&mut self, name: &str) -> Outcome {
        self.config.author = Some(name.to_owned());
        Outcome::metadata(format!("MAINTAINER {name}"))
    }

    pub(super) fn onbuild(&mut self, expression: &str) -> Outcome {
        self.config.onbuild.push(expression.to_owned());
        Outcome {
            op: Op::None,
            created_by: None,
            display: None,
        }
    }

    pub(super) fn stop_signal(&mut self, signal: &Spanned<String>) -> Result<Outcome, Error> {
        let value = self.spanned(signal)?;
        if !signals::is_valid(&value) {
            return Err(self.error(signal.span, format!("there is no signal {value:?}")));
        }
        let created_by = format!("STOPSIGNAL {value}");
        self.config.stop_signal = Some(value);
        Ok(Outcome::metadata(created_by))
    }

    pub(super) fn user(&mut self, user: &Spanned<String>) -> Result<Outcome, Error> {
        let value = self.spanned(user)?;
        check_user(&value).map_err(|message| self.error(user.span, message))?;
        let created_by = format!("USER {value}");
        self.config.user = value;
        Ok(Outcome::metadata(created_by))
    }

    pub(super) fn volume(&mut self, volumes: &[Spanned<String>]) -> Result<Outcome, Error> {
        let mut paths = Vec::new();
        for volume in volumes {
            let path = self.spanned(volume)?.trim().to_owned();
            if path.is_empty() {
                return Err(self.error(volume.span, "a VOLUME cannot be empty"));
            }
            paths.push(path);
        }
        let created_by = format!("VOLUME {}", history::list(&paths));
        self.config.volumes.extend(paths);
        Ok(Outcome::metadata(created_by))
    }

    pub(super) fn workdir(
        &mut self,
        instruction: &Instruction,
        path: &Spanned<String>,
    ) -> Result<Outcome, Error> {
        let value = self.spanned(path)?;
        if !value.starts_with('/') && !self.scope.workdir_set {
            let message = format!(
                "WORKDIR {value} depends on the base image's directory; make the first WORKDIR absolute"
            );
            self.warnings
                .add(Rule::WorkdirRelativePath, self.place(path.span), message);
        }
        self.scope.workdir_set = true;
        let path = values::join(self.working_dir(), &value);
        // What is absolute is kept as it is written, as the reference does, unless dots would make it another place for whoever
        // follows links first.
        let is_plain = |value: &str| !value.split('/').any(|part| matches!(part, "." | ".."));
        let shown = if value.starts_with('/') && is_plain(&value) {
            value
        } else {
            path.clone()
        };
        let created_by = Some(format!("WORKDIR {shown}"));
        self.config.working_dir = shown;
        let display = Some(self.display(&instruction.text, false, &[]));
        let op = match path.as_str() {
            "/" => Op::None,
            _ => Op::Workdir(Workdir {
                path,
                user: self.config.user.clone(),
            }),
        };
        Ok(Outcome {
            op,
            created_by,
            display,
        })
    }
}

/// Refuses user and group numbers that no kernel has: cut to 32 bits they would be somebody else, such as root (E7).
pub(super) fn check_user(user: &str) -> Result<(), String> {
    for part in user.split(':') {
        let number = !part.is_empty()
            && part
                .trim_start_matches(['-', '+'])
                .bytes()
                .all(|byte| byte.is_ascii_digit());
        if number
            && part
                .parse::<u32>()
                .ok()
                .filter(|id| *id < u32::MAX)
                .is_none()
        {
            return Err(format!(
                "{part} is no user or group number: they are from 0 to {}",
                u32::MAX - 1
            ));
        }
    }
    match user.split(':').count() {
        0..=2 => Ok(()),
        _ => Err(format!("{user:?} is not written user or user:group")),
    }
}
