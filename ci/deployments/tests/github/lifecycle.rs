//! A promotion from its first run to the next release.

use ci_deployments::{MergeMethod, PullRequestPolicy, Refused};
use ci_deployments::{PullOutcome, PullRequestError};

use crate::pulls::{Pull, merge};
use crate::world::{
    BRANCH, WEB, assert_promotes, candidate, github, opened, promote, promote_unit, writer,
};

#[tokio::test]
async fn a_promotion_opens_one_pull_request_and_the_next_run_changes_nothing() {
    let github = github();
    let writer = writer(&github);
    let (pull, is_new, warnings) = opened(promote(&writer, 7).await);
    assert!(is_new && warnings.is_empty());
    assert_eq!(pull.url, "https://github.com/acme/deployments/pull/1");
    assert_promotes(&github, 7);
    let message = github
        .state()
        .git()
        .run(&["log", "-1", "--format=%B", BRANCH]);
    assert!(
        message.starts_with("Promote web to production\n"),
        "{message}"
    );
    let head = github.state().git().head(BRANCH);
    github.state().calls.clear();

    let (_, is_new, _) = opened(promote(&writer, 7).await);
    assert!(!is_new);
    assert_eq!(github.state().git().head(BRANCH), head);
    let calls = github.state().calls.clone();
    assert!(
        calls.iter().all(|call| call.starts_with("GET ")),
        "{calls:?}"
    );
    assert_promotes(&github, 7);
}

#[tokio::test]
async fn the_next_release_updates_it_in_place() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    let first = github.state().git().head(BRANCH).unwrap();
    let (pull, is_new, _) = opened(promote(&writer, 8).await);
    assert!(!is_new);
    assert_eq!(pull.number, 1);
    // Forward, so that the server can refuse to lose what is there.
    assert!(github.state().git().is_ancestor(&first, BRANCH));
    assert_promotes(&github, 8);
}

#[tokio::test]
async fn a_merged_promotion_is_done_and_the_next_one_opens_another_pull_request() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    merge(&mut github.state(), 1);
    assert!(matches!(
        promote(&writer, 7).await,
        Ok(PullOutcome::Done { .. })
    ));
    let (pull, is_new, _) = opened(promote(&writer, 8).await);
    assert!(is_new);
    assert_eq!(pull.number, 2);
    assert_promotes(&github, 8);
}

#[tokio::test]
async fn what_was_merged_and_reverted_can_be_promoted_again() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    merge(&mut github.state(), 1);
    {
        let state = github.state();
        let git = state.git();
        let commit = git.commit("main^1^{tree}", &["main"], "Revert");
        git.run(&["update-ref", "refs/heads/main", &commit]);
    }
    let (pull, ..) = opened(promote(&writer, 7).await);
    assert_eq!(pull.number, 2);
    assert_promotes(&github, 7);
}

#[tokio::test]
async fn what_the_environment_has_by_other_ways_needs_no_pull_request() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    // Somebody pushed the same.
    let tree = github
        .state()
        .git()
        .run(&["rev-parse", &format!("{BRANCH}^{{tree}}")]);
    let commit = github.state().git().commit(&tree, &["main"], "by hand");
    github
        .state()
        .git()
        .run(&["update-ref", "refs/heads/main", &commit]);
    let outcome = promote(&writer, 7).await.unwrap();
    let PullOutcome::Done { closed, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(closed.len(), 1);
    let state = github.state();
    assert!(state.open().is_empty());
    assert_eq!(
        state.pulls[0].comments,
        ["Closed: production has this already."]
    );
    assert_eq!(state.git().head(BRANCH), None);
    drop(state);
    github.check();
}

#[tokio::test]
async fn a_pull_request_that_people_closed_is_not_opened_again_unless_asked_p4() {
    let github = github();
    let mut writer = writer(&github);
    opened(promote(&writer, 7).await);
    github.state().pulls[0].is_open = false;
    let outcome = promote(&writer, 7).await;
    assert!(
        matches!(outcome, Ok(PullOutcome::Declined { ref pull, .. }) if pull.number == 1),
        "{outcome:?}"
    );
    // Another release is another question.
    opened(promote(&writer, 8).await);
    assert_promotes(&github, 8);
    github.state().pulls[1].is_open = false;
    writer.reopen = true;
    let (pull, ..) = opened(promote(&writer, 8).await);
    assert_eq!(pull.number, 3);
    assert_promotes(&github, 8);
}

#[tokio::test]
async fn a_base_that_moves_elsewhere_leaves_reviews_alone_and_one_that_moves_here_does_not() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    let head = github.state().git().head(BRANCH);
    github
        .state()
        .git()
        .write("main", &[("README.md", "y\n")], "elsewhere");
    opened(promote(&writer, 7).await);
    assert_eq!(github.state().git().head(BRANCH), head);
    let edited = "# new\nimages:\n- name: ghcr.io/acme/web # pinned\n  newTag: v0\n";
    github.state().git().write("main", &[(WEB, edited)], "here");
    opened(promote(&writer, 7).await);
    assert_ne!(github.state().git().head(BRANCH), head);
    assert!(
        github
            .state()
            .git()
            .file(BRANCH, WEB)
            .starts_with("# new\n")
    );
    let changed =
        github
            .state()
            .git()
            .run(&["diff", "--numstat", &format!("main...{BRANCH}"), "--", WEB]);
    assert_eq!(changed, format!("1\t1\t{WEB}"));
}

#[tokio::test]
async fn an_older_release_does_not_replace_an_open_newer_one_p5() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 9).await);
    let error = promote(&writer, 8).await.unwrap_err();
    assert!(matches!(error, PullRequestError::Newer { .. }), "{error}");
    assert!(error.to_string().starts_with(
        "the open promotion on promote/production/web stays: production pins web of commit 09"
    ));
    assert_promotes(&github, 9);
    merge(&mut github.state(), 1);
    let error = promote(&writer, 8).await.unwrap_err();
    assert!(
        matches!(error, PullRequestError::Refused(Refused::Stale { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn commits_of_others_on_the_branch_are_not_lost() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    let theirs = github
        .state()
        .git()
        .write(BRANCH, &[("extra.yaml", "x: 1\n")], "By hand");
    let error = promote(&writer, 8).await.unwrap_err();
    assert!(matches!(error, PullRequestError::Foreign { .. }), "{error}");
    assert_eq!(github.state().git().head(BRANCH), Some(theirs));
}

#[tokio::test]
async fn services_that_were_coupled_meanwhile_are_promoted_by_one_pull_request() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    // A fork with a branch of that name, and what it says of itself, are no matter.
    let fork = Pull {
        number: 2,
        is_fork: true,
        is_open: true,
        ..github.state().pulls[0].clone()
    };
    github.state().pulls.push(fork);
    let both = vec![candidate("api", 8), candidate("web", 8)];
    let outcome = promote_unit(&writer, both).await.unwrap();
    let PullOutcome::Open { pull, closed, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((pull.number, closed.len(), closed[0].number), (3, 1, 1));
    let state = github.state();
    assert!(!state.pulls[0].is_open && state.pulls[1].is_open);
    assert_eq!(state.pulls[0].comments, ["Closed: #3 replaces it."]);
    assert!(!state.pulls[0].body.contains("pipeline-promotion"));
    let branches = state.git().run(&[
        "for-each-ref",
        "--format=%(refname:short)",
        "refs/heads/promote",
    ]);
    assert_eq!(branches, "promote/production/api");
    drop(state);
    github.check();
}

#[tokio::test]
async fn labels_reviewers_draft_and_auto_merge_follow_the_policy() {
    let github = github();
    let mut writer = writer(&github);
    writer.policy = PullRequestPolicy {
        reviewers: vec!["alice".into(), "acme/platform".into()],
        labels: vec!["promotion".into(), "production".into()],
        draft: false,
        auto_merge: Some(MergeMethod::Squash),
    };
    let (.., warnings) = opened(promote(&writer, 7).await);
    assert_eq!(warnings, [""; 0]);
    {
        let mut state = github.state();
        let pull = &mut state.pulls[0];
        assert_eq!(pull.labels, ["promotion", "production"]);
        assert_eq!(
            (&*pull.reviewers, &*pull.teams),
            (&["alice".to_owned()][..], &["platform".to_owned()][..])
        );
        assert_eq!(pull.auto_merge.as_deref(), Some("SQUASH"));
        // They answered: nobody is asked again.
        pull.reviewers.clear();
        pull.teams.clear();
        pull.reviews = 2;
    }
    opened(promote(&writer, 8).await);
    let state = github.state();
    assert!(state.pulls[0].reviewers.is_empty());
    assert_eq!(state.pulls[0].labels.len(), 2);
    drop(state);
    assert_promotes(&github, 8);
}

#[tokio::test]
async fn what_github_refuses_besides_is_told_and_fails_nothing_p7() {
    let github = github();
    github.state().login = "github-actions[bot]".into();
    github.state().auto_merge_error =
        Some("Pull request Auto merge is not allowed for this repository".into());
    let mut writer = writer(&github);
    writer.policy = PullRequestPolicy {
        reviewers: vec!["github-actions[bot]".into()],
        auto_merge: Some(MergeMethod::Merge),
        ..PullRequestPolicy::default()
    };
    let (.., warnings) = opened(promote(&writer, 7).await);
    insta::assert_snapshot!(warnings.join("\n"), @r"
    reviewers were refused: Review cannot be requested from pull request author.
    the pull request was opened with a workflow's own token, and so starts no checks; use an App or a personal token
    it will not merge itself: Pull request Auto merge is not allowed for this repository
    ");
    assert_promotes(&github, 7);
}

#[tokio::test]
async fn a_draft_stays_one_and_what_nothing_holds_back_is_merged() {
    let github = github();
    let mut writer = writer(&github);
    writer.policy.draft = true;
    writer.policy.auto_merge = Some(MergeMethod::Rebase);
    let (.., warnings) = opened(promote(&writer, 7).await);
    assert_eq!(
        warnings,
        ["a draft does not merge itself; mark it as ready first"]
    );
    github.state().pulls[0].is_draft = false;
    github.state().auto_merge_error = Some("Pull request Pull request is in clean status".into());
    let (.., warnings) = opened(promote(&writer, 8).await);
    assert_eq!(warnings, [""; 0]);
    assert!(github.state().pulls[0].is_merged);
    assert!(matches!(
        promote(&writer, 8).await,
        Ok(PullOutcome::Done { .. })
    ));
    github.check();
}

#[tokio::test]
async fn manifests_that_are_links_are_not_followed_p2() {
    let github = github();
    github
        .state()
        .git()
        .write("main", &[(WEB, "-> ../../../secret")], "link");
    let error = promote(&writer(&github), 7).await.unwrap_err();
    assert!(
        matches!(error, PullRequestError::Refused(Refused::Link { .. })),
        "{error}"
    );
    let error = promote_unit(&writer(&github), vec![candidate("worker", 7)])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("overlays/production/api\n"),
        "{error}"
    );
    github.check();
}
