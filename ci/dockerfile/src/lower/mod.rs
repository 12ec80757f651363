//! The second phase of lowering: from a stage's instructions and its base's configuration to steps.
//!
//! [`values`] replaces variables, [`metadata`], [`run`] and [`copy`] are the instructions, [`history`] is how they are recorded.

mod address;
mod copy;
mod git;
mod health;
mod history;
mod metadata;
mod mounts;
mod ports;
mod run;
mod signals;
mod values;

use crate::ast::{Command, Instruction};
use crate::check::Warnings;
use crate::config::{Config, DEFAULT_PATH};
use crate::env::Env;
use crate::error::{Error, ErrorKind};
use crate::expand::{Budget, Fault, Variables};
use crate::graph::{Op, Stage, StageId, Step};
use crate::parse;
use crate::plan::{Base, Plan, PlannedStage};
use crate::span::Span;

/// What lowering a stage may cost.
const BUDGET: usize = 1 << 25;
/// What lowering all stages of a file may cost together; of many stages, each gets its share.
const TOTAL_BUDGET: usize = 1 << 28;
/// What an instruction costs besides what it is made of.
const INSTRUCTION: usize = 64;

/// What a stage on top of another inherits besides its configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Build arguments declared so far, with their values.
    args: Args,
    /// The environment that RUN sees: the image's and the arguments'.
    env: Env,
    /// A WORKDIR was written in this file.
    workdir_set: bool,
}

/// What a stage begins with.
#[derive(Debug, Clone, Copy)]
pub enum Inherited<'a> {
    /// The configuration of an image or a named context; of `scratch`, [`Config::scratch`].
    Config(&'a Config),
    /// A lowered stage.
    Stage(&'a Stage),
}

impl<'a> From<&'a Config> for Inherited<'a> {
    fn from(config: &'a Config) -> Self {
        Self::Config(config)
    }
}

impl<'a> From<&'a Stage> for Inherited<'a> {
    fn from(stage: &'a Stage) -> Self {
        Self::Stage(stage)
    }
}

impl Plan {
    /// Lowers a stage onto its base: `&Stage` where [`PlannedStage::base`] is a stage, otherwise the `&Config` of the image or
    /// context ([`Config::scratch`] for `scratch`, and for a context that is no image).
    ///
    /// # Errors
    /// What cannot be built, with its place; of a trigger in the base image, the place of the FROM.
    pub fn lower<'a>(&self, id: StageId, base: impl Into<Inherited<'a>>) -> Result<Stage, Error> {
        let base = base.into();
        let missing = || {
            self.error(
                ErrorKind::Invalid,
                Span::default(),
                format!("there is no stage number {}", id.0),
            )
        };
        let stage = self.stage(id).ok_or_else(missing)?;
        let (mut config, mut scope) = match base {
            Inherited::Config(config) => (config.clone(), Scope::default()),
            Inherited::Stage(stage) => (stage.config.clone(), stage.scope.clone()),
        };
        if stage.replaced {
            return Ok(Stage {
                id,
                steps: Vec::new(),
                config,
                warnings: Vec::new(),
                scope,
            });
        }
        let triggers = std::mem::take(&mut config.onbuild);
        if config.env("PATH").is_none() {
            config
                .env
                .push(("PATH".to_owned(), DEFAULT_PATH.to_owned()));
        }
        let env: Env = config
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        for (name, value) in env
            .list()
            .iter()
            .filter(|_| matches!(base, Inherited::Config(_)))
        {
            scope.env.set(name, value);
        }
        let share = (TOTAL_BUDGET / self.stages().len().max(1)).min(BUDGET);
        let mut lowering = Lowering {
            plan: self,
            stage,
            config,
            env,
            scope,
            steps: Vec::new(),
            warnings: Warnings::new(&self.check),
            budget: Budget::new(share),
            trigger: false,
            once: Once::default(),
        };
        let labels = lowering
            .config
            .labels
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let inherited =
            lowering.scope.env.size() + lowering.scope.args.values.size() + labels.sum::<usize>();
        lowering.spend(stage.span, inherited)?;
        lowering.inherit()?;
        lowering.triggers(&triggers)?;
        for instruction in self
            .file
            .stages
            .get(id.0)
            .map_or([].as_slice(), |stage| &stage.instructions)
        {
            lowering.instruction(instruction)?;
        }
        Ok(lowering.finish())
    }
}

/// Build arguments in the order of declaration, found by name.
#[derive(Debug, Clone, Default)]
struct Args {
    values: Env,
    /// Declared, but without a value.
    unset: std::collections::BTreeSet<String>,
}

impl Args {
    fn declare(&mut self, name: &str, value: Option<&str>) {
        if value.is_none() && self.values.get(name).is_some() {
            return;
        }
        match value {
            Some(_) => self.unset.remove(name),
            None => self.unset.insert(name.to_owned()),
        };
        self.values.set(name, value.unwrap_or_default());
    }

    fn contains(&self, name: &str) -> bool {
        self.values.get(name).is_some()
    }
}

/// Instructions of which only the last of a stage counts, where they were seen.
#[derive(Default)]
struct Once {
    cmd: Option<Span>,
    entrypoint: Option<Span>,
    healthcheck: Option<Span>,
}

/// A stage while it is lowered.
struct Lowering<'a> {
    plan: &'a Plan,
    stage: &'a PlannedStage,
    config: Config,
    /// The image's environment; [`Config::env`] is filled from it at the end.
    env: Env,
    scope: Scope,
    steps: Vec<Step>,
    warnings: Warnings,
    budget: Budget,
    /// What is lowered is an ONBUILD trigger, so places in it are the FROM's.
    trigger: bool,
    once: Once,
}

/// What an instruction comes to.
struct Outcome {
    op: Op,
    created_by: Option<String>,
    /// `None`: the instruction as it is written.
    display: Option<String>,
}

impl Outcome {
    /// Of an instruction that only changes the configuration.
    fn metadata(created_by: impl Into<String>) -> Self {
        Self {
            op: Op::None,
            created_by: Some(created_by.into()),
            display: None,
        }
    }
}

impl Lowering<'_> {
    /// The place of something in an instruction.
    fn place(&self, span: Span) -> Span {
        if self.trigger { self.stage.span } else { span }
    }

    fn error(&self, span: Span, message: impl Into<String>) -> Error {
        let message: String = message.into();
        let message = if self.trigger {
            format!("in an ONBUILD trigger of the base image: {message}")
        } else {
            message
        };
        self.plan
            .error(ErrorKind::Invalid, self.place(span), message)
    }

    fn unsupported(&self, span: Span, message: impl Into<String>) -> Error {
        Error {
            kind: ErrorKind::Unsupported,
            ..self.error(span, message)
        }
    }

    fn fault(&self, span: Span, fault: Fault) -> Error {
        let kind = if fault.limit {
            ErrorKind::Limit
        } else {
            ErrorKind::Invalid
        };
        Error {
            kind,
            ..self.error(span, fault.message)
        }
    }

    fn spend(&self, span: Span, units: usize) -> Result<(), Error> {
        self.budget
            .spend(units)
            .map_err(|fault| self.fault(span, fault))
    }

    /// Takes over what the base says about directory and user.
    fn inherit(&mut self) -> Result<(), Error> {
        if self.stage.base == Base::Scratch {
            self.config.working_dir = "/".to_owned();
        }
        if !self.config.working_dir.is_empty() {
            self.config.working_dir = values::join("/", &self.config.working_dir);
        }
        metadata::check_user(&self.config.user).map_err(|message| {
            self.error(
                self.stage.span,
                format!("the base image has a bad USER: {message}"),
            )
        })
    }

    fn triggers(&mut self, triggers: &[String]) -> Result<(), Error> {
        self.trigger = true;
        for text in triggers {
            let wrong =
                |message: String| self.error(self.stage.span, format!("{text:?}: {message}"));
            if text.len() > parse::MAX_SIZE {
                return Err(wrong("it is too long".to_owned()));
            }
            let instruction = parse::trigger(text).map_err(wrong)?;
            self.instruction(&instruction)?;
        }
        self.trigger = false;
        Ok(())
    }

    fn instruction(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let span = self.place(instruction.span);
        self.spend(span, INSTRUCTION + instruction.text.len())?;
        self.warnings.check = self.plan.check.merged(&instruction.comments);
        let outcome = match &instruction.command {
            Command::Add(transfer) => self.copy(instruction, transfer, true)?,
            Command::Copy(transfer) => self.copy(instruction, transfer, false)?,
            Command::Run(command) => self.run(instruction, command)?,
            Command::Arg(arguments) => self.arg(arguments)?,
            Command::Cmd(command) => self.cmd(instruction, command),
            Command::Entrypoint(command) => self.entrypoint(instruction, command),
            Command::Env(pairs) => self.set_env(pairs)?,
            Command::Expose(ports) => self.expose(ports)?,
            Command::Healthcheck(health) => self.healthcheck(instruction, health)?,
            Command::Label(pairs) => self.label(pairs)?,
            Command::Maintainer(name) => self.maintainer(&name.value),
            Command::Onbuild(trigger) => self.onbuild(&trigger.expression),
            Command::Shell(shell) => self.shell(shell),
            Command::StopSignal(signal) => self.stop_signal(signal)?,
            Command::User(user) => self.user(user)?,
            Command::Volume(volumes) => self.volume(volumes)?,
            Command::Workdir(path) => self.workdir(instruction, path)?,
            Command::From(_) => return Ok(()),
        };
        let display = outcome
            .display
            .unwrap_or_else(|| history::uppercase_keyword(&instruction.text));
        self.spend(
            span,
            display.len() + outcome.created_by.as_ref().map_or(0, String::len),
        )?;
        self.steps.push(Step {
            empty_layer: matches!(outcome.op, Op::None),
            op: outcome.op,
            span,
            display,
            created_by: outcome.created_by,
            onbuild: self.trigger,
        });
        Ok(())
    }

    fn finish(mut self) -> Stage {
        self.config.env = self.env.list().to_vec();
        Stage {
            id: self.stage.id,
            steps: self.steps,
            config: self.config,
            warnings: self.warnings.list,
            scope: self.scope,
        }
    }
}
