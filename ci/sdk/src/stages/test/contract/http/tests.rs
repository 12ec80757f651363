//! Tests of `http`: what it promises.

use std::time::Instant;

use proptest::prelude::*;

use super::super::testing::{Answer, Server};
use super::*;

const SHORT: Duration = Duration::from_millis(200);

async fn asked(answer: Answer) -> Result<Response, HttpError> {
    let server = Server::start(move |_| answer.clone()).await;
    get(server.address, "/", SHORT).await
}

fn ok(body: &str) -> Result<Response, HttpError> {
    Ok(Response {
        status: 200,
        body: body.into(),
    })
}

#[tokio::test]
async fn bodies_are_read_to_the_end_that_their_framing_says() {
    let with_length = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi and more";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\nh\r\n1\r\ni\r\n0\r\nTrailer: 1\r\n\r\n";
    let until_close = "HTTP/1.0 200 OK\r\n\r\nhi";
    for text in [with_length, chunked, until_close] {
        assert_eq!(asked(Answer::raw(text)).await, ok("hi"), "{text}");
    }
    let empty = asked(Answer::raw(
        "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
    ))
    .await;
    assert_eq!(empty.unwrap().status, 204);
    // With a length or chunks the connection need not be closed.
    let open = Answer::Stall(with_length.into());
    assert_eq!(asked(open).await, ok("hi"));
}

#[tokio::test]
async fn an_interim_answer_is_not_the_answer() {
    let text = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(asked(Answer::raw(text)).await, ok("hi"));
}

#[tokio::test]
async fn a_service_that_answers_nothing_or_half_is_told_from_one_that_does_not_listen() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    assert_eq!(get(address, "/", SHORT).await, Err(HttpError::Closed));
    assert_eq!(asked(Answer::raw("")).await, Err(HttpError::Closed));
    for half in [
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi",
    ] {
        assert_eq!(
            asked(Answer::raw(half)).await,
            Err(HttpError::Cut),
            "{half}"
        );
    }
}

#[tokio::test]
async fn a_machine_without_a_way_to_the_service_is_not_blamed_on_the_service() {
    // TCP has no broadcasts.
    let address = "255.255.255.255:1".parse().unwrap();
    let error = get(address, "/", SHORT).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable(..)), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_ends_takes_no_longer_than_the_limit() {
    for begun in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\nhi"] {
        let began = Instant::now();
        let answer = asked(Answer::Stall(begun.into())).await;
        assert_eq!(answer, Err(HttpError::TimedOut(SHORT)), "{begun}");
        assert!(
            began.elapsed() < 5 * SHORT,
            "{begun}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn an_endless_answer_needs_no_endless_memory() {
    let heads = "HTTP/1.1 200 OK\r\nX-Long: ".to_owned() + &"x".repeat(20_000);
    let fields = "HTTP/1.1 200 OK\r\n".to_owned() + &"a: b\r\n".repeat(200);
    let body = "HTTP/1.1 200 OK\r\n\r\n".to_owned() + &"x".repeat(BODY_LIMIT);
    let size =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;".to_owned() + &"x".repeat(20_000);
    for flood in [heads, fields, body, size] {
        let answer = asked(Answer::Flood(flood.clone().into_bytes())).await;
        assert!(
            matches!(answer, Err(HttpError::TooLong(_) | HttpError::Malformed(_))),
            "{:.40}: {answer:?}",
            flood
        );
    }
    // Refused before anything is read.
    let claim = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n";
    assert_eq!(
        asked(Answer::raw(claim)).await,
        Err(HttpError::TooLong("more than 64 kB"))
    );
    let claim = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n";
    assert_eq!(
        asked(Answer::raw(claim)).await,
        Err(HttpError::TooLong("more than 64 kB"))
    );
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 two hundred\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n",
    ] {
        let answer = asked(Answer::raw(text)).await;
        assert!(
            matches!(answer, Err(HttpError::Malformed(_))),
            "{text}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_request_that_was_begun_is_answered_once_it_is_finished() {
    let server = Server::start(|path| Answer::of(200, path)).await;
    let exchange = Exchange::begin(server.address, "/livez").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(exchange.finish().await, ok("/livez"));
}

proptest! {
    #[test]
    fn any_bytes_are_a_head_or_not_and_a_head_is_within_them(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let begun = [b"HTTP/1.1 200 OK\r\n", bytes.as_slice()].concat();
        for bytes in [bytes, begun] {
            if let Ok(Some((_, length))) = parse_head(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
