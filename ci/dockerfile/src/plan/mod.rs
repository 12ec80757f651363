//! The first phase of lowering: which stages the target needs, what each stands on, and what has to be fetched for it.
//!
//! It needs nothing but the Dockerfile and the request. The second phase, which needs the configurations of the base images,
//! is in [`crate::lower`].

mod base;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Command, Dockerfile, Instruction};
use crate::check::{Check, Rule, Warning, Warnings};
use crate::env::Env;
use crate::error::{Error, ErrorKind, nearest};
use crate::expand::Budget;
use crate::graph::{self, CopyFrom, Op, Source, StageId};
use crate::ignore::Patterns;
use crate::mount;
use crate::platform::Platform;
use crate::span::Span;

/// What is to be built of a Dockerfile, and with what.
#[derive(Debug, Clone)]
pub struct Request {
    /// Stage to build, by name or number; `None` means the last.
    pub target: Option<String>,
    /// Values of build arguments.
    pub build_args: BTreeMap<String, String>,
    /// Platform of the image.
    pub target_platform: Platform,
    /// Platform that builds it.
    pub build_platform: Platform,
    /// Names that stand for something the caller has. They override stages and images of that name.
    pub named_contexts: BTreeSet<String>,
}

/// What a stage stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// Another stage.
    Stage(StageId),
    /// A named context of the request.
    Context(String),
    /// An image.
    Image {
        /// The reference as written, variables replaced.
        reference: String,
        /// For which platform.
        platform: Platform,
    },
}

/// A stage of the file.
#[derive(Debug, Clone)]
pub struct PlannedStage {
    /// Which it is.
    pub id: StageId,
    /// Its name, or `stage-N`.
    pub name: String,
    /// What it stands on.
    pub base: Base,
    /// A named context took its place: its instructions are not run, the context is the stage.
    pub replaced: bool,
    /// Its platform.
    pub platform: Platform,
    /// Its FROM.
    pub span: Span,
}

/// Something that has to be there before the build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum External {
    /// An image.
    Image {
        /// The reference as written, variables replaced.
        reference: String,
        /// For which platform.
        platform: Platform,
    },
    /// A named context of the request.
    Context {
        /// Its name in the request.
        name: String,
        /// For which platform, should it be an image.
        platform: Platform,
    },
}

/// What a request needs of a Dockerfile.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) file: Dockerfile,
    pub(crate) request: Request,
    /// Global ARGs and the predefined ones, which an ARG without default in a stage takes its value from.
    pub(crate) globals: Env,
    pub(crate) check: Check,
    stages: Vec<PlannedStage>,
    target: StageId,
    needed: Vec<StageId>,
    externals: Vec<External>,
    warnings: Vec<Warning>,
}

impl Plan {
    /// Finds out what a request needs.
    ///
    /// # Errors
    /// A FROM that cannot be evaluated, a target or a stage that is not there, a stage that needs a later one.
    pub fn new(file: &Dockerfile, request: &Request) -> Result<Self, Error> {
        let check = file
            .check
            .as_ref()
            .map(|check| check.value.clone())
            .unwrap_or_default();
        let mut warnings = Warnings::new(&check);
        let budget = Budget::new(base::BUDGET);
        let globals = base::globals(file, request, &request.build_args, &budget)?;
        base::check_defaults(file, request, &mut warnings);
        let stages = base::stages(file, request, &globals, &budget, &mut warnings)?;
        let target = names::target(file, request)?;
        let mut plan = Self {
            file: file.clone(),
            request: request.clone(),
            globals,
            check,
            stages,
            target,
            needed: Vec::new(),
            externals: Vec::new(),
            warnings: file.warnings.clone(),
        };
        plan.warnings.append(&mut warnings.list);
        plan.reach()?;
        Ok(plan)
    }

    /// All stages of the file, in its order.
    pub fn stages(&self) -> &[PlannedStage] {
        &self.stages
    }

    /// A stage.
    pub fn stage(&self, id: StageId) -> Option<&PlannedStage> {
        self.stages.get(id.0)
    }

    /// The stage that was asked for.
    pub fn target(&self) -> StageId {
        self.target
    }

    /// The stages the target needs, itself included, each after those it needs. An ONBUILD trigger of an image may need more:
    /// lowered steps are what counts.
    pub fn needed(&self) -> &[StageId] {
        &self.needed
    }

    /// Images and named contexts that the needed stages use, each once.
    pub fn externals(&self) -> &[External] {
        &self.externals
    }

    /// Advice about the file and its FROM lines.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The file asks that warnings fail the build (`# check=error=true`).
    pub fn warnings_are_errors(&self) -> bool {
        self.check.error
    }

    /// Warns of a stage whose base image is for another platform than the stage.
    pub fn foreign_base(&self, stage: &PlannedStage, image: &Platform) -> Option<Warning> {
        let Base::Image { reference, .. } = &stage.base else {
            return None;
        };
        let wanted = &stage.platform;
        // Variants of an architecture are a matter of choice, not of ability.
        if (&wanted.os, &wanted.arch) == (&image.os, &image.arch) {
            return None;
        }
        let mut warnings = Warnings::new(&self.check);
        let message =
            format!("{reference} is an image for {image}, and this is built for {wanted}");
        warnings.add(Rule::InvalidBaseImagePlatform, stage.span, message);
        warnings.list.pop()
    }

    /// Warns of sources of a lowered stage that the context's ignore file leaves out. Where the file takes patterns back (`!`),
    /// that cannot be told from the path alone, and nothing is said.
    pub fn ignored_sources(&self, stage: &graph::Stage, ignored: &Patterns) -> Vec<Warning> {
        let mut warnings = Warnings::new(&self.check);
        if ignored.take_back() {
            return Vec::new();
        }
        for step in &stage.steps {
            let Op::Copy(copy) = &step.op else { continue };
            let paths = copy.sources.iter().filter_map(|source| match source {
                Source::Path(path) if copy.from == CopyFrom::Context => Some(path),
                _ => None,
            });
            for path in paths.filter(|path| ignored.matches(path)) {
                let message = format!("{path} is left out of the context by its ignore file");
                warnings.add(Rule::CopyIgnoredFile, step.span, message);
            }
        }
        warnings.list
    }

    /// Fills in what the target needs.
    fn reach(&mut self) -> Result<(), Error> {
        let mut reached = BTreeSet::new();
        let mut externals = BTreeSet::new();
        let mut open = vec![self.target];
        while let Some(id) = open.pop() {
            if !reached.insert(id) {
                continue;
            }
            let Some(stage) = self.stages.get(id.0) else {
                continue;
            };
            match &stage.base {
                Base::Scratch => {}
                Base::Stage(base) => open.push(*base),
                Base::Context(name) => {
                    externals.insert(External::Context {
                        name: name.clone(),
                        platform: stage.platform.clone(),
                    });
                }
                Base::Image {
                    reference,
                    platform,
                } => {
                    externals.insert(External::Image {
                        reference: reference.clone(),
                        platform: platform.clone(),
                    });
                }
            }
            for (from, span) in self.sources(stage)? {
                let wrong = |message| {
                    let error = self.error(ErrorKind::Invalid, span, message);
                    error.suggest(self.nearest_stage(&from))
                };
                match self.resolve(&from, id).map_err(wrong)? {
                    CopyFrom::Stage(id) => open.push(id),
                    CopyFrom::Named(name) => {
                        externals.insert(External::Context {
                            name,
                            platform: self.request.target_platform.clone(),
                        });
                    }
                    CopyFrom::Image(reference) => {
                        externals.insert(External::Image {
                            reference,
                            platform: self.request.target_platform.clone(),
                        });
                    }
                    CopyFrom::Context | CopyFrom::Scratch => {}
                }
            }
        }
        // A stage needs earlier ones only, so the order of the file is an order to build in.
        self.needed = reached.into_iter().collect();
        self.externals = externals.into_iter().collect();
        Ok(())
    }

    /// What the instructions of a stage name with `--from` and `from=`, and where.
    fn sources(&self, stage: &PlannedStage) -> Result<Vec<(String, Span)>, Error> {
        let of = |id: StageId| {
            self.file
                .stages
                .get(id.0)
                .map_or([].as_slice(), |stage| stage.instructions.as_slice())
        };
        if stage.replaced {
            return Ok(Vec::new());
        }
        let mut sources = Vec::new();
        for instruction in of(stage.id) {
            self.named_by(instruction, None, &mut sources)?;
        }
        if let Base::Stage(base) = stage.base {
            for instruction in of(base) {
                if let Command::Onbuild(trigger) = &instruction.command {
                    self.named_by(&trigger.instruction, Some(stage.span), &mut sources)?;
                }
            }
        }
        Ok(sources)
    }

    fn named_by(
        &self,
        instruction: &Instruction,
        place: Option<Span>,
        sources: &mut Vec<(String, Span)>,
    ) -> Result<(), Error> {
        for flag in &instruction.flags {
            let span = place.unwrap_or(flag.span);
            let value = flag.value.as_deref().unwrap_or_default();
            let name = match (&instruction.command, flag.name.as_str()) {
                (Command::Copy(_), "from") => {
                    Some(value.to_owned()).filter(|name| !name.is_empty())
                }
                (Command::Run(_), "mount") => mount::from(value)
                    .map_err(|message| self.error(ErrorKind::Syntax, span, message))?,
                _ => None,
            };
            sources.extend(name.map(|name| (name, span)));
        }
        Ok(())
    }

    pub(crate) fn error(&self, kind: ErrorKind, span: Span, message: impl Into<String>) -> Error {
        Error::new(kind, &self.file.source, span, message)
    }

    /// The stage that was probably meant by a name that turned out to be none, nor an image. Not the one of that very name, which cannot
    /// be used where it stands.
    pub fn nearest_stage(&self, name: &str) -> Option<&str> {
        let names = self
            .file
            .stages
            .iter()
            .filter_map(|stage| stage.from.name.as_ref())
            .map(|stage| stage.name.as_str())
            .filter(|stage| !stage.eq_ignore_ascii_case(name));
        nearest(name, names)
    }
}
