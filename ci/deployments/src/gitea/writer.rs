//! The writer that opens pull requests on Gitea and Forgejo.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use ci_http::{Clock, Http, Retry};

use super::forge::Gitea;
use super::{DIALECT, Repository};
use crate::git::{Credential, Identity, PushWriter};
use crate::policy::PastState;
use crate::pull::{self, PullOutcome, Terms};
use crate::rest::Api;
use crate::review::Review;
use crate::{Contents, Promotion, PullRequestError, PullRequestPolicy, Refused};

/// Brings promotions to a Gitea or Forgejo server as pull requests.
#[derive(Clone)]
pub struct PullRequestWriter {
    /// The client.
    pub http: Http,
    /// The deployments repository.
    pub repository: Repository,
    /// A token that may write the repository, issues included: labels and comments are an issue's.
    pub token: String,
    /// Who commits are by.
    pub identity: Identity,
    /// Folder for what is fetched, kept between runs.
    pub cache: PathBuf,
    /// The branch that is deployed.
    pub branch: String,
    /// How pull requests are opened.
    pub policy: PullRequestPolicy,
    /// How often a promotion that is overtaken is tried again.
    pub retry: Retry,
    /// What waits between attempts.
    pub clock: Arc<dyn Clock>,
    /// Whether a promotion that people closed without merging it is opened again.
    pub reopen: bool,
}

/// The token stays out of messages (S1).
impl std::fmt::Debug for PullRequestWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PullRequestWriter")
            .field("repository", &self.repository)
            .field("branch", &self.branch)
            .finish_non_exhaustive()
    }
}

impl PullRequestWriter {
    /// The files at `paths`. Writes nothing.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn read(&self, paths: &BTreeSet<String>) -> Result<Contents, PullRequestError> {
        Ok(self.git().read(paths).await?.1)
    }

    /// What a file of the state map said, newest first, each with the commit that brought it onto the branch. Versions that cannot be
    /// read are left out.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn history(&self, path: &str) -> Result<Vec<PastState>, PullRequestError> {
        Ok(self.git().history(path).await?)
    }

    /// Makes a plan of the files at `paths` and sees to it that one pull request is open for it. `review` is asked once the plan is
    /// known, for what its description shall say.
    ///
    /// # Errors
    /// When the plan is refused, the server refuses, or others are faster too often.
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
            clock: &*self.clock,
            reopen: self.reopen,
        };
        let Repository {
            owner, name, rest, ..
        } = &self.repository;
        let gitea = Gitea {
            api: Api::new(&self.http, &DIALECT, rest, (owner, name), &self.token),
            writer: self,
        };
        pull::write(&gitea, terms, paths, plan, review).await
    }

    /// The repository for git.
    pub(super) fn git(&self) -> PushWriter {
        PushWriter {
            address: self.repository.git.clone(),
            branch: self.branch.clone(),
            credential: Some(Credential {
                // It takes the token for a password, whoever shows it.
                user: "x-access-token".into(),
                secret: self.token.clone(),
            }),
            identity: self.identity.clone(),
            cache: self.cache.clone(),
            retry: self.retry.clone(),
            clock: Arc::clone(&self.clock),
        }
    }
}
