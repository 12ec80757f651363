//! Instances that are asked what they run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ci_deployments::status::{Expected, ask, wait};
use ci_oci::Digest;
use serde_json::json;

use crate::http::serve;
use crate::{answer, client};

/// An instance that is ready from the `from`th time on, and runs this.
fn instance(runs: &'static str, from: usize) -> ci_http::Url {
    let asked = Arc::new(Mutex::new(0));
    let address = serve(move |request| match request.target.as_str() {
        "/app/readyz" => {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            answer(if *asked < from { 503 } else { 200 }, &json!("ok"))
        }
        "/app/version" => answer(
            200,
            &json!({ "sha": "0123456", "service": "web", "buildTs": 1, "imageDigest": Digest::of(runs) }),
        ),
        other => panic!("{other}"),
    });
    format!("{address}/app/").parse().unwrap()
}

fn expected(addresses: Vec<ci_http::Url>) -> Vec<Expected> {
    vec![Expected {
        service: "web".parse().unwrap(),
        digest: Digest::of("new"),
        commit: Some("0123456789".into()),
        addresses,
    }]
}

#[tokio::test]
async fn every_instance_counts_not_one() {
    let http = client();
    let (new, old) = (instance("new", 0), instance("old", 0));
    assert!(ask(&http, &expected(vec![new.clone()])).await.is_good());
    let report = ask(&http, &expected(vec![new, old])).await;
    assert!(!report.is_good());
    assert!(
        report
            .to_string()
            .contains(&format!("it runs {}", Digest::of("old"))),
        "{report}"
    );
    let nobody = ask(
        &http,
        &expected(vec!["http://127.0.0.1:1/".parse().unwrap()]),
    )
    .await;
    assert!(nobody.to_string().contains("not ready: "), "{nobody}");
    let plain = ask(
        &http,
        &expected(vec!["http://web.example.com/".parse().unwrap()]),
    )
    .await;
    assert!(plain.to_string().contains("plain HTTP"), "{plain}");
}

#[tokio::test]
async fn waiting_ends_when_all_is_good_or_time_is_up() {
    let http = client();
    let (minute, pause) = (Duration::from_secs(60), Duration::from_secs(5));
    assert!(
        wait(&http, &expected(vec![instance("new", 4)]), minute, pause)
            .await
            .is_good()
    );
    let report = wait(&http, &expected(vec![instance("new", 400)]), minute, pause).await;
    assert!(
        report.to_string().contains("not ready: status 503"),
        "{report}"
    );
    // Nothing to ask is no success, and no reason to wait.
    let before = http.clock().now();
    assert!(
        !wait(&http, &expected(Vec::new()), minute, pause)
            .await
            .is_good()
    );
    assert!(!wait(&http, &[], minute, pause).await.is_good());
    assert_eq!(http.clock().now(), before);
}
