//! Tests of `shutdown`: what it promises.

use super::super::testing::{Answer, Server, render};
use super::*;

const GRACE: Duration = Duration::from_secs(3);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn ready() -> Server {
    Server::start(|_| Answer::of(200, "ok")).await
}

async fn observed(server: &Server, stop: impl Future<Output = Result<(), String>>) -> String {
    render(&observe(&server.service(), "/livez", Some("/readyz"), GRACE, stop).await)
}

/// As a good service does after SIGTERM.
fn drain(server: &Server) {
    server.change(|path| match path {
        "/readyz" => Answer::of(503, "draining"),
        _ => Answer::of(200, "ok"),
    });
}

#[tokio::test]
async fn a_service_that_drains_and_exits_keeps_its_contract() {
    let server = ready().await;
    let stop = async {
        drain(&server);
        tokio::time::sleep(ms(150)).await;
        server.close();
        tokio::time::sleep(ms(50)).await;
        Ok(())
    };
    insta::assert_snapshot!(observed(&server, stop).await, @r"
    ✔ drain: readyz 503 N ms after SIGTERM; connections accepted for N ms more
    ✔ requests: one that began before SIGTERM was answered with 200
    ✔ exit: N ms after SIGTERM; 3.0s are allowed
    ");
}

#[tokio::test]
async fn closing_while_ready_is_told_with_when_that_was() {
    let server = ready().await;
    let stop = async {
        tokio::time::sleep(ms(50)).await;
        server.close();
        tokio::time::sleep(ms(100)).await;
        Ok(())
    };
    insta::assert_snapshot!(observed(&server, stop).await, @r"
    ✗ drain: connections were refused N ms after SIGTERM, but readyz never said so before: the last answer, after N ms, was 200
        on SIGTERM answer 503 for readiness first; close the listener some moments later
    ✔ exit: N ms after SIGTERM; 3.0s are allowed
    ");
}

#[tokio::test]
async fn exiting_while_ready_fails_too() {
    let server = ready().await;
    let stop = async {
        tokio::time::sleep(ms(50)).await;
        Ok(())
    };
    insta::assert_snapshot!(observed(&server, stop).await, @r"
    ✗ drain: readyz never said that it is not ready: the last answer, after N ms, was 200
        on SIGTERM answer 503 for readiness first; close the listener some moments later
    ✔ exit: N ms after SIGTERM; 3.0s are allowed
    ");
}

#[tokio::test]
async fn being_ready_again_is_no_drain() {
    let server = ready().await;
    let stop = async {
        drain(&server);
        tokio::time::sleep(ms(100)).await;
        server.change(|_| Answer::of(200, "ok"));
        tokio::time::sleep(ms(100)).await;
        Ok(())
    };
    let told = observed(&server, stop).await;
    assert!(
        told.starts_with("✗ drain: readyz 503 N ms after SIGTERM, but 200 again after N ms\n"),
        "{told}"
    );
}

#[tokio::test]
async fn a_request_under_way_that_is_dropped_is_a_failure_of_its_own() {
    let server = ready().await;
    let stop = async {
        server.change(|path| match path {
            "/readyz" => Answer::of(503, "draining"),
            _ => Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"),
        });
        tokio::time::sleep(ms(150)).await;
        Ok(())
    };
    insta::assert_snapshot!(observed(&server, stop).await, @r"
    ✔ drain: readyz 503 N ms after SIGTERM; connections accepted for N ms more
    ✗ requests: one that began before SIGTERM was lost: the connection was closed in the middle of an answer
        finish the requests that are open before you exit
    ✔ exit: N ms after SIGTERM; 3.0s are allowed
    ");
}

#[tokio::test]
async fn a_process_that_does_not_end_is_given_no_more_than_the_grace_period() {
    let server = ready().await;
    let began = Instant::now();
    let stop = std::future::pending();
    let points = observe(&server.service(), "/livez", None, ms(100), stop).await;
    assert!(began.elapsed() < ms(2000));
    insta::assert_snapshot!(render(&points), @r"
    ✗ exit: still running 0.1s after SIGTERM, which is its grace period
        handle SIGTERM; a program that a shell starts gets it only with `exec`
    ");
}

#[tokio::test]
async fn a_process_that_was_killed_is_told_with_the_engines_words() {
    let server = ready().await;
    let stop = async { Err("it was killed".to_owned()) };
    let points = observe(&server.service(), "/livez", None, GRACE, stop).await;
    insta::assert_snapshot!(render(&points), @"✗ exit: N ms after SIGTERM: it was killed");
}

#[tokio::test]
async fn readiness_that_hangs_while_draining_does_not_hold_up_the_end() {
    let server = ready().await;
    let began = Instant::now();
    let stop = async {
        server.change(|_| Answer::Stall(Vec::new()));
        tokio::time::sleep(ms(100)).await;
        Ok(())
    };
    let told = observed(&server, stop).await;
    assert!(began.elapsed() < ms(1500), "{:?}", began.elapsed());
    assert!(
        told.starts_with("✗ drain: readyz never said that it is not ready"),
        "{told}"
    );
}

/// It could not say whether it is ready while another connection is open.
#[tokio::test]
async fn a_service_that_serves_one_connection_at_a_time_is_not_given_two() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (draining, is_draining) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n")
                && matches!(stream.read_buf(&mut request).await, Ok(1..))
            {}
            let status = if *is_draining.borrow() { 503 } else { 200 };
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let service = Service {
        address,
        has_ended: &|| false,
    };
    let stop = async {
        draining.send_replace(true);
        tokio::time::sleep(ms(200)).await;
        serving.abort();
        Ok(())
    };
    let points = observe(&service, "/livez", Some("/readyz"), GRACE, stop).await;
    insta::assert_snapshot!(render(&points), @r"
    ✔ drain: readyz 503 N ms after SIGTERM; connections accepted for N ms more
    ✔ exit: N ms after SIGTERM; 3.0s are allowed
    ");
}
