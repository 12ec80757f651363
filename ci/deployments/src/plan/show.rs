//! The plan as people read it.

use std::fmt;

use super::refused::short;
use super::{Move, Promotion};
use crate::foreign::printable;

impl fmt::Display for Promotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_done() {
            return writeln!(f, "{}: {} has it already", self.environment, self.unit);
        }
        for change in &self.moves {
            writeln!(f, "{}: {change}", self.environment)?;
        }
        for (path, change) in &self.files {
            writeln!(
                f,
                "  {}{}",
                printable(path),
                if change.before.is_none() {
                    " (new)"
                } else {
                    ""
                }
            )?;
            // A new file is the state map's: what it says stands above.
            for line in change.lines().iter().filter(|_| change.before.is_some()) {
                let mark = if line.is_new { '+' } else { '-' };
                writeln!(f, "  {:>5} {mark} {}", line.line, printable(&line.text))?;
            }
        }
        for note in &self.notes {
            writeln!(f, "  note: {}", printable(note))?;
        }
        Ok(())
    }
}

/// `web sha256:old → sha256:new (commit, tags)`
impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.service)?;
        match self.before {
            Some(before) if before == self.after.image.digest => write!(f, "stays at {before}")?,
            Some(before) => write!(f, "{before} -> {}", self.after.image.digest)?,
            None => write!(f, "-> {}", self.after.image.digest)?,
        }
        write!(f, " (commit {}", short(&self.after.source.commit))?;
        self.after
            .tags
            .iter()
            .try_for_each(|tag| write!(f, ", {tag}"))?;
        f.write_str(")")
    }
}
