//! Many at once, and runs that are killed (P4).

use ci_deployments::{PullOutcome, PullRequestError};
use futures::future::join_all;

use crate::promotion::{candidate, kustomization};
use crate::world::{
    BRANCH, WEB, assert_promotes, check, gitea, http, opened, promote, promote_unit, start, writer,
};

#[tokio::test]
async fn twenty_services_at_once_have_one_pull_request_each_p4() {
    let services: Vec<String> = (0..20).map(|number| format!("service-{number}")).collect();
    let files: Vec<(String, String)> = services.iter().map(|it| kustomization(it)).collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, content)| (&**path, &**content))
        .collect();
    let Some(gitea) = start(&files) else {
        return;
    };
    let promotions = services.iter().enumerate().map(async |(number, service)| {
        // Of four machines.
        let writer = writer(&gitea, &format!("machine-{}", number % 4));
        promote_unit(&writer, vec![candidate(service, 7)]).await
    });
    for outcome in join_all(promotions).await {
        opened(outcome);
    }
    let pulls = gitea.pulls();
    assert_eq!(pulls.len(), 20);
    for service in &services {
        let branch = format!("promote/production/{service}");
        assert!(
            pulls.iter().any(|it| it["head"]["ref"] == *branch),
            "{service}"
        );
        assert!(
            gitea
                .file(&branch, &kustomization(service).0)
                .contains("digest: sha256:")
        );
    }
    check(&gitea);
}

#[tokio::test]
async fn of_many_of_one_service_the_newest_wins_in_one_pull_request_p4_p5() {
    let Some(gitea) = gitea() else { return };
    let promotions = [5, 9, 7, 9, 6, 8].into_iter().enumerate();
    let promotions = promotions.map(async |(at, number)| {
        let writer = writer(&gitea, &format!("machine-{}", at % 3));
        promote(&writer, number).await
    });
    for outcome in join_all(promotions).await {
        let is_told = matches!(
            outcome,
            Ok(PullOutcome::Open { .. }) | Err(PullRequestError::Newer { .. })
        );
        assert!(is_told, "{outcome:?}");
    }
    let digest = ci_oci::Digest::of([9]).to_string();
    assert!(gitea.file(BRANCH, WEB).contains(&digest));
    // What one of them wrote last may describe an older one; the next run puts that right.
    opened(promote(&writer(&gitea, "last"), 9).await);
    assert_promotes(&gitea, 9);
    assert_eq!(gitea.pulls().len(), 1);
}

/// Kills the first run at each request that changes something, once before and once after it took effect, and runs it again.
#[tokio::test]
async fn killed_at_any_point_and_run_again_there_is_one_branch_and_one_pull_request_p4() {
    let Some(gitea) = gitea() else { return };
    let mut writer = writer(&gitea, "one");
    writer.policy.labels = vec!["promotion".into()];
    writer.policy.reviewers = vec!["alice".into()];
    let mut killed = writer.clone();
    killed.http = http(1);
    let (mut deaths, mut release) = (0, 1);
    for is_first in [true, false] {
        for done in [false, true] {
            for after in 0.. {
                if is_first
                    && let Some(open) = gitea.pulls().first().filter(|it| it["state"] == "open")
                {
                    gitea.merge(open["number"].as_u64().unwrap());
                    gitea.git(&["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
                }
                let before = gitea.pulls().len();
                gitea.proxy.seen().dies_after = Some((after, done));
                let outcome = promote(&killed, release).await;
                gitea.proxy.seen().dies_after = None;
                opened(promote(&writer, release).await);
                assert_promotes(&gitea, release);
                let pulls = gitea.pulls();
                assert_eq!(pulls[0]["labels"][0]["name"], "promotion");
                assert_eq!(pulls[0]["requested_reviewers"][0]["login"], "alice");
                assert_eq!(pulls.len(), before + usize::from(is_first));
                release += 1;
                match outcome {
                    Ok(_) => break,
                    Err(error) => {
                        eprintln!("{is_first} {done} {after} {error}");
                        deaths += 1
                    }
                }
            }
        }
    }
    // Pushed, opened, labelled, asked for a review; pushed and described.
    assert_eq!(deaths, 2 * (4 + 2));
}
