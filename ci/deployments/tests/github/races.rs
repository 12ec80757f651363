//! Two at once, what happens in between, and runs that are killed (P4).

use ci_deployments::{PullOutcome, PullRequestError};
use ci_http::Retry;
use futures::future::join_all;
use serde_json::json;

use crate::pulls::merge;
use crate::standin::{Fault, StandIn};
use crate::world::{
    BRANCH, WEB, assert_promotes, candidate, github, http, kustomization, opened, promote,
    promote_unit, writer,
};

#[tokio::test]
async fn of_many_at_once_the_newest_wins_in_one_pull_request_p4() {
    let github = github();
    let writers: Vec<_> = (0..6).map(|_| writer(&github)).collect();
    let all = join_all(
        writers
            .iter()
            .zip([5, 9, 7, 9, 6, 8])
            .map(|(writer, number)| promote(writer, number)),
    )
    .await;
    for outcome in &all {
        let is_told = matches!(
            outcome,
            Ok(PullOutcome::Open { .. }) | Err(PullRequestError::Newer { .. })
        );
        assert!(is_told, "{outcome:?}");
    }
    let digest = ci_oci::Digest::of([9]).to_string();
    assert!(github.state().git().file(BRANCH, WEB).contains(&digest));
    // What one of them wrote last may describe an older one; the next run puts that right.
    opened(promote(&writers[0], 9).await);
    assert_promotes(&github, 9);
    assert_eq!(github.state().pulls.len(), 1);
}

#[tokio::test]
async fn twenty_services_at_once_have_one_pull_request_each_p4() {
    let services: Vec<String> = (0..20).map(|number| format!("service-{number}")).collect();
    let github = StandIn::start();
    {
        let files: Vec<(String, String)> = services.iter().map(|it| kustomization(it)).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|it| (&*it.0, &*it.1)).collect();
        github.state().git().write("main", &files, "start");
    }
    let promotions = services
        .iter()
        .map(async |service| promote_unit(&writer(&github), vec![candidate(service, 7)]).await);
    for outcome in join_all(promotions).await {
        opened(outcome);
    }
    let state = github.state();
    assert_eq!(state.pulls.len(), 20);
    for service in &services {
        let branch = format!("promote/production/{service}");
        assert!(
            state
                .pulls
                .iter()
                .any(|it| it.is_open && it.branch == branch)
        );
        let file = state.git().file(&branch, &kustomization(service).0);
        assert!(file.contains("digest: sha256:"), "{service}: {file}");
    }
    drop(state);
    github.check();
}

#[tokio::test]
async fn a_branch_that_somebody_makes_or_moves_first_is_looked_at_again_p4() {
    let github = github();
    let writer = writer(&github);
    // Another run of an older release is a moment faster.
    let older = {
        let other = crate::world::github();
        opened(promote(&crate::world::writer(&other), 6).await);
        let state = other.state();
        let file = |path: &str| state.git().file(BRANCH, path);
        [file(WEB), file(".promotions/production/web.toml")]
    };
    github.fault(
        "POST /repos/acme/deployments/git/refs",
        Fault::First(Box::new(move |state| {
            let git = state.git();
            git.run(&["update-ref", &format!("refs/heads/{BRANCH}"), "main"]);
            let files = [
                (WEB, older[0].as_str()),
                (".promotions/production/web.toml", older[1].as_str()),
            ];
            git.write(
                BRANCH,
                &files,
                "Promote\n\nPromotion-Environment: production",
            );
        })),
    );
    opened(promote(&writer, 7).await);
    assert_promotes(&github, 7);

    github.fault(
        "PATCH /repos/acme/deployments/git/refs",
        Fault::First(Box::new(|state| {
            let git = state.git();
            let tree = git.run(&["rev-parse", &format!("{BRANCH}^{{tree}}")]);
            let commit = git.commit(
                &tree,
                &[BRANCH],
                "Again\n\nPromotion-Environment: production",
            );
            git.run(&["update-ref", &format!("refs/heads/{BRANCH}"), &commit]);
        })),
    );
    opened(promote(&writer, 8).await);
    assert_promotes(&github, 8);
    let log = github.state().git().run(&["log", "--format=%s", BRANCH]);
    assert!(log.contains("Again"), "nothing is overwritten: {log}");
}

#[tokio::test]
async fn a_branch_that_is_deleted_meanwhile_is_made_again_p4() {
    let github = github();
    let writer = writer(&github);
    opened(promote(&writer, 7).await);
    for call in [
        "PATCH /repos/acme/deployments/git/refs",
        "POST /repos/acme/deployments/pulls",
    ] {
        github.fault(
            call,
            Fault::First(Box::new(|state| {
                state
                    .git()
                    .run(&["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
                // GitHub closes what has lost its branch.
                state.pulls.iter_mut().for_each(|pull| pull.is_open = false);
            })),
        );
    }
    opened(promote(&writer, 8).await);
    assert_promotes(&github, 8);
}

#[tokio::test]
async fn a_pull_request_that_is_opened_or_merged_meanwhile_is_found_p4() {
    let github = github();
    let other = writer(&github);
    github.fault(
        "POST /repos/acme/deployments/pulls",
        Fault::Lose { done: true },
    );
    let (pull, ..) = opened(promote(&other, 7).await);
    assert_eq!(pull.number, 1);
    assert_promotes(&github, 7);

    github.fault(
        "GET /repos/acme/deployments/git/ref/heads/promote",
        Fault::First(Box::new(|state| merge(state, 1))),
    );
    // Merged after the plan was made: the branch has nothing new any more.
    let outcome = promote(&other, 7).await;
    assert!(
        matches!(
            outcome,
            Ok(PullOutcome::Done { .. } | PullOutcome::Open { .. })
        ),
        "{outcome:?}"
    );
    assert!(matches!(
        promote(&other, 7).await,
        Ok(PullOutcome::Done { .. })
    ));
    assert!(github.state().open().is_empty());
    github.check();
}

#[tokio::test]
async fn a_base_that_moves_or_goes_meanwhile_is_noticed_p4() {
    let github = github();
    let writer = writer(&github);
    github.fault(
        "POST /repos/acme/deployments/pulls",
        Fault::First(Box::new(|state| {
            state
                .git()
                .write("main", &[("README.md", "y\n")], "elsewhere");
        })),
    );
    opened(promote(&writer, 7).await);
    assert_promotes(&github, 7);
    github
        .state()
        .git()
        .run(&["update-ref", "-d", "refs/heads/main"]);
    let error = promote(&writer, 8).await.unwrap_err();
    assert_eq!(error.to_string(), "acme/deployments has no branch main");
}

#[tokio::test]
async fn a_promotion_that_is_overtaken_for_ever_gives_up_p4() {
    let github = github();
    let mut writer = writer(&github);
    writer.retry = Retry {
        attempts: 3,
        ..Retry::default()
    };
    for _ in 0..3 {
        let exists = json!({ "message": "Reference already exists" });
        github.fault(
            "POST /repos/acme/deployments/git/refs",
            Fault::Answer(422, "", exists),
        );
    }
    let error = promote(&writer, 7).await.unwrap_err();
    assert!(
        matches!(error, PullRequestError::Contended { attempts: 3 }),
        "{error}"
    );
}

/// Kills the first run after each request in turn, once before and once after the request took effect, and runs it again.
#[tokio::test]
async fn killed_at_any_point_and_run_again_there_is_one_branch_and_one_pull_request_p4() {
    let mut survived = 0;
    for (start, release) in [(None, 7), (Some(7), 8)] {
        for done in [false, true] {
            for after in 0.. {
                let github = github();
                let mut writer = writer(&github);
                writer.policy.labels = vec!["promotion".into()];
                writer.policy.reviewers = vec!["alice".into()];
                if let Some(number) = start {
                    opened(promote(&writer, number).await);
                }
                github.state().dies_after = Some((after, done));
                let mut killed = writer.clone();
                killed.http = http(1).0;
                let outcome = promote(&killed, release).await;
                github.state().dies_after = None;
                let is_whole = outcome.is_ok();
                opened(promote(&writer, release).await);
                assert_promotes(&github, release);
                let state = github.state();
                let pull = state.open()[0].clone();
                assert_eq!(
                    (pull.labels, pull.reviewers),
                    (vec!["promotion".into()], vec!["alice".into()])
                );
                assert_eq!(state.pulls.len(), 1);
                drop(state);
                if is_whole {
                    break;
                }
                survived += 1;
            }
        }
    }
    // A kill after every request of both runs, twice.
    assert!(survived > 60, "{survived}");
}
