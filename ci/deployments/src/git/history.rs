//! What an environment pinned before: the history of a file of the state map.

use super::cache::object_id;
use super::push::PushWriter;
use super::{GitError, objects};
use crate::policy::PastState;
use crate::{Entry, State};

/// How far back is looked, in commits of the branch.
const DEPTH: &str = "--depth=500";
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
}
