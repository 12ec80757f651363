//! What is tried again, how often and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ci_http::{Http, Kind, StatusCode};

use crate::clock::Hurried;
use crate::server::{Handler, Reply, Request, Server};
use crate::{get, options};

/// Answers one after the other, the last one for good.
struct Sequence(Vec<Reply>, AtomicUsize);

impl Sequence {
    fn new(replies: Vec<Reply>) -> Self {
        Self(replies, AtomicUsize::new(0))
    }
}

impl Handler for Sequence {
    fn answer(&self, _: &Request) -> Reply {
        let next = self.1.fetch_add(1, Ordering::Relaxed);
        self.0[next.min(self.0.len() - 1)].clone()
    }
}

/// The last status, the number of requests and the pauses between them.
async fn tried(replies: Vec<Reply>) -> (StatusCode, usize, Vec<f64>) {
    let server = Server::start(Sequence::new(replies)).await;
    let clock = Arc::new(Hurried::default());
    let mut options = options();
    options.clock = clock.clone();
    let http = Http::new(&options).unwrap();
    let url = server.url("/");
    let response = http.send_retrying(|| get(&http, &url)).await.unwrap();
    (response.status(), server.log().len(), clock.waited())
}

#[tokio::test]
async fn what_may_pass_is_tried_again_until_it_works() {
    let replies = [502, 503, 504, 500, 200].map(Reply::new).to_vec();
    let pauses = vec![0.5, 1.0, 2.0, 4.0];
    assert_eq!(tried(replies).await, (StatusCode::OK, 5, pauses));
}

#[tokio::test]
async fn the_last_answer_is_given_as_it_is() {
    let (status, requests, pauses) = tried(vec![Reply::new(503)]).await;
    assert_eq!((status.as_u16(), requests, pauses.len()), (503, 5, 4));
}

#[tokio::test]
async fn what_does_not_pass_is_asked_once() {
    for status in [200, 204, 400, 401, 403, 404, 409, 501] {
        let (found, requests, _) = tried(vec![Reply::new(status)]).await;
        assert_eq!((found.as_u16(), requests), (status, 1));
    }
}

#[tokio::test]
async fn a_server_that_names_a_time_is_given_it() {
    let busy = |after: &str| Reply::new(429).header("retry-after", after);
    // The clock stands at 1970-01-01, 7 seconds after midnight, when the date comes.
    let replies = vec![
        busy("7"),
        busy("Thu, 01 Jan 1970 00:00:20 GMT"),
        Reply::new(200),
    ];
    let (status, _, pauses) = tried(replies).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(pauses, [7.25, 13.0]);
}

#[tokio::test]
async fn a_server_that_wants_an_hour_is_not_waited_for() {
    let busy = Reply::new(429).header("retry-after", 3600);
    let (status, requests, pauses) = tried(vec![busy]).await;
    assert_eq!((status.as_u16(), requests), (429, 1));
    assert!(pauses.is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    let half = Reply::new(200).body("hello").cut(2);
    struct HangsUp;
    impl Handler for HangsUp {
        fn hang_up(&self, _: &Request) -> Option<usize> {
            Some(0)
        }
        fn answer(&self, _: &Request) -> Reply {
            Reply::new(200)
        }
    }
    let server = Server::start(HangsUp).await;
    let http = Http::new(&options()).unwrap();
    let url = server.url("/");
    let error = http.send_retrying(|| get(&http, &url)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(server.log().len(), 5);

    // Of a body that breaks only who reads it can tell.
    let server = Server::start(Sequence::new(vec![half])).await;
    let url = server.url("/");
    let response = http.send_retrying(|| get(&http, &url)).await.unwrap();
    let error = response.bytes(100).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert!(error.is_transient());
}
