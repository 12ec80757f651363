//! A promotion from its first run to the next release.

use ci_deployments::{MergeMethod, PullOutcome, PullRequestError, PullRequestPolicy, Refused};
use ci_oci::Digest;
use serde_json::json;

use crate::promotion::candidate;
use crate::world::{
    BRANCH, STATE, WEB, assert_promotes, check, gitea, opened, promote, promote_unit, writer,
};

#[tokio::test]
async fn one_pull_request_is_opened_kept_up_to_date_and_followed_by_another() {
    let Some(gitea) = gitea() else { return };
    let writer = writer(&gitea, "one");
    let (pull, is_new, warnings) = opened(promote(&writer, 7).await);
    assert!(is_new && warnings.is_empty(), "{warnings:?}");
    assert!(
        pull.url.ends_with("/acme/deployments/pulls/1"),
        "{}",
        pull.url
    );
    assert_promotes(&gitea, 7);
    let message = gitea.git(&["log", "-1", "--format=%an: %B", BRANCH]);
    assert!(
        message.starts_with("Pipeline: Promote web to production\n"),
        "{message}"
    );

    // The same again changes nothing.
    let first = gitea.head(BRANCH).unwrap();
    gitea.proxy.seen().writes.clear();
    let (_, is_new, _) = opened(promote(&writer, 7).await);
    assert!(!is_new);
    assert_eq!(gitea.proxy.seen().writes, [""; 0]);

    // The next release goes on top, so that the server can refuse to lose what is there.
    let (pull, is_new, _) = opened(promote(&writer, 8).await);
    assert!(!is_new && pull.number == 1);
    gitea.git(&["merge-base", "--is-ancestor", &first, BRANCH]);
    assert_promotes(&gitea, 8);
    // An older one gives way (P5).
    let error = promote(&writer, 7).await.unwrap_err();
    assert!(matches!(error, PullRequestError::Newer { .. }), "{error}");
    assert_promotes(&gitea, 8);

    gitea.merge(1);
    let outcome = promote(&writer, 8).await;
    assert!(
        matches!(outcome, Ok(PullOutcome::Done { .. })),
        "{outcome:?}"
    );
    let error = promote(&writer, 7).await.unwrap_err();
    assert!(
        matches!(error, PullRequestError::Refused(Refused::Stale { .. })),
        "{error}"
    );
    let (pull, is_new, _) = opened(promote(&writer, 9).await);
    assert!(is_new && pull.number == 2);
    assert_promotes(&gitea, 9);
    gitea.merge(2);
    let history = writer.git().history(STATE).await.unwrap();
    let digests: Vec<Digest> = history.iter().map(|past| past.state.digest).collect();
    assert_eq!(digests, [9, 8].map(|number| Digest::of([number])));
}

#[tokio::test]
async fn a_base_that_moves_elsewhere_leaves_reviews_alone_and_one_that_moves_here_does_not() {
    let Some(gitea) = gitea() else { return };
    let writer = writer(&gitea, "one");
    opened(promote(&writer, 7).await);
    let head = gitea.head(BRANCH);
    gitea.commit("main", &[("README.md", "y\n")], "elsewhere");
    gitea.commit("main", &[("README.md", "z\n")], "elsewhere");
    opened(promote(&writer, 7).await);
    assert_eq!(gitea.head(BRANCH), head);
    let edited = "# new\nimages:\n- name: ghcr.io/acme/web # pinned\n  newTag: v0\n";
    gitea.commit("main", &[(WEB, edited)], "here");
    opened(promote(&writer, 7).await);
    assert_ne!(gitea.head(BRANCH), head);
    assert!(gitea.file(BRANCH, WEB).starts_with("# new\n"));
    let changed = gitea.git(&["diff", "--numstat", &format!("main...{BRANCH}"), "--", WEB]);
    assert_eq!(changed, format!("1\t1\t{WEB}\n"));
    check(&gitea);
}

#[tokio::test]
async fn what_people_close_stays_closed_and_their_commits_are_not_lost_p4() {
    let Some(gitea) = gitea() else { return };
    let mut writer = writer(&gitea, "one");
    opened(promote(&writer, 7).await);
    let close = |number: u64| {
        let path = format!("/repos/acme/deployments/pulls/{number}");
        gitea.api("PATCH", &path, &json!({ "state": "closed" }));
    };
    close(1);
    let outcome = promote(&writer, 7).await;
    assert!(
        matches!(outcome, Ok(PullOutcome::Declined { ref pull, .. }) if pull.number == 1),
        "{outcome:?}"
    );
    // Another release is another question.
    let (pull, ..) = opened(promote(&writer, 8).await);
    assert_eq!(pull.number, 2);
    close(2);
    writer.reopen = true;
    let (pull, ..) = opened(promote(&writer, 8).await);
    assert_eq!(pull.number, 3);
    assert_promotes(&gitea, 8);

    gitea.commit(BRANCH, &[("extra.yaml", "x: 1\n")], "By hand");
    let theirs = gitea.head(BRANCH);
    let error = promote(&writer, 9).await.unwrap_err();
    assert!(matches!(error, PullRequestError::Foreign { .. }), "{error}");
    assert_eq!(gitea.head(BRANCH), theirs);
    check(&gitea);
}

#[tokio::test]
async fn what_is_there_by_other_ways_or_coupled_meanwhile_is_closed() {
    let Some(gitea) = gitea() else { return };
    let writer = writer(&gitea, "one");
    opened(promote(&writer, 7).await);
    let both = vec![candidate("api", 8), candidate("web", 8)];
    let outcome = promote_unit(&writer, both.clone()).await.unwrap();
    let PullOutcome::Open { pull, closed, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((pull.number, closed.len(), closed[0].number), (2, 1, 1));
    assert_eq!(gitea.head(BRANCH), None);
    let pulls = gitea.pulls();
    assert_eq!(
        (&pulls[1]["state"], &pulls[0]["state"]),
        (&json!("closed"), &json!("open"))
    );
    assert!(
        !pulls[1]["body"]
            .as_str()
            .unwrap()
            .contains("pipeline-promotion")
    );

    // Somebody pushes the same.
    let branch = "promote/production/api";
    let files = [
        WEB,
        STATE,
        "overlays/production/api/kustomization.yaml",
        ".promotions/production/api.toml",
    ];
    let files = files.map(|path| (path, gitea.file(branch, path)));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, content)| (*path, &**content))
        .collect();
    gitea.commit("main", &files, "By hand");
    let outcome = promote_unit(&writer, both).await.unwrap();
    let PullOutcome::Done { closed, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(closed[0].number, 2);
    assert_eq!(gitea.head(branch), None);
    let comments = gitea.api(
        "GET",
        "/repos/acme/deployments/issues/2/comments",
        &json!(null),
    );
    assert_eq!(comments[0]["body"], "Closed: production has this already.");
    check(&gitea);
}

#[tokio::test]
async fn labels_reviewers_draft_and_auto_merge_follow_the_policy() {
    let Some(gitea) = gitea() else { return };
    let mut writer = writer(&gitea, "one");
    writer.policy = PullRequestPolicy {
        reviewers: vec!["alice".into(), "acme/platform".into()],
        labels: vec!["promotion".into()],
        draft: true,
        auto_merge: Some(MergeMethod::Merge),
    };
    let (.., warnings) = opened(promote(&writer, 7).await);
    assert_eq!(
        warnings,
        ["a draft does not merge itself; mark it as ready first"]
    );
    let pull = gitea.api("GET", "/repos/acme/deployments/pulls/1", &json!(null));
    assert_eq!(
        (&pull["draft"], &pull["title"]),
        (&json!(true), &json!("WIP: Promote web to production"))
    );
    assert_eq!(pull["labels"][0]["name"], "promotion");
    assert_eq!(pull["requested_reviewers"][0]["login"], "alice");
    assert_eq!(pull["requested_reviewers_teams"][0]["name"], "platform");
    // It stays a draft, and nobody is asked again.
    gitea.proxy.seen().writes.clear();
    opened(promote(&writer, 8).await);
    assert_eq!(gitea.pulls()[0]["draft"], true);
    let writes = gitea.proxy.seen().writes.clone();
    assert!(
        writes
            .iter()
            .all(|it| it.ends_with("/git-receive-pack") || it.starts_with("PATCH ")),
        "{writes:?}"
    );

    // Somebody marks it as ready; nothing has to be waited for, and so it is merged.
    gitea.api(
        "PATCH",
        "/repos/acme/deployments/pulls/1",
        &json!({ "title": "Promote web to production" }),
    );
    let (.., warnings) = opened(promote(&writer, 8).await);
    assert_eq!(warnings, [""; 0]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while gitea.pulls()[0]["merged"] != true {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(matches!(
        promote(&writer, 8).await,
        Ok(PullOutcome::Done { .. })
    ));
    check(&gitea);
}
