//! A source repository on GitHub: the commits between two, where a checkout does not have them, and what became of checks.

use ci_http::Http;
use serde::Deserialize;

use super::{DIALECT, Repository};
use crate::rest::Api;
use crate::review::Commits;
use crate::{PullRequestError, Relation};

/// Most runs and statuses of one name that are looked at.
const PAGE: (&str, &str) = ("per_page", "100");

/// A source repository. It is only read.
#[derive(Clone)]
pub struct SourceRepository {
    api: Api,
}

/// The token stays out of messages (S1).
impl std::fmt::Debug for SourceRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SourceRepository({})", self.api.names.name)
    }
}

#[derive(Deserialize)]
struct Comparison {
    status: String,
    total_commits: usize,
    commits: Vec<Compared>,
}

#[derive(Deserialize)]
struct Compared {
    sha: String,
    commit: Message,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

#[derive(Deserialize)]
struct Runs {
    check_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    status: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct Combined {
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
}

impl SourceRepository {
    /// A repository, and a token that may read its contents, checks and statuses.
    pub fn new(http: &Http, repository: &Repository, token: &str) -> Self {
        let names = (repository.owner.as_str(), repository.name.as_str());
        Self {
            api: Api::new(http, &DIALECT, &repository.rest, names, token),
        }
    }

    /// What `new` is to `old`, and the commits that are part of it and not of `old`, newest first.
    ///
    /// # Errors
    /// When GitHub does not say, which includes that it does not have them.
    pub async fn compare(
        &self,
        old: &str,
        new: &str,
    ) -> Result<(Relation, Commits), PullRequestError> {
        let range = format!("{old}...{new}");
        let url = self.api.of_repository(&["compare", &range]);
        // Without pages it gives the newest 250, the oldest of them first.
        let found: Comparison = self.api.get(&url, &[]).await?.json()?;
        let relation = match found.status.as_str() {
            "ahead" | "identical" => Relation::Descendant,
            "behind" => Relation::Ancestor,
            "diverged" => Relation::Diverged,
            _ => Relation::Unknown,
        };
        let subject = |it: Compared| {
            let subject = it.commit.message.lines().next().unwrap_or_default();
            (it.sha, subject.to_owned())
        };
        let commits = Commits {
            subjects: found.commits.into_iter().rev().map(subject).collect(),
            total: found.total_commits,
        };
        Ok((relation, commits))
    }

    /// What became of the check `name` on a commit: a check run or a status, all there are of that name.
    ///
    /// # Errors
    /// When GitHub does not say.
    pub async fn check(
        &self,
        commit: &str,
        name: &str,
    ) -> Result<Result<String, String>, PullRequestError> {
        let url = self.api.of_repository(&["commits", commit, "check-runs"]);
        let query = [("check_name", name), ("filter", "latest"), PAGE];
        let runs: Runs = self.api.get(&url, &query).await?.json()?;
        let mut results: Vec<String> = runs
            .check_runs
            .into_iter()
            .map(|run| run.conclusion.unwrap_or(run.status))
            .collect();
        let url = self.api.of_repository(&["commits", commit, "status"]);
        let combined: Combined = self.api.get(&url, &[PAGE]).await?.json()?;
        let statuses = combined.statuses.into_iter();
        results.extend(statuses.filter(|it| it.context == name).map(|it| it.state));
        let failed = results.iter().find(|it| *it != "success");
        Ok(match (results.is_empty(), failed) {
            (true, _) => Err("it did not run".to_owned()),
            (false, Some(other)) => Err(other.replace('_', " ")),
            (false, None) => Ok("success".to_owned()),
        })
    }
}
