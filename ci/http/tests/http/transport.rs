//! Trust, proxies, limits, and what is said when something fails.

use std::io;
use std::time::Duration;

use ci_http::{Bytes, Http, Kind, Method, Proxies, SetupError, StatusCode, Upload, Url, shown};
use futures::stream;

use crate::server::{Authority, Reply, Request, Server};
use crate::{get, http, options};

fn hello(_: &Request) -> Reply {
    Reply::new(200).body("hello")
}

async fn failure(http: &Http, url: &str) -> ci_http::Error {
    http.send(get(http, url)).await.unwrap_err()
}

#[tokio::test]
async fn a_declared_authority_is_trusted_and_no_other() {
    let authority = Authority::new("127.0.0.1");
    let server = Server::start_tls(hello, &authority).await;
    let error = failure(&http(), &server.url("/v2/?token=secret")).await;
    assert_eq!(error.kind(), Kind::Certificate);
    assert!(!error.is_transient());
    let text = error.to_string().replace(&server.host(), "HOST");
    insta::assert_snapshot!(text, @"https://HOST/v2/: its certificate is signed by nobody we trust (trust a CA of your own: among the system's certificates, in the file SSL_CERT_FILE names, or as a registry's `ca` in pipeline.toml)");

    let mut options = options();
    options.ca_files.push(authority.file());
    let http = Http::new(&options).unwrap();
    let response = http.send(get(&http, &server.url("/"))).await.unwrap();
    assert_eq!(response.bytes(5).await.unwrap(), "hello");
}

/// The variable belongs to the whole process, so the test is run once more in one of its own.
#[tokio::test]
async fn the_file_of_the_environment_is_trusted() {
    const URL: &str = "CI_HTTP_TEST_URL";
    if let Ok(url) = std::env::var(URL) {
        let http = http();
        http.send(get(&http, &url)).await.unwrap();
        return;
    }
    let authority = Authority::new("127.0.0.1");
    let server = Server::start_tls(hello, &authority).await;
    let name = "transport::the_file_of_the_environment_is_trusted";
    for (file, works) in [(authority.file(), true), ("/dev/null".into(), false)] {
        let output = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env("SSL_CERT_FILE", file)
            .env(URL, server.url("/"))
            .output();
        assert_eq!(output.await.unwrap().status.success(), works);
    }
}

#[tokio::test]
async fn a_certificate_is_for_the_host_it_names() {
    let authority = Authority::new("registry.example.com");
    let server = Server::start_tls(hello, &authority).await;
    let mut options = options();
    options.ca_files.push(authority.file());
    let error = failure(&Http::new(&options).unwrap(), &server.url("/")).await;
    assert_eq!(error.kind(), Kind::Certificate);
    assert!(
        error.to_string().contains("registry.example.com"),
        "{error}"
    );
}

#[test]
fn a_file_without_certificates_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("empty", ""),
        (
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut options = options();
        options.ca_files = vec![path];
        let error = Http::new(&options).unwrap_err();
        assert!(matches!(error, SetupError::Certificates { .. }), "{error}");
    }
    let mut options = options();
    options.ca_files = vec![dir.path().join("missing")];
    let error = Http::new(&options).unwrap_err().to_string();
    assert!(
        error.ends_with("No such file or directory (os error 2)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let server = Server::start(hello).await;
    let url = server.url("/v2/").replace("http:", "https:");
    let error = failure(&http(), &url).await;
    assert_eq!(error.kind(), Kind::PlainHttp);
    let text = error.to_string().replace(&server.host(), "HOST");
    insta::assert_snapshot!(text, @"https://HOST/v2/: it does not speak TLS (a registry without TLS has to be declared: `plain-http = true` in pipeline.toml, or PIPELINE_PLAIN_HTTP)");
}

#[tokio::test]
async fn nobody_there_is_told_from_nobody_of_that_name() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = failure(&http(), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(error.kind(), Kind::Connect);
    assert!(error.is_transient());
    let text = error.to_string().replace(&port.to_string(), "PORT");
    insta::assert_snapshot!(text, @"http://127.0.0.1:PORT/: connection refused");

    // No resolver has to be asked for a name with so long a part.
    let error = failure(&http(), &format!("http://{}.example/", "a".repeat(64))).await;
    assert!(matches!(error.kind(), Kind::UnknownHost(_)), "{error:?}");
}

#[tokio::test]
async fn what_may_be_secret_in_an_address_is_not_shown() {
    let url = Url::parse("http://user:secret@127.0.0.1:9/a?token=secret#secret").unwrap();
    assert_eq!(shown(&url), "http://127.0.0.1:9/a");
    let error = failure(&http(), "http://user:secret@127.0.0.1:9/a?token=secret").await;
    assert!(
        !format!("{error} {error:?}").contains("secret"),
        "{error:?}"
    );

    let server = Server::start(|request: &Request| match request.path() {
        "/from" => Reply::new(302).header("location", "/to?signature=secret"),
        _ => Reply::new(200).body("hello").cut(1),
    })
    .await;
    let http = http();
    let response = http.send(get(&http, &server.url("/from"))).await.unwrap();
    let error = response.bytes(5).await.unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("secret"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_response_is_not_larger_than_expected_l13() {
    let server = Server::start(|request: &Request| match request.path() {
        "/chunked" => hello(request).header("transfer-encoding", "chunked"),
        _ => hello(request),
    })
    .await;
    let http = http();
    for path in ["/", "/chunked"] {
        let read = async |limit| {
            let response = http.send(get(&http, &server.url(path))).await.unwrap();
            response.bytes(limit).await
        };
        assert_eq!(read(5).await.unwrap(), "hello");
        let error = read(4).await.unwrap_err();
        assert_eq!(error.kind(), Kind::TooLarge, "{path}");
    }
}

#[tokio::test]
async fn silence_ends() {
    let server = Server::start(|request: &Request| match request.path() {
        "/body" => hello(request).stall(2),
        _ => hello(request).stall(0),
    })
    .await;
    let mut options = options();
    options.idle = Duration::from_millis(50);
    let http = Http::new(&options).unwrap();
    let response = http.send(get(&http, &server.url("/body"))).await.unwrap();
    let error = response.bytes(5).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Stalled);
}

#[tokio::test]
async fn a_long_body_is_sent_in_pieces_and_has_the_length_it_says() {
    let server =
        Server::start(|request: &Request| Reply::new(200).body(request.body.clone())).await;
    let http = http();
    let send = async |length: u64, pieces: Vec<io::Result<Bytes>>| {
        let url = Url::parse(&server.url("/")).unwrap();
        let request = http.request(Method::PUT, url);
        let body = Upload::new(length, stream::iter(pieces));
        http.send_body(request, body).await
    };
    let pieces = |texts: &[&'static str]| texts.iter().map(|text| Ok(Bytes::from(*text))).collect();
    let response = send(6, pieces(&["ab", "cd", "ef"])).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.bytes(6).await.unwrap(), "abcdef");
    assert_eq!(server.log()[0].header("content-length"), Some("6"));

    let broken = vec![Ok(Bytes::from("ab")), Err(io::Error::other("bad disk"))];
    for (pieces, sign) in [
        (pieces(&["ab"]), "fewer bytes"),
        (pieces(&["abcd", "efg"]), "more bytes"),
        (broken, "bad disk"),
    ] {
        let error = send(6, pieces).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Source, "{error:?}");
        assert!(error.to_string().contains(sign), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn proxies_are_gone_through_but_not_to_this_machine() {
    let proxy = Server::start(|request: &Request| match request.method.as_str() {
        "CONNECT" => Reply::new(403),
        _ => Reply::new(200).body(request.target.clone()),
    })
    .await;
    let direct = Server::start(hello).await;
    let mut options = options();
    options.proxies = Proxies {
        http: Some(proxy.url("")),
        https: Some(proxy.url("")),
        except: "direct.example".to_owned(),
    };
    let http = Http::new(&options).unwrap();
    let read = async |url: &str| {
        let response = http.send(get(&http, url)).await.unwrap();
        response.bytes(100).await.unwrap()
    };
    assert_eq!(read("http://far.example/x").await, "http://far.example/x");
    assert_eq!(read(&direct.url("/")).await, "hello");
    let local = direct.url("/").replace("127.0.0.1", "localhost");
    assert_eq!(read(&local).await, "hello");

    let error = failure(&http, "https://far.example/v2/").await;
    assert_eq!(error.kind(), Kind::Proxy, "{error:?}");
    insta::assert_snapshot!(error.to_string(), @"https://far.example/v2/: the proxy does not let us through: unsuccessful (check HTTP_PROXY, HTTPS_PROXY and NO_PROXY)");
    assert_eq!(proxy.lines().last().unwrap(), "CONNECT far.example:443");
}
