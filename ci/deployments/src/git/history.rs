//! What an environment pinned before: the history of a file of the state map.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::object_id;
use super::push::PushWriter;
use super::{GitError, objects};
use crate::policy::PastState;
use crate::{Entry, State};

/// How far back is looked, in commits of the branch.
pub(super) const DEPTH: &str = "--depth=500";
/// How many states are read.
const MAX_STATES: usize = 50;

impl PushWriter {
    /// What a file of the state map said, newest first, each with the commit that brought it onto the branch. Versions that cannot be
    /// read are left out.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn history(&self, path: &str) -> Result<Vec<PastState>, GitError> {
        let (cache, base) = self.open(&self.branch, DEPTH).await?;
        // Along the first parents: when a change was merged counts, not when it was proposed.
        let most = format!("--max-count={MAX_STATES}");
        let arguments = [
            "--first-parent",
            "--format=%H %ct",
            &most,
            &base,
            "--",
            path,
        ];
        let log = cache.git.run("log", &arguments, b"").await?;
        let mut history = Vec::new();
        for line in log
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let parsed = std::str::from_utf8(line).ok().and_then(|line| {
                let (id, seconds) = line.split_once(' ')?;
                Some((object_id(id.as_bytes())?, seconds.parse().ok()?))
            });
            let (commit, seconds) = parsed.ok_or_else(|| cache.git.unreadable("log"))?;
            let paths = [path.to_owned()].into();
            let contents = objects::contents(&cache.git, &commit, &paths).await?;
            if let Entry::File { bytes, .. } = contents.get(path)
                && let Ok(state) = State::parse(bytes)
            {
                history.push(PastState {
                    commit,
                    seconds,
                    state,
                });
            }
        }
        Ok(history)
    }

    /// The newest commit of the branch that changed each of these files, and its time in seconds since 1970; asked for all of them at
    /// once. What did not change in the last commits is left out.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn last_changes(
        &self,
        paths: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, (String, i64)>, GitError> {
        let (cache, base) = self.open(&self.branch, DEPTH).await?;
        let mut arguments = vec![
            "--first-parent",
            "-z",
            "--name-only",
            "--format=%x00%H %ct",
            &base,
            "--",
        ];
        arguments.extend(paths.iter().map(String::as_str));
        let log = cache.git.run("log", &arguments, b"").await?;
        let mut changes = BTreeMap::new();
        let mut commit = None;
        for part in log.split(|byte| *byte == 0) {
            let part = std::str::from_utf8(part).unwrap_or_default();
            let part = part.trim_start_matches('\n');
            let named = part.split_once(' ').and_then(|(id, seconds)| {
                Some((object_id(id.as_bytes())?, seconds.parse::<i64>().ok()?))
            });
            if named.is_some() {
                commit = named;
            } else if let Some(commit) = &commit
                && paths.contains(part)
            {
                let entry = changes.entry(part.to_owned());
                entry.or_insert_with(|| commit.clone());
            }
        }
        Ok(changes)
    }
}
