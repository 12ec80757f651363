//! Tests of `contract`: what it promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::testing::{Answer, Server, render};
use super::*;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn terms() -> Terms {
    Terms {
        livez: "/livez".into(),
        readyz: Some("/readyz".into()),
        version: Some((
            "/version".into(),
            Expected {
                sha: SHA.into(),
                service: "web".into(),
                build_ts: "2024-01-31T12:00:00Z".into(),
                image_digest: "sha256:aa".into(),
            },
        )),
        start_timeout: Duration::from_millis(300),
        elapsed: Duration::ZERO,
        grace_period: Duration::from_secs(1),
    }
}

fn good(path: &str) -> Answer {
    match path {
        "/livez" | "/readyz" => Answer::of(200, "ok"),
        "/version" => Answer::of(
            200,
            &format!(
                r#"{{"sha":"{SHA}","service":"web","buildTs":"2024-01-31T12:00:00Z","imageDigest":"sha256:aa"}}"#
            ),
        ),
        _ => Answer::of(404, ""),
    }
}

/// Drains and ends as it should.
async fn leave(server: &Server) -> Result<(), String> {
    server.change(|path| match path {
        "/readyz" => Answer::of(503, ""),
        path => good(path),
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.close();
    Ok(())
}

async fn held(handler: impl Fn(&str) -> Answer + Send + Sync + 'static, terms: Terms) -> String {
    let server = Server::start(handler).await;
    render(&hold(&server.service(), &terms, leave(&server)).await)
}

#[tokio::test]
async fn a_good_service_keeps_every_point() {
    insta::assert_snapshot!(held(good, terms()).await, @r"
    ✔ livez: 200 after N ms
    ✔ readyz: 200, N ms after livez
    ✔ version: sha, service, buildTs and imageDigest are those of this build
    ✔ drain: readyz 503 N ms after SIGTERM; connections accepted for N ms more
    ✔ requests: one that began before SIGTERM was answered with 200
    ✔ exit: N ms after SIGTERM; 1.0s are allowed
    ");
}

#[tokio::test]
async fn what_is_not_declared_is_not_asked() {
    let terms = Terms {
        readyz: None,
        version: None,
        ..terms()
    };
    let handler = |path: &str| {
        assert_eq!(path, "/livez");
        good(path)
    };
    insta::assert_snapshot!(held(handler, terms).await, @r"
    ✔ livez: 200 after N ms
    ✔ exit: N ms after SIGTERM; 1.0s are allowed
    ");
}

#[tokio::test]
async fn a_service_that_needs_time_gets_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let handler = move |path: &str| match path {
        "/livez" if counter.fetch_add(1, Ordering::SeqCst) < 3 => Answer::of(503, ""),
        path => good(path),
    };
    let told = held(handler, terms()).await;
    assert!(!told.contains('✗'), "{told}");
    assert!(asked.load(Ordering::SeqCst) > 3);
}

#[tokio::test]
async fn a_service_that_never_is_alive_is_told_with_its_last_answer_and_asked_nothing_else() {
    let failing = |path: &str| match path {
        "/livez" => Answer::of(500, "no database"),
        _ => panic!("{path}"),
    };
    insta::assert_snapshot!(held(failing, terms()).await, @"✗ livez: not 200 within 0.3s: /livez answers 500");
    insta::assert_snapshot!(held(|_| Answer::Stall(Vec::new()), terms()).await, @"✗ livez: not 200 within 0.3s: no answer within 0.3s");
    insta::assert_snapshot!(held(|_| Answer::raw(""), terms()).await, @r"
    ✗ livez: not 200 within 0.3s: no connection is accepted
        `port` and `env` of [contract] say where it is to listen
    ");
    insta::assert_snapshot!(held(|_| Answer::Flood(vec![b'x'; 9000]), terms()).await, @"✗ livez: not 200 within 0.3s: the answer is no HTTP/1.1: it does not begin with HTTP/1");
}

#[tokio::test]
async fn a_service_that_never_is_ready_is_still_asked_for_its_version_and_its_exit() {
    let handler = |path: &str| match path {
        "/readyz" => Answer::of(503, "waiting"),
        path => good(path),
    };
    insta::assert_snapshot!(held(handler, terms()).await, @r"
    ✔ livez: 200 after N ms
    ✗ readyz: not 200 within 0.3s: /readyz answers 503
    ✔ version: sha, service, buildTs and imageDigest are those of this build
    ✔ exit: N ms after SIGTERM; 1.0s are allowed
    ");
}

#[tokio::test]
async fn a_wrong_version_does_not_keep_the_rest_from_being_looked_at() {
    let handler = |path: &str| match path {
        "/version" => Answer::of(200, r#"{"sha":"abc"}"#),
        path => good(path),
    };
    let told = held(handler, terms()).await;
    assert!(told.contains("✗ version.sha: expected"), "{told}");
    assert!(told.contains("✔ drain"), "{told}");
    let none = |path: &str| match path {
        "/version" => Answer::Flood(b"HTTP/1.1 200 OK\r\n\r\nxxxxxxxxxxxxxxxx".repeat(4096)),
        path => good(path),
    };
    let told = held(none, terms()).await;
    assert!(
        told.contains("✗ version: GET /version: the answer has more than 64 kB"),
        "{told}"
    );
}

#[tokio::test]
async fn a_service_that_is_known_to_have_ended_is_not_waited_for() {
    let server = Server::start(|_| Answer::raw("")).await;
    let service = Service {
        address: server.address,
        has_ended: &|| true,
    };
    let began = Instant::now();
    let terms = Terms {
        start_timeout: Duration::from_secs(30),
        ..terms()
    };
    let points = hold(&service, &terms, async { Ok(()) }).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    insta::assert_snapshot!(render(&points), @"✗ livez: the program ended before /livez answered 200");
}

#[tokio::test]
async fn a_service_that_ends_before_it_is_asked_to_has_not_kept_its_contract() {
    let server = Server::start(good).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    server.change(move |path| {
        counter.fetch_add(1, Ordering::SeqCst);
        good(path)
    });
    let service = Service {
        address: server.address,
        has_ended: &|| asked.load(Ordering::SeqCst) >= 3,
    };
    let points = hold(&service, &terms(), async { Ok(()) }).await;
    let last = points.last().unwrap().clone();
    insta::assert_snapshot!(render(&[last]), @"✗ exit: the program ended by itself, before it was asked to");
    assert_eq!(points.len(), 4);
}
