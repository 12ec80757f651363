//! What was pinned before, and going back by pull request.

use ci_deployments::review::Review;
use ci_deployments::{Promotion, Refused, Rollback, RollbackTarget, choose, rollback};
use ci_deployments::{PullOutcome, PullRequestError};
use ci_oci::Digest;

use crate::pulls::merge;
use crate::world::{WEB, declaration, github, opened, promote, writer};

const STATE: &str = ".promotions/production/web.toml";

#[tokio::test]
async fn a_rollback_is_a_pull_request_of_its_own() {
    let github = github();
    let writer = writer(&github);
    for (number, pull) in [(7, 1), (8, 2)] {
        opened(promote(&writer, number).await);
        merge(&mut github.state(), pull);
    }
    let before = github.state().git().file("main^1", WEB);
    let history = writer.history(STATE, 10).await.unwrap();
    let digests: Vec<Digest> = history.iter().map(|past| past.state.digest).collect();
    assert_eq!(digests, [8, 7].map(|number| Digest::of([number])));
    // Merged a day after it was proposed.
    assert_eq!(history[0].seconds, 1_767_323_045 + 86_400);

    let declaration = declaration();
    let request = Rollback {
        environment: "production".parse().unwrap(),
        declaration: &declaration,
        services: choose(&[history], &RollbackTarget::Previous).unwrap(),
    };
    let paths = [STATE.to_owned(), WEB.to_owned()].into();
    let review = async |_: &Promotion| Review::default();
    let back = async || {
        writer
            .write(&paths, |contents| rollback(&request, contents), review)
            .await
    };
    let (pull, ..) = opened(back().await);
    opened(back().await);
    let branch = "rollback/production/web";
    {
        let state = github.state();
        assert_eq!(state.pulls[2].title, "Roll back web in production");
        assert_eq!(state.pulls[2].branch, branch);
        assert_eq!(state.git().file(branch, WEB), before);
        assert_eq!(pull.number, 3);
    }
    // Somebody promotes while it is open: it is not what people would merge any more.
    opened(promote(&writer, 9).await);
    merge(&mut github.state(), 4);
    let error = back().await.unwrap_err();
    assert!(
        matches!(error, PullRequestError::Refused(Refused::Overtaken { .. })),
        "{error}"
    );
    github.check();
}

#[tokio::test]
async fn a_rollback_that_was_merged_is_done() {
    let github = github();
    let writer = writer(&github);
    for (number, pull) in [(7, 1), (8, 2)] {
        opened(promote(&writer, number).await);
        merge(&mut github.state(), pull);
    }
    let history = writer.history(STATE, 10).await.unwrap();
    let declaration = declaration();
    let request = Rollback {
        environment: "production".parse().unwrap(),
        declaration: &declaration,
        services: choose(&[history], &RollbackTarget::Named("0707070".into())).unwrap(),
    };
    let paths = [STATE.to_owned(), WEB.to_owned()].into();
    let review = async |_: &Promotion| Review::default();
    let back = async || {
        writer
            .write(&paths, |contents| rollback(&request, contents), review)
            .await
    };
    opened(back().await);
    merge(&mut github.state(), 3);
    assert!(matches!(back().await, Ok(PullOutcome::Done { .. })));
    github.check();
}
