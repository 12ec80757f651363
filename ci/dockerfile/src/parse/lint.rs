//! Advice that needs only the text: casing, names of stages, what is deprecated.

use std::collections::BTreeSet;

use crate::ast::{Command, Dockerfile, Instruction};
use crate::check::{Rule, Warning, Warnings};
use crate::span::Span;

/// Names that mean something else where a stage could be named.
const RESERVED: [&str; 2] = ["context", "scratch"];

pub(super) fn file(file: &Dockerfile, empty_lines: &[Span]) -> Vec<Warning> {
    let check = file
        .check
        .as_ref()
        .map(|check| check.value.clone())
        .unwrap_or_default();
    let mut warnings = Warnings::new(&check);
    for span in empty_lines {
        warnings.add(
            Rule::NoEmptyContinuation,
            *span,
            "an empty line in a continued instruction; future Docker versions refuse it",
        );
    }
    let mut names = BTreeSet::new();
    let majority = majority(file);
    for instruction in &file.args {
        warnings.check = check.merged(&instruction.comments);
        arguments(instruction, &mut warnings);
    }
    for stage in &file.stages {
        warnings.check = check.merged(&stage.instruction.comments);
        if let Some(name) = &stage.from.name {
            let from = &stage.instruction.keyword.value;
            if is_upper(from) && !is_upper(&name.keyword)
                || is_lower(from) && !is_lower(&name.keyword)
            {
                let message = format!("{:?} is not cased like {from:?}", name.keyword);
                warnings.add(Rule::FromAsCasing, stage.instruction.span, message);
            }
            if name.written != name.name {
                warnings.add(
                    Rule::StageNameCasing,
                    name.span,
                    format!("the stage name {:?} should be lower case", name.written),
                );
            }
            if RESERVED.contains(&name.name.as_str()) {
                warnings.add(
                    Rule::ReservedStageName,
                    name.span,
                    format!(
                        "{:?} has a meaning of its own and should not name a stage",
                        name.name
                    ),
                );
            }
            if !names.insert(name.name.as_str()) {
                warnings.add(
                    Rule::DuplicateStageName,
                    name.span,
                    format!("an earlier stage is named {:?} too", name.name),
                );
            }
        }
        if let Some(name) = &stage.from.name {
            description(&stage.instruction, &[&name.written], &mut warnings);
        }
        casing(&stage.instruction, majority, &mut warnings);
        for instruction in &stage.instructions {
            warnings.check = check.merged(&instruction.comments);
            casing(instruction, majority, &mut warnings);
            arguments(instruction, &mut warnings);
            if matches!(instruction.command, Command::Maintainer(_)) {
                let message =
                    "MAINTAINER is deprecated; use LABEL org.opencontainers.image.authors=…";
                warnings.add(Rule::MaintainerDeprecated, instruction.span, message);
            }
        }
    }
    let mut warnings = warnings.list;
    warnings.sort_by_key(|warning| warning.span);
    warnings
}

fn is_upper(text: &str) -> bool {
    !text.chars().any(char::is_lowercase)
}

fn is_lower(text: &str) -> bool {
    !text.chars().any(char::is_uppercase)
}

/// The casing that most keywords have; upper case where as many have either.
fn majority(file: &Dockerfile) -> &'static str {
    let keywords = || {
        file.stages
            .iter()
            .flat_map(|stage| std::iter::once(&stage.instruction).chain(&stage.instructions))
    };
    let lower = keywords()
        .filter(|instruction| is_lower(&instruction.keyword.value))
        .count();
    let upper = keywords()
        .filter(|instruction| is_upper(&instruction.keyword.value))
        .count();
    if lower > upper { "lower" } else { "upper" }
}

fn casing(instruction: &Instruction, majority: &str, warnings: &mut Warnings) {
    let keyword = &instruction.keyword;
    let consistent = if majority == "lower" {
        is_lower(&keyword.value)
    } else {
        is_upper(&keyword.value)
    };
    if !consistent {
        let message = format!(
            "{:?} is not in {majority} case like most instructions of the file",
            keyword.value
        );
        warnings.add(Rule::ConsistentInstructionCasing, keyword.span, message);
    }
}

fn arguments(instruction: &Instruction, warnings: &mut Warnings) {
    if let Command::Arg(arguments) = &instruction.command {
        let names: Vec<&str> = arguments.iter().map(|it| it.name.as_str()).collect();
        description(instruction, &names, warnings);
    }
}

/// The comment right above a stage or an argument is its description, which begins with the name; an empty comment says it is none.
fn description(instruction: &Instruction, names: &[&str], warnings: &mut Warnings) {
    let Some(comment) = instruction.comments.last().filter(|it| !it.is_empty()) else {
        return;
    };
    let first = comment.split(' ').next().unwrap_or_default();
    if !names.contains(&first) {
        let message = format!(
            "the comment above does not begin with {}, so it describes nothing; put an empty comment between if it is not to",
            names.join(" or ")
        );
        warnings.add(
            Rule::InvalidDefinitionDescription,
            instruction.span,
            message,
        );
    }
}
