//! What an environment pinned before, over REST.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::PullRequestWriter;
use crate::policy::PastState;
use crate::rest::Api;
use crate::{PullRequestError, State};

#[derive(Deserialize)]
struct Listed {
    sha: String,
    commit: ListedCommit,
}

#[derive(Deserialize)]
struct ListedCommit {
    committer: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    date: Option<String>,
}

#[derive(Deserialize)]
struct Merged {
    merged_at: Option<String>,
}

#[derive(Deserialize)]
struct File {
    content: String,
}

impl PullRequestWriter {
    /// What a file of the state map said, newest first, `most` versions of it, each with the commit and the time that brought it onto
    /// the branch. Versions that cannot be read are left out.
    ///
    /// # Errors
    /// When the repository cannot be reached or read.
    pub async fn history(&self, path: &str, most: u8) -> Result<Vec<PastState>, PullRequestError> {
        let api = self.auth.open(&self.http, &self.repository).await?.api;
        let most = most.min(100).to_string();
        let query = [
            ("sha", self.branch.as_str()),
            ("path", path),
            ("per_page", &most),
        ];
        let url = api.of_repository(&["commits"]);
        let listed: Vec<Listed> = api.get(&url, &query).await?.json()?;
        let mut history = Vec::new();
        for Listed { sha, commit } in listed {
            let date = commit.committer.and_then(|it| it.date);
            let Some(committed) = date.as_deref().and_then(seconds) else {
                continue;
            };
            if let Some(state) = state(&api, path, &sha).await? {
                // A commit is as old as its proposal; it came onto the branch when that was merged.
                let merged = merged(&api, &sha).await?;
                history.push(PastState {
                    commit: sha,
                    seconds: committed.max(merged.unwrap_or(committed)),
                    state,
                });
            }
        }
        Ok(history)
    }
}

async fn state(api: &Api, path: &str, commit: &str) -> Result<Option<State>, PullRequestError> {
    let mut parts = vec!["contents"];
    parts.extend(path.split('/'));
    let query = [("ref", commit)];
    let answer = api.get(&api.of_repository(&parts), &query).await?;
    if answer.status.as_u16() == 404 {
        return Ok(None);
    }
    let file: File = answer.json()?;
    let bytes = STANDARD
        .decode(file.content.replace('\n', ""))
        .unwrap_or_default();
    Ok(State::parse(&bytes).ok())
}

/// When the pull request of a commit was merged.
async fn merged(api: &Api, commit: &str) -> Result<Option<i64>, PullRequestError> {
    let url = api.of_repository(&["commits", commit, "pulls"]);
    let pulls: Vec<Merged> = api.get(&url, &[]).await?.json()?;
    let times = pulls
        .iter()
        .filter_map(|pull| seconds(pull.merged_at.as_deref()?));
    Ok(times.max())
}

/// Seconds since 1970 (RFC 3339).
fn seconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_second)
}
