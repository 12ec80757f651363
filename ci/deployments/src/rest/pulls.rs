//! Pull requests, as GitHub describes them and Gitea after it.

use ci_http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use crate::pull::Pull;
use crate::{MergeMethod, PullRequestError, PullRequestPolicy};

/// More pages of a list than this are not looked through.
const MAX_PAGES: u32 = 20;

/// A pull request of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    number: u64,
    #[serde(default)]
    node_id: String,
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    #[serde(default)]
    draft: bool,
    merged_at: Option<String>,
    user: Option<User>,
    head: Head,
    base: Option<Head>,
    labels: Option<Vec<Label>>,
    requested_reviewers: Option<Vec<Value>>,
    #[serde(alias = "requested_reviewers_teams")]
    requested_teams: Option<Vec<Value>>,
    auto_merge: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: String,
}

#[derive(Debug, Deserialize)]
struct Label {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    branch: String,
    /// Absent when the fork is gone.
    repo: Option<HeadRepository>,
}

#[derive(Debug, Deserialize)]
struct HeadRepository {
    full_name: String,
}

impl From<Listed> for Pull {
    fn from(listed: Listed) -> Self {
        let is_asked = |who: &Option<Vec<Value>>| who.as_ref().is_some_and(|it| !it.is_empty());
        let labels = listed.labels.unwrap_or_default().into_iter();
        Self {
            number: listed.number,
            url: listed.html_url,
            title: listed.title,
            body: listed.body.unwrap_or_default(),
            branch: listed.head.branch,
            base: listed.base.map(|base| base.branch),
            is_open: listed.state == "open",
            is_merged: listed.merged_at.is_some(),
            is_draft: listed.draft,
            labels: labels.map(|label| label.name).collect(),
            awaits_review: is_asked(&listed.requested_reviewers)
                || is_asked(&listed.requested_teams),
            merges_itself: listed.auto_merge.is_some(),
            author: listed.user.map(|user| user.login),
            node: listed.node_id,
        }
    }
}

impl Api {
    /// A page of the pull requests from this repository's own branches: a fork can have a branch of any name. And whether it is the
    /// last page.
    pub(crate) async fn pulls(
        &self,
        query: &[(&str, &str)],
        page: u32,
    ) -> Result<(Vec<Pull>, bool), PullRequestError> {
        let (size, most) = self.dialect.page;
        let page = page.to_string();
        let mut query = query.to_vec();
        query.extend([(size, most), ("page", &page)]);
        let url = self.of_repository(&["pulls"]);
        let answer = self.get(&url, &query).await?;
        let is_last = !answer.has_next;
        let listed: Vec<Listed> = answer.json()?;
        let own = self.names.to_string();
        let is_own = |listed: &Listed| {
            let repository = listed.head.repo.as_ref();
            repository.is_some_and(|it| it.full_name.eq_ignore_ascii_case(&own))
        };
        let pulls = listed.into_iter().filter(is_own).map(Pull::from);
        Ok((pulls.collect(), is_last))
    }

    /// All pull requests from this repository's own branches.
    pub(crate) async fn all_pulls(
        &self,
        query: &[(&str, &str)],
    ) -> Result<Vec<Pull>, PullRequestError> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let (pulls, is_last) = self.pulls(query, page).await?;
            all.extend(pulls);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// Changes some of a pull request.
    pub(crate) async fn change(
        &self,
        pull: &Pull,
        content: &Value,
    ) -> Result<(), PullRequestError> {
        let url = self.of_repository(&["pulls", &pull.number.to_string()]);
        let answer = self.send(Method::PATCH, &url, content).await?;
        // Gitea says that it made something.
        let done = [StatusCode::OK, StatusCode::CREATED];
        answer.expect(&done).map(|_| ())
    }

    /// Closes a pull request with a word why, and this description.
    pub(crate) async fn close_pull(
        &self,
        pull: &Pull,
        why: &str,
        body: &str,
    ) -> Result<(), PullRequestError> {
        let number = pull.number.to_string();
        let url = self.of_repository(&["issues", &number, "comments"]);
        self.send(Method::POST, &url, &json!({ "body": why }))
            .await?
            .expect(&[StatusCode::CREATED])?;
        self.change(pull, &json!({ "state": "closed", "body": body }))
            .await
    }

    /// Gives a pull request what the policy says, and has it merge itself by `auto_merge` where that is part of it; what was refused.
    pub(crate) async fn finish(
        &self,
        pull: &Pull,
        policy: &PullRequestPolicy,
        auto_merge: impl AsyncFnOnce(MergeMethod) -> Result<Option<String>, PullRequestError>,
    ) -> Result<Vec<String>, PullRequestError> {
        let mut warnings = self.equip(pull, policy).await?;
        if let Some(method) = policy.auto_merge {
            warnings.extend(auto_merge(method).await?);
        }
        Ok(warnings)
    }

    /// Gives a pull request the labels that it lacks, and asks for reviews if nobody was asked before; what was refused.
    async fn equip(
        &self,
        pull: &Pull,
        policy: &PullRequestPolicy,
    ) -> Result<Vec<String>, PullRequestError> {
        let mut warnings = Vec::new();
        let number = pull.number.to_string();
        let wanted = policy.labels.iter();
        let missing: Vec<&String> = wanted.filter(|it| !pull.labels.contains(it)).collect();
        if !missing.is_empty() {
            let url = self.of_repository(&["issues", &number, "labels"]);
            let body = json!({ "labels": missing });
            let answer = self.send(Method::POST, &url, &body).await?;
            warnings.extend(match answer.status {
                StatusCode::OK => unknown(&missing, answer.json()?),
                _ => answer.refusal("labels were refused")?,
            });
        }
        // Who has been asked, and perhaps answered, is not asked again.
        let is_new = !policy.reviewers.is_empty() && !pull.awaits_review;
        if is_new && !self.has_reviews(&number).await? {
            let (teams, people): (Vec<&String>, Vec<&String>) =
                policy.reviewers.iter().partition(|it| it.contains('/'));
            let teams: Vec<&str> = teams
                .iter()
                .filter_map(|it| it.split_once('/').map(|(_, team)| team))
                .collect();
            let url = self.of_repository(&["pulls", &number, "requested_reviewers"]);
            let body = json!({ "reviewers": people, "team_reviewers": teams });
            let answer = self.send(Method::POST, &url, &body).await?;
            warnings.extend(answer.refusal("reviewers were refused")?);
        }
        // Events of a workflow's token start no workflows, so that none can start itself for ever (P7).
        let author = pull.author.as_deref().unwrap_or_default();
        if self.dialect.workflows.contains(&author) {
            warnings.push(
                "the pull request was opened with a workflow's own token, and so starts no checks; use an App or a personal token".to_owned(),
            );
        }
        Ok(warnings)
    }

    async fn has_reviews(&self, number: &str) -> Result<bool, PullRequestError> {
        let url = self.of_repository(&["pulls", number, "reviews"]);
        let query = [(self.dialect.page.0, "1")];
        let reviews: Vec<Value> = self.get(&url, &query).await?.json()?;
        Ok(!reviews.is_empty())
    }
}

/// What is told of labels that it did not get though nobody refused: Gitea passes over those that nobody has made.
fn unknown(wanted: &[&String], has: Vec<Label>) -> Option<String> {
    let lacks = |label: &&&String| has.iter().all(|it| it.name != ***label);
    let unknown: Vec<&str> = wanted.iter().filter(lacks).map(|it| it.as_str()).collect();
    let list = unknown.join(", ");
    (!unknown.is_empty()).then(|| format!("labels that the repository does not have: {list}"))
}
