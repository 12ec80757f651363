//! What a pull request gets once it is open: labels, reviewers, and leave to merge itself. None of it is worth failing for: the
//! promotion is there, and what could not be done is told.

use ci_http::{Method, StatusCode};
use serde_json::json;

use super::GitHubError;
use super::api::{Answer, Api};
use super::pulls::Pull;
use crate::{MergeMethod, PullRequestPolicy};

const ENABLE: &str = "mutation($pull: ID!, $method: PullRequestMergeMethod!) { \
     enablePullRequestAutoMerge(input: { pullRequestId: $pull, mergeMethod: $method }) { clientMutationId } }";

/// Gives a pull request, whose branch is at `head`, what the policy says and it does not have; what people should know.
pub(super) async fn finish(
    api: &Api,
    pull: &Pull,
    head: &str,
    policy: &PullRequestPolicy,
) -> Result<Vec<String>, GitHubError> {
    let mut warnings = Vec::new();
    let number = pull.number.to_string();
    let missing: Vec<&String> = policy
        .labels
        .iter()
        .filter(|label| pull.labels.iter().all(|it| it.name != **label))
        .collect();
    if !missing.is_empty() {
        let url = api.of_repository(&["issues", &number, "labels"]);
        let body = json!({ "labels": missing });
        let answer = api.call(Method::POST, &url, &[], Some(&body)).await?;
        warnings.extend(refused("labels", answer, &[StatusCode::OK])?);
    }
    // Who has been asked, and perhaps answered, is not asked again.
    let nobody = |asked: Option<usize>| asked.unwrap_or_default() == 0;
    let is_new = nobody(pull.requested_reviewers.as_ref().map(Vec::len))
        && nobody(pull.requested_teams.as_ref().map(Vec::len));
    if is_new && !policy.reviewers.is_empty() && !has_reviews(api, &number).await? {
        let (teams, people): (Vec<&String>, Vec<&String>) =
            policy.reviewers.iter().partition(|it| it.contains('/'));
        let teams: Vec<&str> = teams
            .iter()
            .filter_map(|it| it.split_once('/').map(|(_, team)| team))
            .collect();
        let url = api.of_repository(&["pulls", &number, "requested_reviewers"]);
        let body = json!({ "reviewers": people, "team_reviewers": teams });
        let answer = api.call(Method::POST, &url, &[], Some(&body)).await?;
        warnings.extend(refused("reviewers", answer, &[StatusCode::CREATED])?);
    }
    if let Some(method) = policy.auto_merge {
        warnings.extend(auto_merge(api, pull, head, method).await?);
    }
    // Its events start no workflows, so that none can start itself for ever (P7).
    if pull
        .user
        .as_ref()
        .is_some_and(|it| it.login == "github-actions[bot]")
    {
        warnings.push(
            "the pull request was opened with a workflow's own token, and so starts no checks; use an App or a personal token".to_owned(),
        );
    }
    Ok(warnings)
}

async fn has_reviews(api: &Api, number: &str) -> Result<bool, GitHubError> {
    let url = api.of_repository(&["pulls", number, "reviews"]);
    let query = [("per_page", "1")];
    let reviews: Vec<serde_json::Value> =
        api.call(Method::GET, &url, &query, None).await?.json()?;
    Ok(!reviews.is_empty())
}

/// Lets a pull request merge itself, or merges it where nothing has to be waited for.
async fn auto_merge(
    api: &Api,
    pull: &Pull,
    head: &str,
    method: MergeMethod,
) -> Result<Option<String>, GitHubError> {
    if pull.auto_merge.is_some() {
        return Ok(None);
    }
    if pull.draft {
        return Ok(Some(
            "a draft does not merge itself; mark it as ready first".to_owned(),
        ));
    }
    let (name, enumerator) = match method {
        MergeMethod::Merge => ("merge", "MERGE"),
        MergeMethod::Squash => ("squash", "SQUASH"),
        MergeMethod::Rebase => ("rebase", "REBASE"),
    };
    let variables = json!({ "pull": pull.node_id, "method": enumerator });
    let message = match api.graphql(ENABLE, variables).await {
        Ok(_) => return Ok(None),
        Err(GitHubError::Answer { message, .. } | GitHubError::Denied { message, .. }) => message,
        Err(error) => return Err(error),
    };
    if message.contains("clean status") {
        let url = api.of_repository(&["pulls", &pull.number.to_string(), "merge"]);
        // Of the commit that was looked at, and no other.
        let body = json!({ "sha": head, "merge_method": name });
        let answer = api.call(Method::PUT, &url, &[], Some(&body)).await?;
        return refused("the merge", answer, &[StatusCode::OK]);
    }
    Ok(Some(format!("it will not merge itself: {message}")))
}

/// What GitHub said, if it refused.
fn refused(
    what: &str,
    answer: Answer,
    expected: &[StatusCode],
) -> Result<Option<String>, GitHubError> {
    match answer.status.as_u16() {
        _ if expected.contains(&answer.status) => Ok(None),
        403 | 404 | 405 | 409 | 422 => {
            Ok(Some(format!("{what} were refused: {}", answer.message())))
        }
        _ => Err(answer.failure()),
    }
}
