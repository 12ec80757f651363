//! One pull request for each promotion: found or opened, kept up to date, closed when it has nothing to say any more.

use std::collections::BTreeSet;

use ci_http::{Clock, Retry};

use super::branch::{self, Base, Brought};
use super::{Branches, Commit, Forge, Proposal, Pull, PullRequestError};
use crate::git::is_branch;
use crate::review::{self, Review, Trailer};
use crate::{Contents, Promotion, PullRequestPolicy, Refused};

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestRef {
    /// Its number.
    pub number: u64,
    /// Its address.
    pub url: String,
}

/// What came of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PullOutcome {
    /// The environment has it already.
    Done {
        /// The plan.
        promotion: Promotion,
        /// Pull requests that were open for it and are closed now.
        closed: Vec<PullRequestRef>,
    },
    /// A pull request is open for it.
    Open {
        /// The plan.
        promotion: Promotion,
        /// The pull request.
        pull: PullRequestRef,
        /// Whether this run opened it.
        is_new: bool,
        /// What could not be done for it.
        warnings: Vec<String>,
        /// Pull requests that it replaces.
        closed: Vec<PullRequestRef>,
    },
    /// People closed the pull request for just this without merging it.
    Declined {
        /// The plan.
        promotion: Promotion,
        /// The pull request.
        pull: PullRequestRef,
    },
}

/// Where a promotion goes, and on what terms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// The branch that is deployed.
    pub(crate) branch: &'a str,
    /// How pull requests are opened.
    pub(crate) policy: &'a PullRequestPolicy,
    /// How often a promotion that is overtaken is tried again.
    pub(crate) retry: &'a Retry,
    /// What waits between attempts.
    pub(crate) clock: &'a dyn Clock,
    /// Whether a promotion that people closed without merging it is opened again.
    pub(crate) reopen: bool,
}

/// The files at `paths`, on the branch that is deployed. Writes nothing.
pub(crate) async fn read(
    forge: &impl Forge,
    branch: &str,
    paths: &BTreeSet<String>,
) -> Result<Contents, PullRequestError> {
    let branches = forge.branches().await?;
    let base = base(forge, &branches, branch).await?;
    branches.contents(&base, paths).await
}

async fn base(
    forge: &impl Forge,
    branches: &impl Branches,
    branch: &str,
) -> Result<Commit, PullRequestError> {
    let base = branches.head(branch).await?;
    base.ok_or_else(|| PullRequestError::NoBranch {
        repository: forge.name(),
        branch: branch.to_owned(),
    })
}

/// Makes a plan of the files at `paths` and sees to it that one pull request is open for it. `review` is asked once the plan is
/// known, for what its description shall say.
pub(crate) async fn write(
    forge: &impl Forge,
    terms: Terms<'_>,
    paths: &BTreeSet<String>,
    plan: impl Fn(&Contents) -> Result<Promotion, Refused>,
    review: impl AsyncFn(&Promotion) -> Review,
) -> Result<PullOutcome, PullRequestError> {
    if !is_branch(terms.branch) {
        return Err(PullRequestError::Branch(terms.branch.to_owned()));
    }
    let mut attempts = 0;
    loop {
        if let Some(outcome) = attempt(forge, terms, paths, &plan, &review).await? {
            return Ok(outcome);
        }
        attempts += 1;
        match terms.retry.pause(attempts, None, terms.clock) {
            Some(pause) => terms.clock.sleep(pause).await,
            None => return Err(PullRequestError::Contended { attempts }),
        }
    }
}

/// What an attempt has come to before anybody is asked what the pull request shall say.
enum Prepared {
    /// All there is to do.
    Done(PullOutcome),
    /// The branch promotes it, at this commit; the pull request, if one is open.
    Brought(Promotion, String, Option<Pull>),
    /// Somebody was faster.
    Overtaken,
}

/// One attempt; nothing: somebody was faster.
async fn attempt(
    forge: &impl Forge,
    terms: Terms<'_>,
    paths: &BTreeSet<String>,
    plan: &impl Fn(&Contents) -> Result<Promotion, Refused>,
    review: &impl AsyncFn(&Promotion) -> Review,
) -> Result<Option<PullOutcome>, PullRequestError> {
    let (promotion, head, open) = match prepare(forge, terms, paths, plan).await? {
        Prepared::Done(outcome) => return Ok(Some(outcome)),
        Prepared::Overtaken => return Ok(None),
        Prepared::Brought(promotion, head, open) => (promotion, head, open),
    };
    let branch = branch::name(&promotion)?;
    let title = review::title(&promotion);
    let body = review::body(&promotion, &review(&promotion).await);
    let (pull, is_new) = match open {
        Some(pull) => {
            // Another run may have brought the branch on, and then describes what it brought.
            if !pull.says(&title, &body) {
                if !forge.is_at(&branch, &head).await? {
                    return Ok(None);
                }
                forge.describe(&pull, &title, &body).await?;
            }
            (pull, false)
        }
        None => {
            let proposal = Proposal {
                branch: &branch,
                base: terms.branch,
                title: &title,
                body: &body,
                draft: terms.policy.draft,
            };
            match forge.open(proposal).await? {
                Some(pull) => (pull, true),
                None => return Ok(None),
            }
        }
    };
    let closed = close_replaced(forge, terms, &promotion, &pull).await?;
    let warnings = forge.finish(&pull, &head, terms.policy).await?;
    Ok(Some(PullOutcome::Open {
        promotion,
        pull: (&pull).into(),
        is_new,
        warnings,
        closed,
    }))
}

async fn prepare(
    forge: &impl Forge,
    terms: Terms<'_>,
    paths: &BTreeSet<String>,
    plan: &impl Fn(&Contents) -> Result<Promotion, Refused>,
) -> Result<Prepared, PullRequestError> {
    let branches = forge.branches().await?;
    let base = base(forge, &branches, terms.branch).await?;
    let contents = branches.contents(&base, paths).await?;
    let promotion = plan(&contents)?;
    let branch = branch::name(&promotion)?;
    let pulls = forge.pulls_of(&branch, terms.branch).await?;
    let open = pulls.iter().find(|pull| pull.is_open);
    if promotion.is_done() {
        let mut closed = Vec::new();
        if let Some(pull) = open {
            let environment = &promotion.environment;
            close(forge, pull, &format!("{environment} has this already.")).await?;
            closed.push(pull.into());
        }
        return Ok(Prepared::Done(PullOutcome::Done { promotion, closed }));
    }
    let newest = pulls.first().filter(|_| !terms.reopen);
    if let Some(pull) = newest.filter(|it| is_declined(it, &promotion)) {
        let pull = pull.into();
        return Ok(Prepared::Done(PullOutcome::Declined { promotion, pull }));
    }
    let base = Base {
        commit: &base,
        paths,
        contents: &contents,
    };
    Ok(
        match branch::bring(&branches, &branch, base, &promotion, plan).await? {
            Brought::There(head) => Prepared::Brought(promotion, head, open.cloned()),
            Brought::Overtaken => Prepared::Overtaken,
        },
    )
}

/// Closes what a promotion contains as a whole: pull requests from when the catalog coupled the services differently.
async fn close_replaced(
    forge: &impl Forge,
    terms: Terms<'_>,
    promotion: &Promotion,
    pull: &Pull,
) -> Result<Vec<PullRequestRef>, PullRequestError> {
    let prefix = branch::prefix(promotion);
    let ours = Trailer::of(promotion);
    let mut closed = Vec::new();
    for other in forge.open_pulls(terms.branch).await? {
        let is_replaced = other.number != pull.number
            && other.branch.starts_with(&prefix)
            && other.trailer().is_some_and(|it| ours.replaces(&it));
        if is_replaced {
            close(forge, &other, &format!("#{} replaces it.", pull.number)).await?;
            closed.push((&other).into());
        }
    }
    Ok(closed)
}

/// Closes a pull request and removes its branch. Its trailer goes, so that nobody takes it for one that people closed.
async fn close(forge: &impl Forge, pull: &Pull, why: &str) -> Result<(), PullRequestError> {
    let body = Trailer::removed(&pull.body);
    forge.close(pull, &format!("Closed: {why}"), &body).await?;
    forge.delete(&pull.branch).await
}

/// Whether people closed the pull request of just this promotion.
fn is_declined(pull: &Pull, promotion: &Promotion) -> bool {
    let is_closed = !pull.is_open && !pull.is_merged;
    is_closed
        && pull
            .trailer()
            .is_some_and(|it| it.is_same(&Trailer::of(promotion)))
}

impl From<&Pull> for PullRequestRef {
    fn from(pull: &Pull) -> Self {
        Self {
            number: pull.number,
            url: crate::foreign::printable(&pull.url),
        }
    }
}
