//! Pull requests: found, opened, kept up to date, closed.

use ci_http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitHubError;
use super::api::Api;
use crate::review::Trailer;

/// More open pull requests than ten pages of these are not looked through for ones that were replaced.
const PAGE: usize = 100;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) node_id: String,
    pub(super) html_url: String,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) merged_at: Option<String>,
    pub(super) user: Option<User>,
    pub(super) head: Head,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    #[serde(default)]
    pub(super) requested_reviewers: Option<Vec<User>>,
    #[serde(default)]
    pub(super) requested_teams: Option<Vec<Team>>,
    pub(super) auto_merge: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Team {}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    /// Absent when the fork is gone.
    pub(super) repo: Option<HeadRepository>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct HeadRepository {
    full_name: String,
}

impl Pull {
    pub(super) fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// Whether title and description are these, but for line ends.
    pub(super) fn says(&self, title: &str, body: &str) -> bool {
        let before = self
            .body
            .as_deref()
            .unwrap_or_default()
            .replace("\r\n", "\n");
        self.title == title && before.trim_end() == body.trim_end()
    }

    pub(super) fn trailer(&self) -> Option<Trailer> {
        Trailer::parse(self.body.as_deref()?)
    }
}

impl Api {
    /// The pull requests from a branch of this repository, of any state, newest first.
    pub(super) async fn pulls_of(
        &self,
        branch: &str,
        base: &str,
    ) -> Result<Vec<Pull>, GitHubError> {
        let head = format!("{}:{branch}", self.repository.owner);
        let query = [
            ("state", "all"),
            ("head", &*head),
            ("base", base),
            ("sort", "created"),
            ("direction", "desc"),
            ("per_page", "100"),
        ];
        let url = self.of_repository(&["pulls"]);
        let mut pulls: Vec<Pull> = self.call(Method::GET, &url, &query, None).await?.json()?;
        pulls.retain(|pull| self.is_own(pull) && pull.head.branch == branch);
        Ok(pulls)
    }

    /// All open pull requests of this repository's own branches.
    pub(super) async fn open_pulls(&self, base: &str) -> Result<Vec<Pull>, GitHubError> {
        let url = self.of_repository(&["pulls"]);
        let mut all = Vec::new();
        for page in 1..=10_u32 {
            let page = page.to_string();
            let query = [
                ("state", "open"),
                ("base", base),
                ("per_page", "100"),
                ("page", &*page),
            ];
            let found: Vec<Pull> = self.call(Method::GET, &url, &query, None).await?.json()?;
            let is_last = found.len() < PAGE;
            all.extend(found.into_iter().filter(|pull| self.is_own(pull)));
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// A fork can have a branch of any name.
    fn is_own(&self, pull: &Pull) -> bool {
        let own = format!("{}/{}", self.repository.owner, self.repository.name);
        let repository = pull.head.repo.as_ref();
        repository.is_some_and(|it| it.full_name.eq_ignore_ascii_case(&own))
    }

    /// Opens a pull request; nothing: somebody else did, or there is nothing to promote any more.
    pub(super) async fn open_pull(
        &self,
        branch: &str,
        base: &str,
        title: &str,
        body: &str,
        draft: bool,
    ) -> Result<Option<Pull>, GitHubError> {
        let url = self.of_repository(&["pulls"]);
        let content = json!({
            "title": title, "head": branch, "base": base, "body": body, "draft": draft,
        });
        let answer = self.call(Method::POST, &url, &[], Some(&content)).await?;
        let is_overtaken = answer.is_unprocessable("already exists")
            || answer.is_unprocessable("No commits between")
            || answer.is_unprocessable("head: invalid");
        match is_overtaken {
            true => Ok(None),
            false => answer.expect(&[StatusCode::CREATED])?.json().map(Some),
        }
    }

    /// Makes title and description say what they should.
    pub(super) async fn describe(
        &self,
        pull: &Pull,
        title: &str,
        body: &str,
    ) -> Result<(), GitHubError> {
        self.change(pull, &json!({ "title": title, "body": body }))
            .await
    }

    /// Closes a pull request with a word why. Its trailer goes, so that nobody takes it for one that people closed.
    pub(super) async fn close(&self, pull: &Pull, why: &str) -> Result<(), GitHubError> {
        let number = pull.number.to_string();
        let url = self.of_repository(&["issues", &number, "comments"]);
        let comment = json!({ "body": why });
        self.call(Method::POST, &url, &[], Some(&comment))
            .await?
            .expect(&[StatusCode::CREATED])?;
        let body = Trailer::removed(pull.body.as_deref().unwrap_or_default());
        self.change(pull, &json!({ "state": "closed", "body": body }))
            .await
    }

    async fn change(&self, pull: &Pull, content: &Value) -> Result<(), GitHubError> {
        let url = self.of_repository(&["pulls", &pull.number.to_string()]);
        let answer = self.call(Method::PATCH, &url, &[], Some(content)).await?;
        answer.expect(&[StatusCode::OK]).map(|_| ())
    }
}
