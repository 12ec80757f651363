//! The writer that opens pull requests on GitHub.

use std::collections::BTreeSet;

use ci_http::{Http, Retry};

use super::{Auth, Repository};
use crate::pull::{self, PullOutcome, Terms};
use crate::review::Review;
use crate::{Contents, Promotion, PullRequestError, PullRequestPolicy, Refused};

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

impl PullRequestWriter {
    /// The files at `paths`. Writes nothing.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn read(&self, paths: &BTreeSet<String>) -> Result<Contents, PullRequestError> {
        let github = self.auth.open(&self.http, &self.repository).await?;
        pull::read(&github, &self.branch, paths).await
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
    ) -> Result<PullOutcome, PullRequestError> {
        let terms = Terms {
            branch: &self.branch,
            policy: &self.policy,
            retry: &self.retry,
            clock: self.http.clock(),
            reopen: self.reopen,
        };
        let github = self.auth.open(&self.http, &self.repository).await?;
        pull::write(&github, terms, paths, plan, review).await
    }
}
