//! A syntax tree as text again: one line for each instruction, heredocs below it. Comments, except directives, are not kept.

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
            let skip: Vec<String> = check.value.skip.iter().map(Rule::to_string).collect();
            writeln!(
                f,
                "# check=skip={};error={}",
                skip.join(","),
                check.value.error
            )?;
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
    f.write_str(&instruction.text)?;
    if instruction.text.ends_with(escape) {
        // Only the last line of a file can end so. A continuation with nothing behind it keeps it from being one itself.
        write!(f, " {escape}")?;
    }
    writeln!(f)?;
    for heredoc in &instruction.heredocs {
        writeln!(f, "{}{}", heredoc.contents, heredoc.name)?;
    }
    Ok(())
}
