//! The branches of pull requests on a git remote: for forges that have no way to make commits through their interface.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::{Cache, object_id};
use super::history::DEPTH;
use super::push::{NEWEST, PushWriter, push};
use super::{GitError, Identity, objects};
use crate::pull::{Branches, Commit};
use crate::{Contents, FileChange, PullRequestError};

/// A repository, held for this process alone until it is dropped.
#[derive(Debug)]
pub(crate) struct Remote {
    cache: Cache,
    identity: Identity,
    /// The branch that is deployed, and the commit it is at.
    base: (String, String),
}

impl PushWriter {
    /// The repository as it is now.
    pub(crate) async fn remote(&self) -> Result<Remote, GitError> {
        let (cache, base) = self.open(&self.branch, NEWEST).await?;
        Ok(Remote {
            cache,
            identity: self.identity.clone(),
            base: (self.branch.clone(), base),
        })
    }
}

impl Remote {
    async fn read(&self, id: &str) -> Result<Commit, GitError> {
        let git = &self.cache.git;
        let text = git.run("cat-file", &["commit", id], b"").await?;
        let text = String::from_utf8_lossy(&text);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let values = |key: &str| -> Vec<String> {
            let lines = head.lines();
            let values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
            values.map(str::to_owned).collect()
        };
        let tree = values("tree").pop();
        Ok(Commit {
            id: id.to_owned(),
            tree: tree.ok_or_else(|| git.unreadable("cat-file"))?,
            message: message.to_owned(),
            parents: values("parent"),
        })
    }
}

impl Branches for Remote {
    async fn head(&self, branch: &str) -> Result<Option<Commit>, PullRequestError> {
        let id = match branch == self.base.0 {
            true => self.base.1.clone(),
            false => match self.cache.fetch(branch, NEWEST).await {
                Ok(id) => id,
                Err(GitError::NoBranch { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Some(self.read(&id).await?))
    }

    async fn contents(
        &self,
        commit: &Commit,
        paths: &BTreeSet<String>,
    ) -> Result<Contents, PullRequestError> {
        Ok(objects::contents(&self.cache.git, &commit.id, paths).await?)
    }

    /// As far as the history is looked back.
    async fn merge_base(
        &self,
        head: &Commit,
        base: &Commit,
    ) -> Result<Option<Commit>, PullRequestError> {
        self.cache.deepen(&[&head.id, &base.id], DEPTH).await?;
        let git = &self.cache.git;
        let answer = git.answer("merge-base", &[&head.id, &base.id], b"").await?;
        match object_id(&answer.stdout).filter(|_| answer.success) {
            Some(id) => Ok(Some(self.read(&id).await?)),
            None => Ok(None),
        }
    }

    async fn commit(
        &self,
        base: &Commit,
        changes: &BTreeMap<String, FileChange>,
        parents: &[&str],
        message: &str,
    ) -> Result<String, PullRequestError> {
        let git = &self.cache.git;
        let tree = objects::tree(git, &base.id, changes).await?;
        Ok(objects::commit(git, &tree, parents, &self.identity, message).await?)
    }

    async fn create(&self, branch: &str, commit: &str) -> Result<bool, PullRequestError> {
        Ok(push(&self.cache, branch, "", commit).await?)
    }

    async fn forward(
        &self,
        branch: &str,
        from: &str,
        commit: &str,
    ) -> Result<bool, PullRequestError> {
        Ok(push(&self.cache, branch, from, commit).await?)
    }
}
