//! Proxies from an environment.

use super::*;

fn from(variables: &[(&str, &str)]) -> Proxies {
    Proxies::from_lookup(|name| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn small_letters_win_and_all_is_for_what_has_none() {
    let proxies = from(&[
        ("http_proxy", "http://small:1"),
        ("HTTP_PROXY", "http://large:1"),
        ("ALL_PROXY", "http://all:1"),
        ("NO_PROXY", "example.com"),
    ]);
    assert_eq!(proxies.http.as_deref(), Some("http://small:1"));
    assert_eq!(proxies.https.as_deref(), Some("http://all:1"));
    assert_eq!(proxies.except, "example.com");
}

#[test]
fn empty_is_unset() {
    assert_eq!(
        from(&[("HTTPS_PROXY", ""), ("https_proxy", "")]),
        Proxies::default()
    );
}

#[test]
fn a_web_servers_child_does_not_believe_a_proxy_header() {
    let proxies = from(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")]);
    assert_eq!(proxies.http, None);
}

#[test]
fn a_star_means_no_proxy_at_all() {
    let proxies = from(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "a, *")]);
    assert!(proxies.configured().unwrap().is_empty());
}

#[test]
fn an_address_that_is_none_is_refused() {
    let error = from(&[("HTTPS_PROXY", "http://user:secret@:99999")])
        .configured()
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the proxy for https addresses is no address: check HTTPS_PROXY"
    );
}
