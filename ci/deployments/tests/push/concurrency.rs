//! Twenty at once (P4).

use std::sync::Arc;

use ci_deployments::Refused;
use ci_deployments::git::{Credential, GitError, Outcome};
use futures::future::join_all;

use crate::repository::{Repository, candidate, kustomization, promote};
use crate::server::Server;

fn services() -> Vec<String> {
    (0..20).map(|number| format!("service-{number}")).collect()
}

fn repository() -> Repository {
    let files: Vec<(String, String)> = services().iter().map(|it| kustomization(it)).collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, content)| (&**path, &**content))
        .collect();
    Repository::new(&files)
}

async fn all_land(repository: &Repository, address: &str, credential: Option<Credential>) {
    let services = services();
    let promotions = services.iter().map(async |service| {
        let writer = repository.writer_to(address, credential.clone(), service);
        promote(&writer, candidate(service, 7), || ()).await
    });
    for outcome in join_all(promotions).await {
        assert!(
            matches!(outcome, Ok(Outcome::Written { .. })),
            "{outcome:?}"
        );
    }
    assert_eq!(
        repository.git(&["rev-list", "--count", "main"]).trim(),
        "21"
    );
    for service in services {
        let (path, _) = kustomization(&service);
        assert!(
            repository.file(&path).contains("digest: sha256:"),
            "{service}"
        );
    }
}

#[tokio::test]
async fn twenty_services_at_once_all_land_over_a_path_p4() {
    let repository = repository();
    let path = repository.path();
    all_land(&repository, path.to_str().unwrap(), None).await;
}

#[tokio::test]
async fn twenty_services_at_once_all_land_over_http_p4() {
    let repository = repository();
    let server = Server::start(repository.folder(), Some("Basic dTpodW50ZXIy"));
    let credential = Credential {
        user: "u".into(),
        secret: "hunter2".into(),
    };
    let address = format!("{}/deployments.git", server.address);
    all_land(&repository, &address, Some(credential)).await;
}

#[tokio::test]
async fn of_twenty_promotions_of_one_service_the_newest_wins_and_the_rest_say_so_p4_p5() {
    let repository = repository();
    let writer = Arc::new(repository.writer("shared"));
    let promotions = (1..=20).map(async |number| {
        // Some share a cache, some do not.
        let writer = match number % 2 {
            0 => (*writer).clone(),
            _ => repository.writer(&format!("own-{number}")),
        };
        promote(&writer, candidate("service-0", number), || ()).await
    });
    let mut written = 0;
    for (number, outcome) in (1..).zip(join_all(promotions).await) {
        match outcome {
            Ok(Outcome::Written { .. }) => written += 1,
            Err(GitError::Refused(Refused::Stale { state, .. })) => {
                let pinned = &state.commit[..2];
                assert!(u8::from_str_radix(pinned, 16).unwrap() > number);
            }
            other => panic!("{number}: {other:?}"),
        }
    }
    assert_eq!(
        repository.git(&["rev-list", "--count", "main"]).trim(),
        (written + 1).to_string()
    );
    let state = repository.file(".promotions/production/service-0.toml");
    assert!(state.contains(&"14".repeat(20)), "{state}");
}
