//! What Gitea refuses, and secrets.

use ci_deployments::{PullRequestError, PullRequestPolicy};

use crate::world::{assert_promotes, gitea, opened, promote, writer, writer_with};

#[tokio::test]
async fn what_gitea_refuses_besides_is_told_and_fails_nothing() {
    let Some(gitea) = gitea() else { return };
    let mut writer = writer(&gitea, "one");
    writer.policy = PullRequestPolicy {
        reviewers: vec!["promoter".into()],
        labels: vec!["unheard-of".into()],
        draft: false,
        auto_merge: None,
    };
    let (.., warnings) = opened(promote(&writer, 7).await);
    insta::assert_snapshot!(warnings.join("\n"), @r"
    labels that the repository does not have: unheard-of
    reviewers were refused: poster of pr can't be reviewer [user_id: 1, repo_id: 1]
    ");
    assert_promotes(&gitea, 7);
}

#[tokio::test]
async fn a_refusal_says_nothing_of_the_token_s1() {
    let Some(gitea) = gitea() else { return };
    let writer = writer_with(&gitea, "one", "hunter2");
    let error = promote(&writer, 7).await.unwrap_err();
    let text = format!("{error} {error:?} {writer:?}");
    assert!(matches!(error, PullRequestError::Git(_)), "{text}");
    assert!(
        !text.contains("hunter2") && text.contains("could not read Username"),
        "{text}"
    );
}
