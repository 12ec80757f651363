//! The branch of a release unit: made, brought forward, or left as it is.

use std::collections::BTreeSet;

use ci_http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::GitHubError;
use super::api::Api;
use super::objects::Commit;
use crate::git::is_branch;
use crate::{Contents, Kind, Promotion, Refused, review};

/// What became of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Brought {
    /// It promotes what it should, at this commit.
    There(String),
    /// It moved meanwhile: everything is to be looked at again.
    Overtaken,
}

#[derive(Deserialize)]
struct Comparison {
    status: String,
    #[serde(default)]
    files: Vec<ComparedFile>,
}

#[derive(Deserialize)]
struct ComparedFile {
    filename: String,
}

/// More files than this are not listed.
const MAX_COMPARED: usize = 300;

/// The branch of a promotion.
pub(super) fn name(promotion: &Promotion) -> Result<String, GitHubError> {
    let name = format!("{}{}", prefix(promotion), promotion.unit);
    match is_branch(&name) {
        true => Ok(name),
        false => Err(GitHubError::Branch(name)),
    }
}

/// What the branches of an environment's promotions begin with.
pub(super) fn prefix(promotion: &Promotion) -> String {
    let way = match promotion.kind {
        Kind::Promotion => "promote",
        Kind::Rollback => "rollback",
    };
    format!("{way}/{}/", promotion.environment)
}

/// Brings the branch to where it promotes `promotion`, which was planned on `base`.
pub(super) async fn bring(
    api: &Api,
    branch: &str,
    base: &Commit,
    promotion: &Promotion,
    paths: &BTreeSet<String>,
    plan: &impl Fn(&Contents) -> Result<Promotion, Refused>,
) -> Result<Brought, GitHubError> {
    let message = review::message(promotion);
    let Some(head) = api.head(branch).await? else {
        let parents = [base.sha.as_str()];
        let commit = api
            .make_commit(base, &promotion.files, &parents, &message)
            .await?;
        return create(api, branch, commit).await;
    };
    // A merge is how people bring a branch up to date.
    let is_ours = head.message.contains("\nPromotion-Environment: ") || head.parents.len() > 1;
    let is_merged = || async {
        compare(api, &head, base)
            .await
            .map(|it| it.status == "ahead" || it.status == "identical")
    };
    if !is_ours && !is_merged().await? {
        return Err(GitHubError::Foreign {
            branch: branch.to_owned(),
        });
    }
    let there = plan(&api.contents(&head, paths).await?);
    match there {
        Err(refused @ Refused::Stale { .. }) if !is_merged().await? => {
            return Err(GitHubError::Newer {
                branch: branch.to_owned(),
                refused: Box::new(refused),
            });
        }
        Ok(there) if there.is_done() && !needs_base(api, &head, base, paths).await? => {
            return Ok(Brought::There(head.sha));
        }
        _ => {}
    }
    // On top of what is there, so that the server can see that nothing is overwritten; of what the base is now.
    let mut parents = vec![head.sha.as_str()];
    if head.parents.iter().all(|parent| parent.sha != base.sha) {
        parents.push(&base.sha);
    }
    let commit = api
        .make_commit(base, &promotion.files, &parents, &message)
        .await?;
    forward(api, branch, commit).await
}

/// Whether the base moved in a way that the branch must follow.
async fn needs_base(
    api: &Api,
    head: &Commit,
    base: &Commit,
    paths: &BTreeSet<String>,
) -> Result<bool, GitHubError> {
    if head.parents.iter().any(|parent| parent.sha == base.sha) {
        return Ok(false);
    }
    let found = compare(api, head, base).await?;
    Ok(match found.status.as_str() {
        "behind" => false,
        // What touches other files is merged without being asked, and reviews that were given stay.
        "diverged" => {
            found.files.len() >= MAX_COMPARED
                || found
                    .files
                    .iter()
                    .any(|file| paths.contains(&file.filename))
        }
        _ => true,
    })
}

/// How the base differs from the branch since they parted.
async fn compare(api: &Api, head: &Commit, base: &Commit) -> Result<Comparison, GitHubError> {
    let range = format!("{}...{}", head.sha, base.sha);
    let url = api.of_repository(&["compare", &range]);
    api.call(Method::GET, &url, &[("per_page", "1")], None)
        .await?
        .json()
}

async fn create(api: &Api, branch: &str, commit: String) -> Result<Brought, GitHubError> {
    let url = api.of_repository(&["git", "refs"]);
    let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": commit });
    let answer = api.call(Method::POST, &url, &[], Some(&body)).await?;
    if answer.is_unprocessable("already exists") {
        return Ok(Brought::Overtaken);
    }
    answer
        .expect(&[StatusCode::CREATED])
        .map(|_| Brought::There(commit))
}

/// Moves a branch forward; the server refuses everything else.
async fn forward(api: &Api, branch: &str, commit: String) -> Result<Brought, GitHubError> {
    let mut parts = vec!["git", "refs", "heads"];
    parts.extend(branch.split('/'));
    let url = api.of_repository(&parts);
    let body = json!({ "sha": commit, "force": false });
    let answer = api.call(Method::PATCH, &url, &[], Some(&body)).await?;
    let is_overtaken = answer.is_unprocessable("not a fast forward")
        || answer.is_unprocessable("does not exist")
        || answer.status == StatusCode::NOT_FOUND;
    match is_overtaken {
        true => Ok(Brought::Overtaken),
        false => answer
            .expect(&[StatusCode::OK])
            .map(|_| Brought::There(commit)),
    }
}

/// Removes a branch that has done its work; one that is gone is no matter.
pub(super) async fn delete(api: &Api, branch: &str) -> Result<(), GitHubError> {
    let mut parts = vec!["git", "refs", "heads"];
    parts.extend(branch.split('/'));
    let answer = api
        .call(Method::DELETE, &api.of_repository(&parts), &[], None)
        .await?;
    match answer.status.as_u16() {
        204 | 404 | 422 => Ok(()),
        _ => Err(answer.failure()),
    }
}
