//! The writer that opens pull requests on Gitea and Forgejo.

use std::collections::BTreeSet;

use ci_http::Http;

use super::forge::Gitea;
use super::{DIALECT, Repository};
use crate::git::{Credential, PushWriter};
use crate::pull::{self, PullOutcome, Terms};
use crate::rest::Api;
use crate::review::Review;
use crate::{Contents, Promotion, PullRequestError, PullRequestPolicy, Refused};

/// Brings promotions to a Gitea or Forgejo server as pull requests.
#[derive(Clone)]
pub struct PullRequestWriter {
    /// The client.
    pub http: Http,
    /// How pull requests are opened.
    pub policy: PullRequestPolicy,
    /// Whether a promotion that people closed without merging it is opened again.
    pub reopen: bool,
    repository: Repository,
    token: String,
    git: PushWriter,
}

/// The token stays out of messages (S1).
impl std::fmt::Debug for PullRequestWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PullRequestWriter")
            .field("repository", &self.repository)
            .field("git", &self.git)
            .finish_non_exhaustive()
    }
}

impl PullRequestWriter {
    /// A writer for `repository`, which `git` reaches through git. The token is for both; it has to write the repository, and issues:
    /// labels and comments are theirs.
    pub fn new(
        http: Http,
        repository: Repository,
        token: &str,
        git: PushWriter,
        policy: PullRequestPolicy,
    ) -> Self {
        let named = git.credential.as_ref().map(|it| it.user.clone());
        // The token is taken for a password, whoever shows it.
        let user = named.unwrap_or_else(|| "x-access-token".into());
        let credential = Credential {
            user,
            secret: token.to_owned(),
        };
        Self {
            http,
            policy,
            reopen: false,
            repository,
            token: token.to_owned(),
            git: PushWriter {
                credential: Some(credential),
                ..git
            },
        }
    }

    /// What reads the repository, and what has been on its branch.
    pub fn git(&self) -> &PushWriter {
        &self.git
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
            branch: &self.git.branch,
            policy: &self.policy,
            retry: &self.git.retry,
            clock: &*self.git.clock,
            reopen: self.reopen,
        };
        let Repository { owner, name, rest } = &self.repository;
        let gitea = Gitea {
            api: Api::new(&self.http, &DIALECT, rest, (owner, name), &self.token),
            git: &self.git,
        };
        pull::write(&gitea, terms, paths, plan, review).await
    }
}
