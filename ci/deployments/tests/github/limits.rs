//! Limits, refusals, lost answers, and secrets.

use std::sync::Arc;
use std::time::Duration;

use ci_deployments::github::Auth;
use ci_deployments::{PullOutcome, PullRequestError};
use serde_json::json;

use crate::standin::{Fault, StandIn};
use crate::world::{Patient, assert_promotes, github, http, opened, promote, writer};

async fn limited(
    github: &StandIn,
    status: u16,
    headers: &'static str,
) -> (Result<PullOutcome, PullRequestError>, Arc<Patient>) {
    let (client, clock) = http(5);
    let mut writer = writer(github);
    writer.http = client;
    let message = json!({ "message": "You have exceeded a secondary rate limit." });
    github.fault(
        "POST /repos/acme/deployments/git/commits",
        Fault::Answer(status, headers, message),
    );
    (promote(&writer, 7).await, clock)
}

#[tokio::test]
async fn rate_limits_are_waited_for_as_github_asks_p4() {
    for (status, headers, least) in [
        (403, "retry-after: 7\r\n", 7),
        (429, "retry-after: 7\r\n", 7),
        (
            403,
            "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1767323055\r\n",
            10,
        ),
        (429, "", 60),
        // In words alone.
        (403, "", 60),
    ] {
        let github = github();
        let (outcome, clock) = limited(&github, status, headers).await;
        opened(outcome);
        let waits = clock.0.lock().unwrap().clone();
        assert_eq!(waits.len(), 1, "{headers}");
        assert!(
            waits[0] >= Duration::from_secs(least),
            "{headers}: {waits:?}"
        );
        assert_promotes(&github, 7);
    }
}

#[tokio::test]
async fn limits_that_last_for_long_end_the_run() {
    let github = github();
    let (outcome, clock) = limited(
        &github,
        403,
        "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1767326645\r\n",
    )
    .await;
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "GitHub takes no more requests for 3600 s"
    );
    assert!(clock.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn answers_that_are_lost_or_late_do_no_harm() {
    let github = github();
    for call in ["git/blobs", "git/trees", "git/commits", "git/refs", "pulls"] {
        let call = format!("POST /repos/acme/deployments/{call}");
        github.fault(
            &call,
            Fault::Answer(502, "", json!({ "message": "Server Error" })),
        );
        github.fault(&call, Fault::Lose { done: true });
    }
    opened(promote(&writer(&github), 7).await);
    assert_promotes(&github, 7);
    assert_eq!(github.state().pulls.len(), 1);
}

#[tokio::test]
async fn a_refusal_says_what_the_token_needs_and_nothing_of_the_token_s1() {
    let github = github();
    let forbidden = json!({ "message": "Resource not accessible by integration \u{1b}[2J" });
    github.fault(
        "POST /repos/acme/deployments/git/blobs",
        Fault::Answer(
            403,
            "x-accepted-github-permissions: contents=write\r\n",
            forbidden,
        ),
    );
    let mut writer = writer(&github);
    let error = promote(&writer, 7).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /repos/acme/deployments/git/blobs: Resource not accessible by integration \u{fffd}[2J (the token needs contents=write)"
    );
    writer.auth = Auth::Token("ghp_hunter2".into());
    let error = promote(&writer, 7).await.unwrap_err();
    let text = format!("{error} {error:?} {writer:?}");
    assert!(
        text.contains("Bad credentials") && !text.contains("hunter2"),
        "{text}"
    );
}
