//! A syntax tree as text again: one line for each instruction, its comments above and its heredocs below it. Comments inside an instruction
//! and at the end are not part of the tree.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use crate::ast::{Dockerfile, Instruction};
use crate::check::Rule;

impl Display for Dockerfile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(syntax) = &self.syntax {
            writeln!(f, "# syntax={}", syntax.value)?;
        }
        if self.escape != '\\' {
            writeln!(f, "# escape={}", self.escape)?;
        }
        if let Some(check) = &self.check {
            let list = |rules: &BTreeSet<Rule>| {
                let names: Vec<String> = rules.iter().map(Rule::to_string).collect();
                names.join(",")
            };
            let (skip, experimental) = (list(&check.value.skip), list(&check.value.experimental));
            let error = check.value.error;
            writeln!(
                f,
                "# check=skip={skip};error={error};experimental={experimental}"
            )?;
        }
        let stage = self.stages.first().map(|stage| &stage.instruction);
        let first = self.args.first().or(stage);
        let comment = first.and_then(|first| first.comments.first());
        if comment.is_some_and(|comment| !comment.is_empty()) {
            // What stands behind a comment that is no directive is none either.
            writeln!(f, "#")?;
        }
        let of_stages = self
            .stages
            .iter()
            .flat_map(|stage| std::iter::once(&stage.instruction).chain(&stage.instructions));
        self.args
            .iter()
            .chain(of_stages)
            .try_for_each(|instruction| print(instruction, self.escape, f))
    }
}

fn print(instruction: &Instruction, escape: char, f: &mut Formatter<'_>) -> fmt::Result {
    for comment in &instruction.comments {
        writeln!(f, "{}", format!("# {comment}").trim_end())?;
    }
    f.write_str(&instruction.text)?;
    if instruction
        .text
        .strip_suffix(escape)
        .is_some_and(|text| !text.ends_with(escape))
    {
        // Where a line ends so it was kept from being continued by the end of the file, or by white space that does not count
        // there. A form feed is such, and is dropped again when the line is read.
        f.write_str("\x0c")?;
    }
    writeln!(f)?;
    for heredoc in &instruction.heredocs {
        writeln!(f, "{}{}", heredoc.contents, heredoc.name)?;
    }
    Ok(())
}
