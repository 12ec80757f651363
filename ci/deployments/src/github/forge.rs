//! GitHub as a forge: pull requests, and leave for them to merge themselves, which only its GraphQL interface gives.

use ci_http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Repository;
use crate::pull::{Forge, Proposal, Pull};
use crate::rest::{Api, Listed};
use crate::{MergeMethod, PullRequestError, PullRequestPolicy};

const ENABLE: &str = "mutation($pull: ID!, $method: PullRequestMergeMethod!) { \
     enablePullRequestAutoMerge(input: { pullRequestId: $pull, mergeMethod: $method }) { clientMutationId } }";

/// GitHub, for one repository and with a token for it.
#[derive(Clone)]
pub(super) struct GitHub {
    pub(super) api: Api,
    pub(super) repository: Repository,
}

impl Forge for GitHub {
    type Branches = Self;

    fn name(&self) -> String {
        self.api.names.to_string()
    }

    async fn branches(&self) -> Result<Self, PullRequestError> {
        Ok(self.clone())
    }

    async fn is_at(&self, branch: &str, commit: &str) -> Result<bool, PullRequestError> {
        let tip = self.tip(branch).await?;
        Ok(tip.as_deref() == Some(commit))
    }

    async fn delete(&self, branch: &str) -> Result<(), PullRequestError> {
        self.remove(branch).await
    }

    async fn pulls_of(&self, branch: &str, base: &str) -> Result<Vec<Pull>, PullRequestError> {
        let head = format!("{}:{branch}", self.api.names.owner);
        let query = [
            ("state", "all"),
            ("head", &*head),
            ("base", base),
            ("sort", "created"),
            ("direction", "desc"),
        ];
        let (mut pulls, _) = self.api.pulls(&query, 1).await?;
        pulls.retain(|pull| pull.branch == branch);
        pulls.sort_by_key(|pull| !pull.is_open);
        Ok(pulls)
    }

    async fn open_pulls(&self, base: &str) -> Result<Vec<Pull>, PullRequestError> {
        let query = [("state", "open"), ("base", base)];
        self.api.all_pulls(&query).await
    }

    async fn open(&self, proposal: Proposal<'_>) -> Result<Option<Pull>, PullRequestError> {
        let url = self.api.of_repository(&["pulls"]);
        let content = json!({
            "title": proposal.title, "head": proposal.branch, "base": proposal.base,
            "body": proposal.body, "draft": proposal.draft,
        });
        let answer = self.api.send(Method::POST, &url, &content).await?;
        let is_overtaken = answer.is_unprocessable("already exists")
            || answer.is_unprocessable("No commits between")
            || answer.is_unprocessable("head: invalid");
        if is_overtaken {
            return Ok(None);
        }
        let opened: Listed = answer.expect(&[StatusCode::CREATED])?.json()?;
        Ok(Some(opened.into()))
    }

    async fn describe(&self, pull: &Pull, title: &str, body: &str) -> Result<(), PullRequestError> {
        let content = json!({ "title": title, "body": body });
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

impl GitHub {
    /// Lets a pull request merge itself, or merges it where nothing has to be waited for.
    async fn auto_merge(
        &self,
        pull: &Pull,
        head: &str,
        method: MergeMethod,
    ) -> Result<Option<String>, PullRequestError> {
        if pull.merges_itself {
            return Ok(None);
        }
        if pull.is_draft {
            return Ok(Some(
                "a draft does not merge itself; mark it as ready first".to_owned(),
            ));
        }
        let (name, enumerator) = match method {
            MergeMethod::Merge => ("merge", "MERGE"),
            MergeMethod::Squash => ("squash", "SQUASH"),
            MergeMethod::Rebase => ("rebase", "REBASE"),
        };
        let variables = json!({ "pull": pull.node, "method": enumerator });
        let message = match self.graphql(ENABLE, variables).await {
            Ok(_) => return Ok(None),
            Err(
                PullRequestError::Answer { message, .. } | PullRequestError::Denied { message, .. },
            ) => message,
            Err(error) => return Err(error),
        };
        if message.contains("clean status") {
            let number = pull.number.to_string();
            let url = self.api.of_repository(&["pulls", &number, "merge"]);
            // Of the commit that was looked at, and no other.
            let body = json!({ "sha": head, "merge_method": name });
            let answer = self.api.send(Method::PUT, &url, &body).await?;
            return answer.refusal("the merge was refused");
        }
        Ok(Some(format!("it will not merge itself: {message}")))
    }

    /// Asks the GraphQL interface, for what REST does not have.
    async fn graphql(&self, query: &str, variables: Value) -> Result<Value, PullRequestError> {
        let body = json!({ "query": query, "variables": variables });
        let url = &self.repository.graphql;
        let answer = self.api.send(Method::POST, url, &body).await?;
        answer.expect(&[StatusCode::OK])?.graphql()
    }
}
