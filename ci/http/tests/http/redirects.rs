//! Where redirects lead, and what stays behind (R1, R3).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ci_http::header::{AUTHORIZATION, COOKIE};
use ci_http::{Http, Kind, Method, StatusCode, Url, once};

use crate::server::{Authority, Reply, Request, Server};
use crate::{get, http, options};

/// Answers with the headers that must not travel.
fn secrets(request: &Request) -> Reply {
    let header = |name| request.header(name).unwrap_or("-").to_owned();
    Reply::new(200).body(format!("{} {}", header("authorization"), header("cookie")))
}

/// What arrives where `path` of a server redirects to `target`.
async fn arriving(server: &Server, path: &str) -> String {
    let http = http();
    let request = get(&http, &server.url(path))
        .header(AUTHORIZATION, "Basic secret")
        .header(COOKIE, "secret");
    let response = http.send(request).await.unwrap();
    String::from_utf8(response.bytes(100).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn credentials_stay_on_the_same_scheme_host_and_port() {
    let server = Server::start(|request: &Request| match request.path() {
        "/from" => Reply::new(307).header("location", "/to"),
        _ => secrets(request),
    })
    .await;
    assert_eq!(arriving(&server, "/from").await, "Basic secret secret");
}

#[tokio::test]
async fn credentials_do_not_reach_another_port_r1() {
    let other = Server::start(secrets).await;
    let target = other.url("/to");
    for status in [301, 302, 303, 307, 308] {
        let target = target.clone();
        let server =
            Server::start(move |_: &Request| Reply::new(status).header("location", &target)).await;
        assert_eq!(arriving(&server, "/from").await, "- -", "{status}");
    }
}

#[tokio::test]
async fn credentials_do_not_reach_another_name_of_the_same_machine_r1() {
    let server = Server::start(|request: &Request| {
        let host = request.header("host").unwrap();
        match request.path() {
            "/from" => {
                let target = host.replace("127.0.0.1", "localhost");
                Reply::new(307).header("location", format!("http://{target}/to"))
            }
            _ => secrets(request),
        }
    })
    .await;
    assert_eq!(arriving(&server, "/from").await, "- -");
}

#[tokio::test]
async fn credentials_do_not_come_back_by_a_detour_r1() {
    let back = Arc::new(std::sync::OnceLock::new());
    let target = back.clone();
    let detour =
        Server::start(move |_: &Request| Reply::new(307).header("location", target.get().unwrap()))
            .await;
    let there = detour.url("/");
    let server = Server::start(move |request: &Request| match request.path() {
        "/from" => Reply::new(307).header("location", &there),
        _ => secrets(request),
    })
    .await;
    back.set(server.url("/to")).unwrap();
    assert_eq!(arriving(&server, "/from").await, "- -");
}

#[tokio::test]
async fn a_secret_body_is_for_one_address_r1() {
    let other = Server::start(|_: &Request| Reply::new(200)).await;
    let target = other.url("/to");
    for status in [307, 308] {
        let target = target.clone();
        let server =
            Server::start(move |_: &Request| Reply::new(status).header("location", &target)).await;
        let http = http();
        let url = Url::parse(&server.url("/from")).unwrap();
        let request = http.request(Method::POST, url).body(once("secret"));
        let response = http.send(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(server.log()[0].body, b"secret");
        assert!(other.log().is_empty());
    }
}

#[tokio::test]
async fn tls_is_not_left_r3() {
    let plain = Server::start(secrets).await;
    let target = plain.url("/to");
    let authority = Authority::new("127.0.0.1");
    let server = Server::start_tls(
        move |_: &Request| Reply::new(302).header("location", &target),
        &authority,
    )
    .await;
    let mut options = options();
    options.ca_files.push(authority.file());
    let http = Http::new(&options).unwrap();
    let error = http
        .send(get(&http, &server.url("/from")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Redirect);
    assert!(error.to_string().ends_with("it redirects to plain HTTP"));
    assert!(!error.is_transient());
    assert!(plain.log().is_empty());
}

#[tokio::test]
async fn loops_end() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let server = Server::start(move |_: &Request| {
        counted.fetch_add(1, Ordering::Relaxed);
        Reply::new(302).header("location", "/again")
    })
    .await;
    let http = http();
    let error = http.send(get(&http, &server.url("/"))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Redirect);
    assert_eq!(count.load(Ordering::Relaxed), 11);
}

#[tokio::test]
async fn a_redirect_without_an_address_is_an_answer() {
    let server = Server::start(|_: &Request| Reply::new(302)).await;
    let http = http();
    let response = http.send(get(&http, &server.url("/"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
}
