//! The writer that opens pull requests.

use std::collections::BTreeSet;

use ci_http::{Http, Retry};

use super::api::Api;
use super::branch::{self, Brought};
use super::pulls::Pull;
use super::{Auth, GitHubError, Repository, finish};
use crate::git::is_branch;
use crate::review::{self, Review, Trailer};
use crate::{Contents, Promotion, PullRequestPolicy, Refused};

/// Brings promotions to GitHub as pull requests.
#[derive(Debug, Clone)]
pub struct PullRequestWriter {
    /// The client.
    pub http: Http,
    /// The deployments repository.
    pub repository: Repository,
    /// Who we are.
    pub auth: Auth,
    /// The branch that is deployed.
    pub branch: String,
    /// How pull requests are opened.
    pub policy: PullRequestPolicy,
    /// How often a promotion that is overtaken is tried again.
    pub retry: Retry,
    /// Whether a promotion that people closed without merging it is opened again.
    pub reopen: bool,
}

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

impl PullRequestWriter {
    /// The files at `paths`. Writes nothing.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn read(&self, paths: &BTreeSet<String>) -> Result<Contents, GitHubError> {
        let api = self.auth.api(&self.http, &self.repository).await?;
        let base = self.base(&api).await?;
        api.contents(&base, paths).await
    }

    /// Makes a plan of the files at `paths` and sees to it that one pull request is open for it. `review` is asked once the plan is
    /// known, for what its description shall say.
    ///
    /// # Errors
    /// When the plan is refused, GitHub refuses, or others are faster too often.
    pub async fn write(
        &self,
        paths: &BTreeSet<String>,
        plan: impl Fn(&Contents) -> Result<Promotion, Refused>,
        review: impl AsyncFn(&Promotion) -> Review,
    ) -> Result<PullOutcome, GitHubError> {
        if !is_branch(&self.branch) {
            return Err(GitHubError::Branch(self.branch.clone()));
        }
        let api = self.auth.api(&self.http, &self.repository).await?;
        let mut attempts = 0;
        loop {
            if let Some(outcome) = self.attempt(&api, paths, &plan, &review).await? {
                return Ok(outcome);
            }
            attempts += 1;
            match self.retry.pause(attempts, None, self.http.clock()) {
                Some(pause) => self.http.clock().sleep(pause).await,
                None => return Err(GitHubError::Contended { attempts }),
            }
        }
    }

    /// One attempt; nothing: somebody was faster.
    async fn attempt(
        &self,
        api: &Api,
        paths: &BTreeSet<String>,
        plan: &impl Fn(&Contents) -> Result<Promotion, Refused>,
        review: &impl AsyncFn(&Promotion) -> Review,
    ) -> Result<Option<PullOutcome>, GitHubError> {
        let base = self.base(api).await?;
        let promotion = plan(&api.contents(&base, paths).await?)?;
        let branch = branch::name(&promotion)?;
        let pulls = api.pulls_of(&branch, &self.branch).await?;
        let open = pulls.iter().find(|pull| pull.is_open());
        if promotion.is_done() {
            let mut closed = Vec::new();
            if let Some(pull) = open {
                let environment = &promotion.environment;
                api.close(pull, &format!("Closed: {environment} has this already."))
                    .await?;
                branch::delete(api, &branch).await?;
                closed.push(pull.into());
            }
            return Ok(Some(PullOutcome::Done { promotion, closed }));
        }
        if let Some(pull) = pulls
            .first()
            .filter(|it| !self.reopen && is_declined(it, &promotion))
        {
            let pull = pull.into();
            return Ok(Some(PullOutcome::Declined { promotion, pull }));
        }
        let brought = branch::bring(api, &branch, &base, &promotion, paths, plan).await?;
        let Brought::There(head) = brought else {
            return Ok(None);
        };
        let title = review::title(&promotion);
        let body = review::body(&promotion, &review(&promotion).await);
        let (pull, is_new) = match open {
            Some(pull) => {
                // Another run may have brought the branch on, and then describes what it brought.
                if !pull.says(&title, &body) {
                    if api.head(&branch).await?.is_none_or(|now| now.sha != head) {
                        return Ok(None);
                    }
                    api.describe(pull, &title, &body).await?;
                }
                (pull.clone(), false)
            }
            None => {
                let draft = self.policy.draft;
                match api
                    .open_pull(&branch, &self.branch, &title, &body, draft)
                    .await?
                {
                    Some(pull) => (pull, true),
                    None => return Ok(None),
                }
            }
        };
        let closed = self.close_replaced(api, &promotion, &pull).await?;
        let warnings = finish::finish(api, &pull, &head, &self.policy).await?;
        Ok(Some(PullOutcome::Open {
            promotion,
            pull: (&pull).into(),
            is_new,
            warnings,
            closed,
        }))
    }

    async fn base(&self, api: &Api) -> Result<super::objects::Commit, GitHubError> {
        let base = api.head(&self.branch).await?;
        base.ok_or_else(|| GitHubError::NoBranch {
            repository: format!("{}/{}", self.repository.owner, self.repository.name),
            branch: self.branch.clone(),
        })
    }

    /// Closes what this promotion contains as a whole: pull requests from when the catalog coupled the services differently.
    async fn close_replaced(
        &self,
        api: &Api,
        promotion: &Promotion,
        pull: &Pull,
    ) -> Result<Vec<PullRequestRef>, GitHubError> {
        let prefix = branch::prefix(promotion);
        let ours = Trailer::of(promotion);
        let mut closed = Vec::new();
        for other in api.open_pulls(&self.branch).await? {
            let is_replaced = other.number != pull.number
                && other.head.branch.starts_with(&prefix)
                && other.trailer().is_some_and(|it| ours.replaces(&it));
            if is_replaced {
                api.close(&other, &format!("Closed: #{} replaces it.", pull.number))
                    .await?;
                branch::delete(api, &other.head.branch).await?;
                closed.push((&other).into());
            }
        }
        Ok(closed)
    }
}

/// Whether people closed the pull request of just this promotion. One that we close loses its trailer.
fn is_declined(pull: &Pull, promotion: &Promotion) -> bool {
    let is_closed = !pull.is_open() && pull.merged_at.is_none();
    is_closed
        && pull
            .trailer()
            .is_some_and(|it| it.is_same(&Trailer::of(promotion)))
}

impl From<&Pull> for PullRequestRef {
    fn from(pull: &Pull) -> Self {
        Self {
            number: pull.number,
            url: crate::foreign::printable(&pull.html_url),
        }
    }
}
