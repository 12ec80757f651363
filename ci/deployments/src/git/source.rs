//! The checkout that is promoted from: which commits follow which, and what they say. Only what the checkout has: nothing is fetched.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::release::is_commit;
use crate::review::Commits;
use crate::{History, Relation};

/// Most subjects that are read.
const MAX_SUBJECTS: usize = 250;

/// A checkout of the source repository.
#[derive(Debug, Clone)]
pub struct SourceHistory {
    dir: PathBuf,
}

impl SourceHistory {
    /// The checkout in `dir`.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self {
            dir: dir.as_ref().to_owned(),
        }
    }

    /// The commits that are part of `new` and not of `old`, newest first; nothing where the checkout does not have both.
    pub fn commits(&self, old: &str, new: &str) -> Option<Commits> {
        let range = self.range(old, new)?;
        let most = format!("--max-count={MAX_SUBJECTS}");
        let total = self.run(&["rev-list", "--count", &range])?;
        let log = self.run(&[
            "log",
            "--no-show-signature",
            "--format=%H %s",
            &most,
            &range,
        ])?;
        let subject = |line: &str| {
            let (id, subject) = line.split_once(' ')?;
            is_commit(id).then(|| (id.to_owned(), subject.to_owned()))
        };
        Some(Commits {
            subjects: log.lines().filter_map(subject).collect(),
            total: total.trim().parse().ok()?,
        })
    }

    /// A shallow checkout would answer with what it happens to have.
    fn range(&self, old: &str, new: &str) -> Option<String> {
        let is_whole = self.run(&["rev-parse", "--is-shallow-repository"])?.trim() == "false";
        (is_whole && self.has(old) && self.has(new)).then(|| format!("{old}..{new}"))
    }

    fn has(&self, commit: &str) -> bool {
        let name = format!("{commit}^{{commit}}");
        is_commit(commit) && self.run(&["cat-file", "-e", &name]).is_some()
    }

    fn is_ancestor(&self, old: &str, new: &str) -> bool {
        self.run(&["merge-base", "--is-ancestor", old, new])
            .is_some()
    }

    /// What a command prints, if it succeeds.
    fn run(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("git")
            .args([
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.hooksPath=/dev/null",
            ])
            .arg("--no-pager")
            .args(arguments)
            .current_dir(&self.dir)
            // Objects that a partial clone lacks stay away, and so does what replaces others.
            .env("GIT_ALLOW_PROTOCOL", "")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(text)
    }
}

impl History for SourceHistory {
    fn relation(&self, commit: &str, other: &str) -> Relation {
        // In a shallow checkout what is an ancestor may not look like one, never the other way round.
        if !self.has(commit) || !self.has(other) {
            return Relation::Unknown;
        }
        if self.is_ancestor(other, commit) {
            return Relation::Descendant;
        }
        if self.is_ancestor(commit, other) {
            return Relation::Ancestor;
        }
        match self.range(other, commit) {
            Some(_) => Relation::Diverged,
            None => Relation::Unknown,
        }
    }
}
