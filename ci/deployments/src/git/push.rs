//! The writer that puts a promotion onto the branch itself.
//!
//! Compare-and-swap: the new commit stands on the commit that was planned on, and the server takes it only while the branch is still
//! that commit. Otherwise the branch is fetched again and the plan made anew. A push whose answer was lost shows as a promotion that
//! is there already.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use ci_http::{Clock, Retry};

use super::cache::{Cache, checked_branch};
use super::{Address, Credential, GitError, Identity, objects};
use crate::{Contents, Promotion, Refused, review};

/// A commit without its history.
pub(super) const NEWEST: &str = "--depth=1";

/// Writes promotions onto a branch of a repository.
#[derive(Debug, Clone)]
pub struct PushWriter {
    /// The repository.
    pub address: Address,
    /// The branch, which exists.
    pub branch: String,
    /// For servers over HTTP; without it, what the user's git is configured with counts.
    pub credential: Option<Credential>,
    /// Who the commit is by.
    pub identity: Identity,
    /// Folder for what is fetched, kept between runs.
    pub cache: PathBuf,
    /// How often a branch that moves is followed.
    pub retry: Retry,
    /// What waits between attempts.
    pub clock: Arc<dyn Clock>,
}

/// What came of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The branch has it already; nothing was written.
    Done(Promotion),
    /// It was written as this commit.
    Written {
        /// What was changed.
        promotion: Promotion,
        /// The commit.
        commit: String,
    },
}

impl PushWriter {
    /// The files at `paths`, and the commit that they were read at. Writes nothing.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn read(&self, paths: &BTreeSet<String>) -> Result<(String, Contents), GitError> {
        let branch = self.branch.as_str();
        let (cache, base) = self.open(branch, NEWEST).await?;
        let contents = objects::contents(&cache.git, &base, paths).await?;
        Ok((base, contents))
    }

    /// Makes a plan of the files at `paths` and puts it onto the branch.
    ///
    /// # Errors
    /// When the plan is refused, the server does not take it, or the branch moves too often.
    pub async fn write(
        &self,
        paths: &BTreeSet<String>,
        plan: impl Fn(&Contents) -> Result<Promotion, Refused>,
    ) -> Result<Outcome, GitError> {
        let branch = self.branch.as_str();
        let mut attempt = 0;
        loop {
            // Held for one attempt, so that others of this machine take turns between ours.
            let (cache, base) = self.open(branch, NEWEST).await?;
            let promotion = plan(&objects::contents(&cache.git, &base, paths).await?)?;
            if promotion.is_done() {
                return Ok(Outcome::Done(promotion));
            }
            let tree = objects::tree(&cache.git, &base, &promotion.files).await?;
            let message = review::message(&promotion);
            let commit =
                objects::commit(&cache.git, &tree, &[&base], &self.identity, &message).await?;
            if push(&cache, branch, &base, &commit).await? {
                return Ok(Outcome::Written { promotion, commit });
            }
            drop(cache);
            attempt += 1;
            match self.retry.pause(attempt, None, &*self.clock) {
                Some(pause) => self.clock.sleep(pause).await,
                None => {
                    return Err(GitError::Contended {
                        address: self.address.to_string(),
                        branch: branch.to_owned(),
                        attempts: attempt,
                    });
                }
            }
        }
    }
}

impl PushWriter {
    pub(super) async fn open(
        &self,
        branch: &str,
        depth: &str,
    ) -> Result<(Cache, String), GitError> {
        let branch = checked_branch(branch)?;
        let credential = self.credential.as_ref();
        Cache::open(&self.cache, &self.address, branch, depth, credential).await
    }
}

/// Moves the branch from `base` to `commit`, or not at all: the lease also fails where the branch is gone, and would be made again.
/// An empty `base`: there must be no such branch. No: somebody else was faster, or nobody knows.
pub(super) async fn push(
    cache: &Cache,
    branch: &str,
    base: &str,
    commit: &str,
) -> Result<bool, GitError> {
    let lease = format!("--force-with-lease=refs/heads/{branch}:{base}");
    let refspec = format!("{commit}:refs/heads/{branch}");
    let arguments = ["--porcelain", "--no-verify", &lease, "origin", &refspec];
    let answer = cache.git.answer("push", &arguments, b"").await?;
    if answer.success {
        return Ok(true);
    }
    let stdout = String::from_utf8_lossy(&answer.stdout);
    // `!<TAB>FROM:TO<TAB>[rejected] (reason)`
    let refused = stdout.lines().find_map(|line| line.strip_prefix("!\t"));
    let reason = refused
        .and_then(|line| line.split_once('\t'))
        .map(|(_, reason)| reason);
    // Servers word a lost race in their own ways; what is none of these is a rule of theirs.
    const RACES: [&str; 8] = [
        "stale info",
        "fetch first",
        "non-fast-forward",
        "cannot lock ref",
        "failed to update ref",
        "failed to lock",
        "incorrect old value",
        "remote ref updated since checkout",
    ];
    match reason {
        Some(reason) if RACES.iter().any(|race| reason.contains(race)) => Ok(false),
        Some(reason) => {
            let reason = crate::foreign::printable(reason.trim());
            Err(GitError::Rejected {
                address: cache.git.address().to_string(),
                branch: branch.to_owned(),
                message: format!("{reason}; {}", answer.complaint),
            })
        }
        None => Err(cache.git.failed("push", answer.complaint)),
    }
}
