//! What promotions ask of a forge. The rules of promotions are not here, and of no forge's interface is there anything above.

use std::collections::{BTreeMap, BTreeSet};

use super::PullRequestError;
use crate::review::Trailer;
use crate::{Contents, FileChange, PullRequestPolicy};

/// A commit, as far as promotions look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) tree: String,
    pub(crate) message: String,
    pub(crate) parents: Vec<String>,
}

/// The branches of a repository and what is on them.
pub(crate) trait Branches {
    /// The commit that a branch is at; nothing: there is no such branch.
    async fn head(&self, branch: &str) -> Result<Option<Commit>, PullRequestError>;

    /// What stands at `paths` in a commit.
    async fn contents(
        &self,
        commit: &Commit,
        paths: &BTreeSet<String>,
    ) -> Result<Contents, PullRequestError>;

    /// The newest commit that both are made of; nothing where none is known.
    async fn merge_base(
        &self,
        head: &Commit,
        base: &Commit,
    ) -> Result<Option<Commit>, PullRequestError>;

    /// Makes a commit like `base` with the files of `changes`, on these parents, and on no branch yet; its id.
    async fn commit(
        &self,
        base: &Commit,
        changes: &BTreeMap<String, FileChange>,
        parents: &[&str],
        message: &str,
    ) -> Result<String, PullRequestError>;

    /// Makes a branch; no: somebody else did.
    async fn create(&self, branch: &str, commit: &str) -> Result<bool, PullRequestError>;

    /// Moves a branch forward, `from` a commit to one that descends from it; no: it is not there any more.
    async fn forward(
        &self,
        branch: &str,
        from: &str,
        commit: &str,
    ) -> Result<bool, PullRequestError>;
}

/// A pull request, as far as promotions look at it.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) branch: String,
    /// Where it is merged into, where the forge says so.
    pub(crate) base: Option<String>,
    pub(crate) is_open: bool,
    pub(crate) is_merged: bool,
    pub(crate) is_draft: bool,
    pub(crate) labels: Vec<String>,
    /// Whether somebody is asked for a review and has not answered.
    pub(crate) awaits_review: bool,
    /// Whether it merges itself when it may.
    pub(crate) merges_itself: bool,
    /// Who opened it, where that is known.
    pub(crate) author: Option<String>,
    /// Its name in interfaces that number nothing.
    pub(crate) node: String,
}

impl Pull {
    /// Whether title and description are these, but for line ends.
    pub(super) fn says(&self, title: &str, body: &str) -> bool {
        let before = self.body.replace("\r\n", "\n");
        self.title == title && before.trim_end() == body.trim_end()
    }

    pub(super) fn trailer(&self) -> Option<Trailer> {
        Trailer::parse(&self.body)
    }
}

/// A pull request that is to be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proposal<'a> {
    pub(crate) branch: &'a str,
    pub(crate) base: &'a str,
    pub(crate) title: &'a str,
    pub(crate) body: &'a str,
    pub(crate) draft: bool,
}

/// A repository on a forge.
pub(crate) trait Forge {
    type Branches: Branches;

    /// Its name, for messages.
    fn name(&self) -> String;

    /// Its branches as they are now. What this holds on to is held for one attempt, and while nobody else is asked anything.
    async fn branches(&self) -> Result<Self::Branches, PullRequestError>;

    /// Whether a branch is at a commit.
    async fn is_at(&self, branch: &str, commit: &str) -> Result<bool, PullRequestError>;

    /// Removes a branch that has done its work; one that is gone is no matter.
    async fn delete(&self, branch: &str) -> Result<(), PullRequestError>;

    /// The pull requests from a branch of this repository into `base`: one that is open first, then what was closed, newest first.
    /// Older ones may be missing.
    async fn pulls_of(&self, branch: &str, base: &str) -> Result<Vec<Pull>, PullRequestError>;

    /// All open pull requests of this repository's own branches into `base`.
    async fn open_pulls(&self, base: &str) -> Result<Vec<Pull>, PullRequestError>;

    /// Opens a pull request; nothing: somebody else did, or there is nothing to promote any more.
    async fn open(&self, proposal: Proposal<'_>) -> Result<Option<Pull>, PullRequestError>;

    /// Makes title and description say what they should.
    async fn describe(&self, pull: &Pull, title: &str, body: &str) -> Result<(), PullRequestError>;

    /// Closes a pull request with a word why, and this description.
    async fn close(&self, pull: &Pull, why: &str, body: &str) -> Result<(), PullRequestError>;

    /// Gives a pull request, whose branch is at `head`, what the policy says and it does not have. None of that is worth failing for:
    /// the promotion is there, and what could not be done is told.
    async fn finish(
        &self,
        pull: &Pull,
        head: &str,
        policy: &PullRequestPolicy,
    ) -> Result<Vec<String>, PullRequestError>;
}
