//! Gitea as a forge: pull requests through its interface, branches through git.

use ci_http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::git::{PushWriter, Remote};
use crate::pull::{Forge, Proposal, Pull};
use crate::rest::{Api, Listed};
use crate::{MergeMethod, PullRequestError, PullRequestPolicy};

/// What makes a pull request a draft, where nobody configured it otherwise.
const DRAFT: &str = "WIP: ";
/// Pages of closed pull requests that are looked through for one that people declined.
const CLOSED_PAGES: u32 = 10;

#[derive(Deserialize)]
struct Branch {
    commit: Tip,
}

#[derive(Deserialize)]
struct Tip {
    id: String,
}

/// A Gitea server, for one repository.
pub(super) struct Gitea<'a> {
    pub(super) api: Api,
    pub(super) git: &'a PushWriter,
}

impl Forge for Gitea<'_> {
    type Branches = Remote;

    fn name(&self) -> String {
        self.api.names.to_string()
    }

    async fn branches(&self) -> Result<Remote, PullRequestError> {
        Ok(self.git.remote().await?)
    }

    async fn is_at(&self, branch: &str, commit: &str) -> Result<bool, PullRequestError> {
        let tip = self.tip(branch).await?;
        Ok(tip.as_deref() == Some(commit))
    }

    async fn delete(&self, branch: &str) -> Result<(), PullRequestError> {
        let url = self.branch(branch);
        let answer = self.api.call(Method::DELETE, &url, &[], None).await?;
        match answer.status.as_u16() {
            204 | 404 => Ok(()),
            _ => Err(answer.failure()),
        }
    }

    async fn pulls_of(&self, branch: &str, base: &str) -> Result<Vec<Pull>, PullRequestError> {
        let mut pulls = self.open_pulls(base).await?;
        pulls.retain(|pull| pull.branch == branch);
        if !pulls.is_empty() {
            return Ok(pulls);
        }
        // There is no asking for those of a branch: the newest of the lately closed ones.
        let query = [
            ("state", "closed"),
            ("sort", "recentclose"),
            ("base_branch", base),
        ];
        for page in 1..=CLOSED_PAGES {
            let (closed, is_last) = self.api.pulls(&query, page).await?;
            let mut closed = known(closed, base);
            if let Some(pull) = closed.find(|pull| pull.branch == branch) {
                return Ok(vec![pull]);
            }
            if is_last {
                break;
            }
        }
        Ok(pulls)
    }

    async fn open_pulls(&self, base: &str) -> Result<Vec<Pull>, PullRequestError> {
        let query = [("state", "open"), ("base_branch", base)];
        let pulls = self.api.all_pulls(&query).await?;
        Ok(known(pulls, base).collect())
    }

    async fn open(&self, proposal: Proposal<'_>) -> Result<Option<Pull>, PullRequestError> {
        let url = self.api.of_repository(&["pulls"]);
        let content = json!({
            "title": titled(proposal.title, proposal.draft), "head": proposal.branch,
            "base": proposal.base, "body": proposal.body,
        });
        let answer = self.api.send(Method::POST, &url, &content).await?;
        let is_overtaken = match answer.status {
            // One is open already.
            StatusCode::CONFLICT => true,
            StatusCode::NOT_FOUND => self.tip(proposal.branch).await?.is_none(),
            _ => false,
        };
        if is_overtaken {
            return Ok(None);
        }
        let opened: Listed = answer.expect(&[StatusCode::CREATED])?.json()?;
        Ok(Some(undrafted(opened.into())))
    }

    async fn describe(&self, pull: &Pull, title: &str, body: &str) -> Result<(), PullRequestError> {
        let content = json!({ "title": titled(title, pull.is_draft), "body": body });
        self.api.change(pull, &content).await
    }

    async fn close(&self, pull: &Pull, why: &str, body: &str) -> Result<(), PullRequestError> {
        self.api.close_pull(pull, why, body).await
    }

    async fn finish(
        &self,
        pull: &Pull,
        head: &str,
        policy: &PullRequestPolicy,
    ) -> Result<Vec<String>, PullRequestError> {
        let auto_merge = async |method| self.auto_merge(pull, head, method).await;
        self.api.finish(pull, policy, auto_merge).await
    }
}

impl Gitea<'_> {
    /// The id of the commit that a branch is at; nothing: there is no such branch.
    async fn tip(&self, branch: &str) -> Result<Option<String>, PullRequestError> {
        let answer = self.api.get(&self.branch(branch), &[]).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let found: Branch = answer.json()?;
        Ok(Some(found.commit.id))
    }

    fn branch(&self, branch: &str) -> ci_http::Url {
        let mut parts = vec!["branches"];
        parts.extend(branch.split('/'));
        self.api.of_repository(&parts)
    }

    /// Lets a pull request merge itself, at once where nothing has to be waited for.
    async fn auto_merge(
        &self,
        pull: &Pull,
        head: &str,
        method: MergeMethod,
    ) -> Result<Option<String>, PullRequestError> {
        if pull.is_draft {
            return Ok(Some(
                "a draft does not merge itself; mark it as ready first".to_owned(),
            ));
        }
        let way = match method {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
            MergeMethod::Rebase => "rebase",
        };
        let number = pull.number.to_string();
        let url = self.api.of_repository(&["pulls", &number, "merge"]);
        let body = json!({ "do": way, "merge_when_checks_succeed": true, "head_commit_id": head });
        let mut attempts = self.api.http.attempts();
        loop {
            let answer = self.api.send(Method::POST, &url, &body).await?;
            match answer.status.as_u16() {
                // It was told so before.
                409 if answer.message().contains("already scheduled") => return Ok(None),
                // What it merges with is still being looked for.
                405 if answer.message().contains("try again later")
                    && attempts.again(None).await => {}
                _ => return answer.refusal("the merge was refused"),
            }
        }
    }
}

fn titled(title: &str, is_draft: bool) -> String {
    match is_draft {
        true => format!("{DRAFT}{title}"),
        false => title.to_owned(),
    }
}

/// Pull requests into `base`, which not all versions know as a filter.
fn known(pulls: Vec<Pull>, base: &str) -> impl Iterator<Item = Pull> {
    let is_into = move |pull: &Pull| pull.base.as_deref() == Some(base);
    pulls.into_iter().filter(is_into).map(undrafted)
}

/// A pull request whose title is without what makes it a draft.
fn undrafted(mut pull: Pull) -> Pull {
    if let Some(title) = pull.title.strip_prefix(DRAFT).filter(|_| pull.is_draft) {
        pull.title = title.to_owned();
    }
    pull
}
