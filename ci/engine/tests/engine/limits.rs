//! Limits of executions: where they come from, how running into one is told, and that they are in no key.

use std::time::Duration;

use ci_engine::Limits;
use ci_engine::progress::Outcome;
use ci_sandbox::{Privilege, Sandbox};
use dagger_sdk::{Container, Query};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixture::{Fixture, TestResult, base, path, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "e12 running out of memory is told with the limit and the output",
            memory,
        ),
        test("e12 a refused process is told with the limit", processes),
        test(
            "the time limit ends an execution and tells what was running",
            time,
        ),
        test("limits of a container come before the engine's", own),
        test(
            "e12 a step of a Dockerfile that runs into a limit is told with its place",
            dockerfile,
        ),
        test("limits are in no key", keys),
        test("who allows less does not fail who allows more", together),
        test("the time limit is not for services", services),
        test("a limit of nothing is refused", refused),
    ]
}

/// Says something and then keeps more than 24 MiB.
const EATER: [&str; 3] = [
    "sh",
    "-c",
    "echo before; head -c 200000000 /dev/zero | tail > /dev/null",
];

fn with_limits(container: &Container, limits: Value) -> Container {
    Container {
        proc: container.proc.clone(),
        selection: container
            .selection
            .select("withLimits")
            .arg("limits", limits),
        graphql_client: container.graphql_client.clone(),
    }
}

fn memory_limit() -> Limits {
    Limits {
        memory: Some(24 << 20),
        ..Limits::default()
    }
}

/// Without a control group a program is refused what it asks for and ends as it likes.
fn in_group() -> bool {
    let both = Limits {
        pids: Some(1),
        ..memory_limit()
    };
    let exact = Sandbox::new(Privilege::detect())
        .enforcement()
        .shortfall(&both)
        .is_none();
    if !exact {
        eprintln!("skipped in part: no control group can be made here");
    }
    exact
}

async fn error_of(container: Container) -> String {
    format!("{:?}", container.sync().await.map(drop).unwrap_err())
}

async fn memory(fixture: Fixture) -> TestResult {
    let engine = fixture
        .engine_with(|options| options.limits = memory_limit())
        .await;
    let query = engine.query("test");
    let error = error_of(base(&query, &fixture).with_exec(EATER.to_vec())).await;
    assert!(error.contains("before"), "{error}");
    if in_group() {
        let told =
            "exit code: 137 (killed: out of memory, the limit is 24 MiB; raise `limits.memory`)";
        assert!(error.contains(told), "{error}");
        assert_eq!(fixture.outcomes("head -c"), [Outcome::Failed(told.into())]);
    }
    Ok(())
}

async fn processes(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let script = "i=0; while [ $i -lt 400 ]; do sleep 100 & i=$((i+1)); done; echo all";
    let container = with_limits(&base(&query, &fixture), json!({"pids": 12}));
    let error = error_of(container.with_exec(vec!["sh", "-c", script])).await;
    assert!(!error.contains("all\n"), "{error}");
    if in_group() {
        let told = "more than 12 processes and threads were refused; raise `limits.pids`";
        assert!(error.contains(told), "{error}");
    }
    Ok(())
}

async fn time(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let container = with_limits(&base(&query, &fixture), json!({"seconds": 1}));
    let error = error_of(container.with_exec(vec!["sleep", "1000"])).await;
    let told = "exit code: 124 (killed after 1 s, sleep still running; raise `limits.time`)";
    assert!(error.contains(told), "{error}");
    Ok(())
}

async fn own(fixture: Fixture) -> TestResult {
    let engine = fixture
        .engine_with(|options| options.limits = memory_limit())
        .await;
    let query = engine.query("test");
    // What they leave open is the engine's.
    let open = with_limits(&base(&query, &fixture), json!({"pids": 100}));
    error_of(open.with_exec(EATER.to_vec())).await;
    let more = with_limits(&base(&query, &fixture), json!({"memory": 5_i64 << 30}));
    more.with_exec(EATER.to_vec()).sync().await?;
    Ok(())
}

fn docker_build(query: &Query, fixture: &Fixture, limits: Value) -> Container {
    let directory = query.host().directory(path(&fixture.project()));
    Container {
        proc: directory.proc.clone(),
        selection: directory
            .selection
            .select("dockerBuild")
            .arg("limits", limits),
        graphql_client: directory.graphql_client.clone(),
    }
}

async fn dockerfile(fixture: Fixture) -> TestResult {
    std::fs::copy(
        crate::fixture::busybox().unwrap(),
        fixture.project().join("busybox"),
    )?;
    fixture.write(
        "Dockerfile",
        "FROM scratch\nCOPY busybox /bin/\nRUN [\"/bin/busybox\", \"sleep\", \"1000\"]\n",
    );
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let error = error_of(docker_build(&query, &fixture, json!({"seconds": 1}))).await;
    let told = "Dockerfile:3: RUN [\"/bin/busybox\", \"sleep\", \"1000\"]: exit code: 124 (killed after 1 s, busybox still running";
    assert!(error.replace('\\', "").contains(told), "{error}");
    // Programs in the container that was made have the same limits.
    fixture.write("Dockerfile", "FROM scratch\nCOPY busybox /bin/\n");
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let built = docker_build(&query, &fixture, json!({"seconds": 1}));
    let error = error_of(built.with_exec(vec!["/bin/busybox", "sleep", "1000"])).await;
    assert!(error.contains("raise `limits.time`"), "{error}");
    Ok(())
}

async fn keys(fixture: Fixture) -> TestResult {
    for limits in [
        json!({}),
        json!({"memory": 1 << 30, "pids": 100, "seconds": 60}),
        json!({"pids": 50}),
    ] {
        let engine = fixture.engine().await;
        let query = engine.query("test");
        let container = with_limits(&base(&query, &fixture), limits);
        container.with_exec(vec!["touch", "/made"]).sync().await?;
        engine.shutdown().await;
    }
    assert_eq!(
        fixture.outcomes("touch"),
        [Outcome::Done, Outcome::Cached, Outcome::Cached]
    );
    Ok(())
}

async fn together(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let run = |seconds: u32| {
        with_limits(&base(&query, &fixture), json!({"seconds": seconds}))
            .with_exec(vec!["sleep", "2"])
    };
    let (less, more) = (run(1), run(600));
    let (less, more) = tokio::join!(less.sync(), more.sync());
    assert!(less.is_err());
    more?;
    Ok(())
}

async fn services(fixture: Fixture) -> TestResult {
    let second = Limits {
        timeout: Some(Duration::from_secs(1)),
        ..Limits::default()
    };
    let engine = fixture.engine_with(|options| options.limits = second).await;
    let query = engine.query("test");
    let script = "trap 'exit 0' TERM; i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i+1)); done; echo later; while :; do sleep 0.1; done";
    let service = base(&query, &fixture)
        .with_default_args(vec!["sh", "-c", script])
        .as_service();
    service.start().await?;
    fixture.until_printed("later").await;
    service.stop().await?;
    Ok(())
}

async fn refused(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let error = error_of(with_limits(&base(&query, &fixture), json!({"memory": 0}))).await;
    assert!(
        error.contains("limits: memory must be greater than 0"),
        "{error}"
    );
    Ok(())
}
