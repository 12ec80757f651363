//! Branches over REST.

use std::collections::{BTreeMap, BTreeSet};

use ci_http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::forge::GitHub;
use super::objects::Object;
use crate::pull::{Branches, Commit};
use crate::{Contents, FileChange, PullRequestError};

#[derive(Deserialize)]
struct Ref {
    object: Object,
}

#[derive(Deserialize)]
struct Comparison {
    merge_base_commit: ComparedCommit,
}

#[derive(Deserialize)]
struct ComparedCommit {
    sha: String,
    commit: ComparedContent,
    parents: Vec<Object>,
}

#[derive(Deserialize)]
struct ComparedContent {
    message: String,
    tree: Object,
}

impl Branches for GitHub {
    async fn head(&self, branch: &str) -> Result<Option<Commit>, PullRequestError> {
        match self.tip(branch).await? {
            Some(id) => self.object(&id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn contents(
        &self,
        commit: &Commit,
        paths: &BTreeSet<String>,
    ) -> Result<Contents, PullRequestError> {
        self.files(commit, paths).await
    }

    async fn merge_base(
        &self,
        head: &Commit,
        base: &Commit,
    ) -> Result<Option<Commit>, PullRequestError> {
        let range = format!("{}...{}", head.id, base.id);
        let url = self.api.of_repository(&["compare", &range]);
        let answer = self.api.get(&url, &[("per_page", "1")]).await?;
        // They have nothing in common.
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let Comparison {
            merge_base_commit: found,
        } = answer.json()?;
        Ok(Some(Commit {
            id: found.sha,
            tree: found.commit.tree.sha,
            message: found.commit.message,
            parents: found.parents.into_iter().map(|it| it.sha).collect(),
        }))
    }

    async fn commit(
        &self,
        base: &Commit,
        changes: &BTreeMap<String, FileChange>,
        parents: &[&str],
        message: &str,
    ) -> Result<String, PullRequestError> {
        self.make_commit(base, changes, parents, message).await
    }

    async fn create(&self, branch: &str, commit: &str) -> Result<bool, PullRequestError> {
        let url = self.api.of_repository(&["git", "refs"]);
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": commit });
        let answer = self.api.send(Method::POST, &url, &body).await?;
        if answer.is_unprocessable("already exists") {
            return Ok(false);
        }
        answer.expect(&[StatusCode::CREATED]).map(|_| true)
    }

    /// The server refuses whatever is not forward.
    async fn forward(&self, branch: &str, _: &str, commit: &str) -> Result<bool, PullRequestError> {
        let url = self.reference("refs", branch);
        let body = json!({ "sha": commit, "force": false });
        let answer = self.api.send(Method::PATCH, &url, &body).await?;
        let is_overtaken = answer.is_unprocessable("not a fast forward")
            || answer.is_unprocessable("does not exist")
            || answer.status == StatusCode::NOT_FOUND;
        match is_overtaken {
            true => Ok(false),
            false => answer.expect(&[StatusCode::OK]).map(|_| true),
        }
    }
}

impl GitHub {
    /// The id of the commit that a branch is at.
    pub(super) async fn tip(&self, branch: &str) -> Result<Option<String>, PullRequestError> {
        let url = self.reference("ref", branch);
        let answer = self.api.get(&url, &[]).await?;
        // 409: the repository is empty.
        if matches!(answer.status.as_u16(), 404 | 409) {
            return Ok(None);
        }
        let found: Ref = answer.json()?;
        Ok(Some(found.object.sha))
    }

    pub(super) async fn remove(&self, branch: &str) -> Result<(), PullRequestError> {
        let url = self.reference("refs", branch);
        let answer = self.api.call(Method::DELETE, &url, &[], None).await?;
        match answer.status.as_u16() {
            204 | 404 | 422 => Ok(()),
            _ => Err(answer.failure()),
        }
    }

    fn reference(&self, kind: &str, branch: &str) -> ci_http::Url {
        let mut parts = vec!["git", kind, "heads"];
        parts.extend(branch.split('/'));
        self.api.of_repository(&parts)
    }
}
