//! Challenges as registries and strangers write them.

use proptest::prelude::*;

use super::*;

fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
    Challenge::Bearer(Bearer {
        realm: realm.to_owned(),
        service: service.map(str::to_owned),
        scope: scope.map(str::to_owned),
    })
}

#[test]
fn what_registries_send_is_read() {
    let text = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#;
    let hub = bearer(
        "https://auth.docker.io/token",
        Some("registry.docker.io"),
        Some("repository:library/alpine:pull"),
    );
    assert_eq!(parse([text]), [hub]);
    assert_eq!(
        parse([r#"Basic realm="Registry Realm""#]),
        [Challenge::Basic]
    );
    assert_eq!(parse(["basic"]), [Challenge::Basic]);
    // A comma inside of quotes separates nothing.
    let text =
        r#"BEARER  Realm = "https://t/" , SCOPE="repository:a:pull,push" ,error="invalid_token""#;
    let expected = bearer("https://t/", None, Some("repository:a:pull,push"));
    assert_eq!(parse([text]), [expected]);
    let unquoted = bearer("https://t/token", Some("r"), None);
    assert_eq!(
        parse(["Bearer realm=https://t/token, service=r"]),
        [unquoted]
    );
}

#[test]
fn several_challenges_are_told_apart() {
    let both = [Challenge::Basic, bearer("https://t/", None, None)];
    assert_eq!(
        parse([r#"Basic realm="r", Bearer realm="https://t/""#]),
        both
    );
    assert_eq!(
        parse([r#"Basic realm="r""#, r#"Bearer realm="https://t/""#]),
        both
    );
    let after_unknown = r#"Negotiate, Digest realm="x", nonce="y", Basic"#;
    assert_eq!(parse([after_unknown]), [Challenge::Basic]);
}

#[test]
fn escapes_are_undone() {
    let expected = bearer(r#"https://t/"x\"#, None, None);
    assert_eq!(parse([r#"Bearer realm="https://t/\"x\\""#]), [expected]);
}

#[test]
fn of_a_parameter_given_twice_the_first_counts_r2() {
    let text = r#"Bearer realm="https://a/",realm="https://evil/",service="a",service="b""#;
    assert_eq!(parse([text]), [bearer("https://a/", Some("a"), None)]);
}

#[test]
fn what_cannot_be_answered_is_no_challenge() {
    for text in [
        "",
        ",",
        "Bearer",
        r#"Bearer service="x""#,
        r#"Bearer realm="unended"#,
        "=x",
        "\u{0}",
    ] {
        assert_eq!(parse([text]), [], "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_r2(text in ".*") {
        parse([text.as_str()]);
    }

    #[test]
    fn nothing_like_a_challenge_makes_it_panic_r2(text in "(Bearer|Basic|realm|[=,\" \\\\é])*") {
        parse([text.as_str()]);
    }
}
