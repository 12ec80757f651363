//! FROM lines: global arguments, platforms, and what each stage stands on.

use std::collections::{BTreeMap, BTreeSet};

use super::{Base, PlannedStage, Request, names};
use crate::ast::{Command, Dockerfile, Instruction, Stage};
use crate::check::{Rule, Warnings};
use crate::env::Env;
use crate::error::{Error, ErrorKind, nearest};
use crate::expand::{Budget, Expansion, Lexer, Variables};
use crate::graph::StageId;
use crate::platform::Platform;
use crate::reference;
use crate::span::Span;

/// What evaluating the FROM lines of a file may cost.
pub(super) const BUDGET: usize = 1 << 25;

/// The predefined arguments and those before the first FROM.
pub(super) fn globals(
    file: &Dockerfile,
    request: &Request,
    given: &BTreeMap<String, String>,
    budget: &Budget,
) -> Result<Env, Error> {
    let mut env = Env::default();
    let last = file
        .stages
        .last()
        .and_then(|stage| stage.from.name.as_ref())
        .map(|name| name.name.as_str());
    let target = request.target.as_deref().or(last).unwrap_or("default");
    for (prefix, platform) in [
        ("BUILD", &request.build_platform),
        ("TARGET", &request.target_platform),
    ] {
        let variant = platform.variant.as_deref().unwrap_or_default();
        let parts = [
            ("PLATFORM", &*platform.to_string()),
            ("OS", &platform.os),
            ("ARCH", &platform.arch),
            ("VARIANT", variant),
        ];
        for (suffix, value) in parts {
            let name = format!("{prefix}{suffix}");
            env.set(&name, given.get(&name).map_or(value, String::as_str));
        }
    }
    env.set(
        "TARGETSTAGE",
        given.get("TARGETSTAGE").map_or(target, String::as_str),
    );
    for instruction in &file.args {
        let Command::Arg(arguments) = &instruction.command else {
            continue;
        };
        for argument in arguments {
            let value = match (given.get(&argument.name), &argument.default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => expand(file, default, argument.span, &env, budget)?.text,
                (None, None) => continue,
            };
            env.set(&argument.name, &value);
        }
    }
    Ok(env)
}

fn expand(
    file: &Dockerfile,
    text: &str,
    span: Span,
    env: &Env,
    budget: &Budget,
) -> Result<Expansion, Error> {
    Lexer::new(file.escape)
        .expand(text, env, budget)
        .map_err(|fault| {
            let kind = if fault.limit {
                ErrorKind::Limit
            } else {
                ErrorKind::Invalid
            };
            Error::new(kind, &file.source, span, fault.message)
        })
}

/// Looks whether each FROM would name an image if no build argument were given.
pub(super) fn check_defaults(file: &Dockerfile, request: &Request, warnings: &mut Warnings) {
    let budget = &Budget::new(BUDGET);
    let Ok(env) = globals(file, request, &BTreeMap::new(), budget) else {
        return;
    };
    let check = warnings.check.clone();
    for stage in &file.stages {
        let Ok(base) = expand(
            file,
            &stage.from.base.value,
            stage.from.base.span,
            &env,
            budget,
        ) else {
            return;
        };
        if !reference::is_valid(&base.text) {
            let message = format!(
                "without build arguments {} names no image: give its ARG a default",
                stage.from.base.value
            );
            warnings.check = check.merged(&stage.instruction.comments);
            warnings.add(Rule::InvalidDefaultArgInFrom, stage.from.base.span, message);
        }
    }
    warnings.check = check;
}

/// Evaluates the FROM lines.
pub(super) fn stages(
    file: &Dockerfile,
    request: &Request,
    globals: &Env,
    budget: &Budget,
    warnings: &mut Warnings,
) -> Result<Vec<PlannedStage>, Error> {
    let check = warnings.check.clone();
    let declared = declared(file, globals);
    let mut planned: Vec<PlannedStage> = Vec::new();
    let mut by_name: BTreeMap<String, StageId> = BTreeMap::new();
    for (index, stage) in file.stages.iter().enumerate() {
        warnings.check = check.merged(&stage.instruction.comments);
        let span = stage.from.base.span;
        let base = expand(file, &stage.from.base.value, span, globals, budget)?;
        report_undeclared(&base, &declared, span, budget, warnings);
        if base.text.is_empty() {
            let message = format!(
                "{} is empty, but FROM needs an image or a stage",
                stage.from.base.value
            );
            return Err(Error::new(ErrorKind::Invalid, &file.source, span, message)
                .suggest(undeclared(&base, &declared)));
        }
        let platform = platform(file, stage, request, globals, budget, &declared, warnings)?;
        let name = stage.from.name.as_ref().map(|name| name.name.clone());
        let replaced = name.as_ref().and_then(|name| names::context(request, name));
        let stands_on = match (replaced, by_name.get(&base.text)) {
            (Some(context), _) => Base::Context(context.clone()),
            (None, Some(id)) => match &planned[id.0] {
                PlannedStage {
                    replaced: true,
                    base,
                    ..
                } => base.clone(),
                _ => Base::Stage(*id),
            },
            (None, None) if base.text == "scratch" => Base::Scratch,
            (None, None) => match names::context(request, &base.text) {
                Some(context) => Base::Context(context.clone()),
                None if reference::is_valid(&base.text) => Base::Image {
                    reference: base.text,
                    platform: platform
                        .clone()
                        .unwrap_or_else(|| request.target_platform.clone()),
                },
                None => {
                    let message = format!(
                        "{:?} is no reference to an image and no earlier stage",
                        base.text
                    );
                    let suggestion = nearest(&base.text, by_name.keys().map(String::as_str));
                    return Err(Error::new(ErrorKind::Invalid, &file.source, span, message)
                        .suggest(suggestion));
                }
            },
        };
        let id = StageId(index);
        // A stage on a stage has its platform, whatever it says itself.
        let platform = match &stands_on {
            Base::Stage(base) => planned[base.0].platform.clone(),
            _ => platform.unwrap_or_else(|| request.target_platform.clone()),
        };
        let replaced = replaced.is_some();
        let shown = name.clone().unwrap_or_else(|| format!("stage-{index}"));
        planned.push(PlannedStage {
            id,
            name: shown,
            base: stands_on,
            replaced,
            platform,
            span: stage.instruction.span,
        });
        by_name.extend(name.map(|name| (name, id)));
    }
    warnings.check = check;
    Ok(planned)
}

fn platform(
    file: &Dockerfile,
    stage: &Stage,
    request: &Request,
    globals: &Env,
    budget: &Budget,
    declared: &BTreeSet<String>,
    warnings: &mut Warnings,
) -> Result<Option<Platform>, Error> {
    let Some(flag) = stage.instruction.flag("platform") else {
        return Ok(None);
    };
    let written = flag.value.as_deref().unwrap_or_default();
    if written.is_empty() {
        return Ok(None);
    }
    let value = expand(file, written, flag.span, globals, budget)?;
    report_undeclared(&value, declared, flag.span, budget, warnings);
    let only = |name: &str| {
        value.unmatched.is_empty() && value.matched.len() == 1 && value.matched.contains(name)
    };
    if only("TARGETPLATFORM") && Variables::get(globals, "TARGETPLATFORM") == Some(&value.text) {
        let message = format!("--platform={written} is what a FROM without it means");
        warnings.add(Rule::RedundantTargetPlatform, flag.span, message);
    }
    if value.text.is_empty() {
        let error = Error::new(
            ErrorKind::Invalid,
            &file.source,
            flag.span,
            format!("--platform={written} is empty"),
        );
        return Err(error.suggest(undeclared(&value, declared)));
    }
    let platform = Platform::parse(&value.text, &request.build_platform)
        .map_err(|message| Error::new(ErrorKind::Invalid, &file.source, flag.span, message))?;
    let name = stage
        .from
        .name
        .as_ref()
        .map_or("", |name| name.name.as_str());
    if value.matched.is_empty()
        && value.unmatched.is_empty()
        && !name.contains(&platform.os)
        && !name.contains(&platform.arch)
    {
        let message = format!(
            "--platform={written} is fixed: use $BUILDPLATFORM or $TARGETPLATFORM, or name the stage after it"
        );
        warnings.add(Rule::FromPlatformFlagConstDisallowed, flag.span, message);
    }
    Ok(Some(platform))
}

/// Names that a FROM may use.
fn declared(file: &Dockerfile, globals: &Env) -> BTreeSet<String> {
    let arguments = |instruction: &Instruction| match &instruction.command {
        Command::Arg(arguments) => arguments
            .iter()
            .map(|argument| argument.name.clone())
            .collect(),
        _ => Vec::new(),
    };
    file.args
        .iter()
        .flat_map(arguments)
        .chain(globals.names().map(str::to_owned))
        .collect()
}

/// What was probably meant by a name that is not declared. Comparing many with many would take long, so it is not done.
fn undeclared<'a>(value: &Expansion, declared: &'a BTreeSet<String>) -> Option<&'a str> {
    const MANY: usize = 500;
    let mut names = value
        .unmatched
        .iter()
        .filter(|name| !declared.contains(*name))
        .take(MANY / 10);
    let few = declared.len() <= MANY;
    names.find_map(|name| nearest(name, declared.iter().map(String::as_str).filter(|_| few)))
}

fn report_undeclared(
    value: &Expansion,
    declared: &BTreeSet<String>,
    span: Span,
    budget: &Budget,
    warnings: &mut Warnings,
) {
    for name in value
        .unmatched
        .iter()
        .filter(|name| !declared.contains(*name))
    {
        let known = warnings.similar(
            name,
            declared.len(),
            declared.iter().map(String::as_str),
            budget,
        );
        let message = format!("no ARG before the first FROM declares {name}{known}");
        warnings.add(Rule::UndefinedArgInFrom, span, message);
    }
}
