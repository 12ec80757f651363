//! Who is told who we are, what for, and what is said when that is not enough (R1–R3).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ci_http::Clock;
use ci_oci::Descriptor;
use ci_oci::manifest::media_type;
use ci_registry::{Client, Config, Credential, Error, Login, Secret};

use crate::clock::Hurried;
use crate::fixture::{USER, content, give, manifest, plain, read, reference, text, user};
use crate::server::{Reply, Request, Server};

/// `Authorization` by [`USER`].
const BASIC: &str = "Basic Y2k6Y29ycmVjdCBob3JzZQ==";

/// A token server: every token is a new one, good for a minute.
async fn tokens() -> Server {
    let count = AtomicUsize::new(0);
    Server::start(move |_: &Request| {
        let next = count.fetch_add(1, Ordering::Relaxed) + 1;
        Reply::new(200).body(format!(r#"{{"token":"T{next}","expires_in":60}}"#))
    })
    .await
}

/// A registry that wants a token of this server, and takes those that `good` says are.
async fn wanting(realm: &str, good: impl Fn(&str) -> bool + Send + Sync + 'static) -> Server {
    let realm = realm.to_owned();
    Server::start(move |request: &Request| {
        let token = request.header("authorization").unwrap_or_default();
        let repository = "repository:a/b:pull,push,delete";
        let challenge = format!(r#"Bearer realm="{realm}",service="reg",scope="{repository}""#);
        match token.strip_prefix("Bearer ") {
            Some(token) if good(token) => give(&manifest(1)),
            _ => Reply::new(401)
                .header("www-authenticate", challenge)
                .body(r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#),
        }
    })
    .await
}

/// Plain HTTP to these, and the user's credential for the first.
fn with_user(servers: &[&Server]) -> Config {
    let hosts: Vec<String> = servers.iter().map(|server| server.host()).collect();
    let mut config = plain(hosts.iter().map(String::as_str));
    config.credentials = config.credentials.with(&hosts[0], user());
    config
}

async fn ask(client: &Client, server: &Server) -> Result<(), Error> {
    let asked = client.digest(&reference(server, "a/b:1")).await;
    asked.map(drop)
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_for_no_more_than_is_needed_r2() {
    let tokens = tokens().await;
    let registry = wanting(&tokens.url("/token?x=1"), |_| true).await;
    let client = Client::new(with_user(&[&registry, &tokens])).unwrap();
    // All at once, then one after the other.
    let asked = (0..10).map(|_| ask(&client, &registry));
    for result in futures::future::join_all(asked).await {
        result.unwrap();
    }
    ask(&client, &registry).await.unwrap();
    let [asked] = tokens.log().try_into().unwrap();
    assert_eq!(
        asked.target,
        "/token?x=1&service=reg&scope=repository%3Aa%2Fb%3Apull&account=ci"
    );
    assert_eq!(asked.header("authorization"), Some(BASIC));
    // Known by now: no request without a token any more, and no password to the registry ever.
    let log = registry.log();
    assert_eq!(
        log.last().unwrap().header("authorization"),
        Some("Bearer T1")
    );
    assert!(
        log.iter()
            .all(|request| request.header("authorization") != Some(BASIC))
    );

    let digest = manifest(1).descriptor.digest;
    let reference = reference(&registry, "a/b:1");
    client.tag_state(&reference, digest).await.unwrap();
    let asked = tokens.log().pop().unwrap();
    assert!(
        asked
            .target
            .contains("scope=repository%3Aa%2Fb%3Apull%2Cpush&"),
        "{}",
        asked.target
    );
}

#[tokio::test]
async fn a_token_that_ends_is_replaced() {
    let tokens = tokens().await;
    let registry = wanting(&tokens.url("/token"), |_| true).await;
    let clock = Arc::new(Hurried::default());
    let mut config = with_user(&[&registry, &tokens]);
    config.http.clock = clock.clone();
    let client = Client::new(config).unwrap();
    for (pause, count) in [(0, 1), (49, 1), (1, 2)] {
        clock.sleep(Duration::from_secs(pause)).await;
        ask(&client, &registry).await.unwrap();
        assert_eq!(tokens.log().len(), count, "after {pause} s more");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let tokens = tokens().await;
    let registry = wanting(&tokens.url("/token"), |token| token != "T1").await;
    let client = Client::new(with_user(&[&registry, &tokens])).unwrap();
    ask(&client, &registry).await.unwrap();
    assert_eq!(tokens.log().len(), 2);

    let registry = wanting(&tokens.url("/token"), |_| false).await;
    let client = Client::new(with_user(&[&registry, &tokens])).unwrap();
    let error = ask(&client, &registry).await.unwrap_err();
    assert!(matches!(error, Error::Denied(_)), "{error}");
    assert!(registry.log().len() < 5, "{}", registry.log().len());
}

#[tokio::test]
async fn without_credentials_a_token_is_asked_for_without() {
    let tokens = tokens().await;
    let registry = wanting(&tokens.url("/token"), |_| true).await;
    let hosts = [registry.host(), tokens.host()];
    let client = Client::new(plain(hosts.iter().map(String::as_str))).unwrap();
    ask(&client, &registry).await.unwrap();
    assert_eq!(tokens.log()[0].header("authorization"), None);
}

#[tokio::test]
async fn an_identity_token_is_changed_for_a_token() {
    let tokens = tokens().await;
    let registry = wanting(&tokens.url("/token"), |_| true).await;
    let mut config = with_user(&[&registry, &tokens]);
    let identity = Credential::IdentityToken(Secret::new("refresh"));
    config.credentials = config.credentials.with(&registry.host(), identity);
    let client = Client::new(config).unwrap();
    ask(&client, &registry).await.unwrap();
    let [asked] = tokens.log().try_into().unwrap();
    assert_eq!(asked.line(), "POST /token");
    assert_eq!(
        String::from_utf8(asked.body.clone()).unwrap(),
        "grant_type=refresh_token&client_id=pipeline&service=reg&scope=repository%3Aa%2Fb%3Apull&refresh_token=refresh"
    );
}

#[tokio::test]
async fn an_identity_token_is_not_redirected_r1() {
    let thief = tokens().await;
    let target = thief.url("/token");
    let server =
        Server::start(move |_: &Request| Reply::new(307).header("location", &target)).await;
    let registry = wanting(&server.url("/token"), |_| true).await;
    let mut config = with_user(&[&registry, &server, &thief]);
    let identity = Credential::IdentityToken(Secret::new("refresh"));
    config.credentials = config.credentials.with(&registry.host(), identity);
    ask(&Client::new(config).unwrap(), &registry)
        .await
        .unwrap_err();
    assert_eq!(server.log().len(), 1);
    assert!(thief.log().is_empty());
}

#[tokio::test]
async fn a_token_server_elsewhere_is_not_told_who_we_are_unless_declared_r2() {
    let tokens = tokens().await;
    let server = tokens.host().replace("127.0.0.1", "localhost");
    let registry = wanting(&format!("http://{server}/token"), |_| false).await;
    let mut config = with_user(&[&registry]);
    let declared = plain([server.as_str()]).registries;
    config.registries.extend(declared);
    let error = ask(&Client::new(config.clone()).unwrap(), &registry)
        .await
        .unwrap_err();
    assert!(
        tokens
            .log()
            .iter()
            .all(|asked| asked.header("authorization").is_none())
    );
    let names = [(registry.host(), "HOST"), (server.clone(), "SERVER")];
    let names = names.each_ref().map(|(host, name)| (host.as_str(), *name));
    insta::assert_snapshot!(text(error, &names), @r#"not allowed to pull from HOST/a/b, or there is no such repository: missing scope repository:a/b:pull; credentials: user "ci", not given to the token server SERVER, which is in another domain; if it is HOST's, declare `login-server = "SERVER"` for that in pipeline.toml"#);

    let declared = config.registries.get_mut(&registry.host()).unwrap();
    declared.login_server = Some(server);
    ask(&Client::new(config).unwrap(), &registry)
        .await
        .unwrap_err();
    let asked = tokens.log().pop().unwrap();
    assert_eq!(asked.header("authorization"), Some(BASIC));
}

#[tokio::test]
async fn a_token_server_is_not_asked_by_plain_http_unless_declared_r3() {
    let tokens = tokens().await;
    for (realm, sign) in [
        (tokens.url("/token"), "it is plain HTTP"),
        ("file:///etc/passwd".to_owned(), "neither https nor http"),
        ("https://user:secret@127.0.0.1/".to_owned(), "names a user"),
        ("token".to_owned(), "no address"),
    ] {
        let registry = wanting(&realm, |_| true).await;
        let client = Client::new(with_user(&[&registry])).unwrap();
        let error = ask(&client, &registry).await.unwrap_err();
        assert!(matches!(error, Error::Realm { .. }), "{error}");
        assert!(error.to_string().contains(sign), "{error}");
    }
    assert!(tokens.log().is_empty());
}

/// A registry that wants user and password.
async fn private() -> Server {
    Server::start(|request: &Request| match request.header("authorization") {
        Some(BASIC) => give(&manifest(1)),
        _ => Reply::new(401).header("www-authenticate", r#"Basic realm="r""#),
    })
    .await
}

#[tokio::test]
async fn a_password_is_sent_when_it_is_asked_for_and_then_at_once() {
    let registry = private().await;
    let client = Client::new(with_user(&[&registry])).unwrap();
    ask(&client, &registry).await.unwrap();
    ask(&client, &registry).await.unwrap();
    let sent: Vec<bool> = registry
        .log()
        .iter()
        .map(|request| request.header("authorization").is_some())
        .collect();
    assert_eq!(sent, [false, true, true]);
}

#[tokio::test]
async fn a_password_is_for_one_host_and_port_r1() {
    let (ours, other) = (private().await, private().await);
    let client = Client::new(with_user(&[&ours, &other])).unwrap();
    ask(&client, &ours).await.unwrap();
    ask(&client, &other).await.unwrap_err();
    assert!(
        other
            .log()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn storage_that_blobs_are_redirected_to_learns_nothing_r1() {
    let bytes = content(1, 100);
    let storage = Server::start(|request: &Request| match request.path() {
        "/wants" => Reply::new(401).header("www-authenticate", "Basic realm=x"),
        _ => Reply::new(200).body(content(1, 100)),
    })
    .await;
    for (path, works) in [("/gives", true), ("/wants", false)] {
        let target = storage.url(path);
        let registry =
            Server::start(
                move |request: &Request| match request.header("authorization") {
                    Some(BASIC) => Reply::new(307).header("location", &target),
                    _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
                },
            )
            .await;
        let client = Client::new(with_user(&[&registry])).unwrap();
        let blob = Descriptor::of(media_type::OCI_LAYER, &bytes);
        let pulled = match client.blob(&reference(&registry, "a/b"), &blob, None).await {
            Ok(blob) => read(blob).await,
            Err(error) => Err(error),
        };
        match works {
            true => assert_eq!(pulled.unwrap(), bytes),
            // Not said of the registry: it has given the right.
            false => assert!(matches!(pulled, Err(Error::Status { .. }))),
        }
    }
    assert_eq!(storage.log().len(), 2);
    assert!(
        storage
            .log()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn errors_say_who_we_were_and_which_right_is_missing() {
    let tokens = tokens().await;
    let registry = wanting(&tokens.url("/token"), |_| false).await;
    let client = Client::new(with_user(&[&registry, &tokens])).unwrap();
    let digest = manifest(1).descriptor.digest;
    let error = client
        .tag_state(&reference(&registry, "a/b:1"), digest)
        .await
        .unwrap_err();
    let names = [(registry.host(), "HOST")];
    let names = names.each_ref().map(|(host, name)| (host.as_str(), *name));
    insta::assert_snapshot!(text(&error, &names), @r#"not allowed to push to HOST/a/b: missing scope repository:a/b:pull,push; credentials: user "ci""#);
    assert!(!format!("{error:?} {client:?}").contains(USER.1));

    let wrong = Server::start(|_: &Request| {
        Reply::new(401).body(r#"{"details":"incorrect username or password"}"#)
    })
    .await;
    let registry = wanting(&wrong.url("/token"), |_| false).await;
    let client = Client::new(with_user(&[&registry, &wrong])).unwrap();
    let error = client
        .resolve(&reference(&registry, "a/b:1"))
        .await
        .unwrap_err();
    let names = [(registry.host(), "HOST")];
    let names = names.each_ref().map(|(host, name)| (host.as_str(), *name));
    insta::assert_snapshot!(text(&error, &names), @r#"not allowed to pull from HOST/a/b, or there is no such repository: missing scope repository:a/b:pull; credentials: user "ci"; the registry says: incorrect username or password"#);
}

#[tokio::test]
async fn a_login_is_checked_with_the_registry() {
    let registry = private().await;
    let host = registry.host();
    let check = async |config| Client::new(config).unwrap().login_check(&host).await;
    assert_eq!(
        check(with_user(&[&registry])).await.unwrap(),
        Login::Accepted
    );
    let none = check(plain([host.as_str()])).await.unwrap_err();
    insta::assert_snapshot!(text(none, &[(&host, "HOST")]), @"HOST refuses the login; credentials: none for HOST");
    let mut wrong = plain([host.as_str()]);
    let credential = Credential::Password {
        username: "ci".to_owned(),
        password: Secret::new("wrong"),
    };
    wrong.credentials = wrong.credentials.with(&host, credential);
    let wrong = check(wrong).await.unwrap_err();
    insta::assert_snapshot!(text(wrong, &[(&host, "HOST")]), @r#"HOST refuses the login; credentials: user "ci""#);

    // A registry that gives anybody a token does not know us by that.
    let tokens = tokens().await;
    let open = wanting(&tokens.url("/token"), |_| true).await;
    let client = Client::new(with_user(&[&open, &tokens])).unwrap();
    assert_eq!(
        client.login_check(&open.host()).await.unwrap(),
        Login::Accepted
    );
    let hosts = [open.host(), tokens.host()];
    let client = Client::new(plain(hosts.iter().map(String::as_str))).unwrap();
    let error = client.login_check(&open.host()).await.unwrap_err();
    assert!(matches!(error, Error::Login { .. }), "{error}");

    let public = Server::start(|_: &Request| Reply::new(200)).await;
    let login = crate::fixture::client(&public)
        .login_check(&public.host())
        .await;
    assert_eq!(login.unwrap(), Login::NotAsked);
}

#[tokio::test]
async fn what_token_servers_answer_is_not_believed_blindly() {
    for answer in [
        "",
        "{}",
        "[]",
        r#"{"token":""}"#,
        r#"{"token":"a\nb"}"#,
        "<html>",
    ] {
        let tokens = Server::start(move |_: &Request| Reply::new(200).body(answer)).await;
        let registry = wanting(&tokens.url("/token"), |_| true).await;
        let hosts = [registry.host(), tokens.host()];
        let client = Client::new(plain(hosts.iter().map(String::as_str))).unwrap();
        let error = ask(&client, &registry).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{answer}: {error}");
    }
}
