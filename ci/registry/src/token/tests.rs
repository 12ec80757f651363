//! Whose token servers are given credentials (R2).

use super::*;

#[test]
fn token_servers_of_the_registrys_domain_are_trusted() {
    for (registry, server) in [
        ("registry-1.docker.io", "auth.docker.io"),
        ("ghcr.io", "ghcr.io"),
        ("registry.gitlab.com", "gitlab.com"),
        ("registry.example.com", "gitlab.example.com"),
        ("example.com", "auth.example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("localhost", "localhost"),
    ] {
        assert!(same_domain(registry, server), "{registry} {server}");
    }
}

#[test]
fn token_servers_of_strangers_are_not_trusted_r2() {
    for (registry, server) in [
        ("ghcr.io", "evil.io"),
        ("ghcr.io", "io"),
        ("ghcr.io", "evilghcr.io"),
        ("registry.example.com", "example.com.evil.org"),
        ("registry.example.com", "evilexample.com"),
        ("registry.co.uk", "evil.co.uk"),
        ("registry.com.au", "evil.com.au"),
        ("127.0.0.1", "0.0.1"),
        ("127.0.0.1", "1.0.0.1"),
        ("10.0.0.1", "11.0.0.1"),
        ("localhost", "evil.localhost.example"),
        ("registry", "evil"),
    ] {
        assert!(!same_domain(registry, server), "{registry} {server}");
    }
}

#[test]
fn forms_are_encoded() {
    let bearer = Bearer {
        service: Some("a b&c".to_owned()),
        ..Bearer::default()
    };
    let scopes = [
        "repository:x:pull".to_owned(),
        "repository:y:pull".to_owned(),
    ];
    assert_eq!(
        form(&bearer, &scopes, "t=&+"),
        "grant_type=refresh_token&client_id=pipeline&service=a+b%26c&scope=repository%3Ax%3Apull+repository%3Ay%3Apull&refresh_token=t%3D%26%2B"
    );
}

#[test]
fn what_a_token_server_is_asked_keeps_its_own_question() {
    let bearer = Bearer {
        service: Some("s".to_owned()),
        ..Bearer::default()
    };
    let realm = Url::parse("https://t.example/token?x=1").unwrap();
    let scopes = ["repository:a/b:pull,push".to_owned()];
    assert_eq!(
        query(&realm, &bearer, &scopes, Some("me")).as_str(),
        "https://t.example/token?x=1&service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush&account=me"
    );
}
