//! What references mean, which texts are none and why, and that printing and parsing are inverse.

use proptest::prelude::*;

use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

fn error(text: &str) -> String {
    text.parse::<Reference>().unwrap_err().to_string()
}

#[test]
fn every_text_has_one_canonical_form() {
    for (text, canonical) in [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("library/alpine", "docker.io/library/alpine"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/alpine", "docker.io/library/alpine"),
        ("Docker.IO/alpine:3", "docker.io/library/alpine:3"),
        ("grafana/alloy", "docker.io/grafana/alloy"),
        ("docker.io/a/b/c", "docker.io/a/b/c"),
        ("localhost/x", "localhost/x"),
        ("localhost:5000", "docker.io/library/localhost:5000"),
        ("localhost:5000/x", "localhost:5000/x"),
        ("registry:05000/x:1", "registry:5000/x:1"),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b"),
        ("[::1]:5000/x", "[::1]:5000/x"),
        ("[FE80:0::1]/x", "[fe80::1]/x"),
        ("GHCR.io/owner/app", "ghcr.io/owner/app"),
        ("ghcr.io/o/a_b/c__d/e---f.g", "ghcr.io/o/a_b/c__d/e---f.g"),
        ("a:Tag_1.x-Y", "docker.io/library/a:Tag_1.x-Y"),
        ("a:_", "docker.io/library/a:_"),
    ] {
        assert_eq!(reference(text).to_string(), canonical, "{text}");
        let pinned = reference(&format!("{text}@{DIGEST}"));
        assert_eq!(pinned.to_string(), format!("{canonical}@{DIGEST}"));
        assert_eq!(pinned.digest(), Some(DIGEST.parse().unwrap()));
    }
}

#[test]
fn the_parts_can_be_asked_for_and_replaced() {
    let full = reference(&format!("ghcr.io/owner/app:1.4@{DIGEST}"));
    assert_eq!(full.registry(), "ghcr.io");
    assert_eq!(full.repository(), "owner/app");
    assert_eq!(full.name(), "ghcr.io/owner/app");
    assert_eq!(full.tag(), Some("1.4"));
    assert_eq!(full.manifest(), DIGEST);

    let unpinned = full.clone().without_digest();
    assert_eq!(unpinned.to_string(), "ghcr.io/owner/app:1.4");
    assert_eq!(unpinned.manifest(), "1.4");
    assert_eq!(unpinned.with_digest(Digest::of(b"")), full);

    let bare = full.clone().without_tag_and_digest();
    assert_eq!(bare.manifest(), "latest");
    assert_eq!(bare.clone().or_latest().tag(), Some("latest"));
    assert_eq!(bare.clone().with_tag("2").unwrap().tag(), Some("2"));
    assert!(bare.with_tag("../../2").is_err());
    assert_eq!(full.clone().or_latest(), full);
}

#[test]
fn people_read_the_short_form_only_where_it_means_the_same() {
    for (text, familiar) in [
        ("docker.io/library/alpine:3", "alpine:3"),
        ("docker.io/grafana/alloy", "grafana/alloy"),
        ("ghcr.io/owner/app", "ghcr.io/owner/app"),
        ("docker.io/library/a/b", "library/a/b"),
        ("docker.io/localhost/x", "docker.io/localhost/x"),
        ("docker.io/a.b/c", "docker.io/a.b/c"),
    ] {
        assert_eq!(reference(text).familiar(), familiar);
    }
    let id = format!("docker.io/library/{}", "a".repeat(64));
    assert_eq!(
        reference(&id).familiar(),
        format!("library/{}", "a".repeat(64))
    );
}

#[test]
fn refusals_say_what_is_wrong() {
    insta::assert_snapshot!(error(""), @r#""" is not an image reference: it names no repository"#);
    insta::assert_snapshot!(error(":tag"), @r#"":tag" is not an image reference: it names no repository"#);
    insta::assert_snapshot!(error("ghcr.io/"), @r#""ghcr.io/" is not an image reference: it names no repository"#);
    insta::assert_snapshot!(error("https://ghcr.io/owner/app"), @r#""https://ghcr.io/owner/app" is not an image reference: it must not have a scheme; leave out "https://""#);
    insta::assert_snapshot!(error("Owner/App:1"), @r#""Owner/App:1" is not an image reference: repository names are lower case; did you mean "owner/app"?"#);
    insta::assert_snapshot!(error("ghcr.io/Owner/App"), @r#""ghcr.io/Owner/App" is not an image reference: repository names are lower case; did you mean "ghcr.io/owner/app"?"#);
    insta::assert_snapshot!(error("ghcr.io/owner//app"), @r#""ghcr.io/owner//app" is not an image reference: "" is not a path component: lower-case letters and digits, with `.`, `_`, `__` or `-` between them"#);
    insta::assert_snapshot!(error("ghcr.io/../etc"), @r#""ghcr.io/../etc" is not an image reference: ".." is not a path component: lower-case letters and digits, with `.`, `_`, `__` or `-` between them"#);
    insta::assert_snapshot!(error("bad_host.example/app"), @r#""bad_host.example/app" is not an image reference: "bad_host.example" is not a registry: expected a host name or an address, and perhaps a port"#);
    insta::assert_snapshot!(error("host:70000/app"), @r#""host:70000/app" is not an image reference: "host:70000" is not a registry: expected a host name or an address, and perhaps a port"#);
    insta::assert_snapshot!(error("app:-1"), @r#""app:-1" is not an image reference: "-1" is not a tag: up to 128 letters, digits, `_`, `.` and `-`, and neither `.` nor `-` first"#);
    insta::assert_snapshot!(error(&"0123456789abcdef".repeat(4)), @r#""0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" is not an image reference: it is the id of a local image; to name content, write NAME@sha256:…"#);
    insta::assert_snapshot!(error("app@sha512:00"), @r#""app@sha512:00" is not an image reference: "sha512:00" is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits"#);
    insta::assert_snapshot!(error("app\u{1b}[2J"), @r#""app\u{1b}[2J" is not an image reference: "app\u{1b}[2J" is not a path component: lower-case letters and digits, with `.`, `_`, `__` or `-` between them"#);
}

#[test]
fn other_texts_are_refused_too() {
    for text in [
        " alpine",
        "alpine ",
        "alpine:",
        "alpine@",
        "/alpine",
        "alpine/",
        "a..b",
        "a___b",
        "-a",
        "a-",
        "_a",
        "a b",
        "é",
        "[::1/x",
        "[::1]5000/x",
        "[fe80::1%eth0]/x",
        "host:/x",
        "host:+1/x",
        "host:0/x",
        "-host.example/x",
        "host..example/x",
        "a:b:c",
        "a:x/b:2",
        "a@sha256:00",
        "user@host.example/x",
    ] {
        assert!(text.parse::<Reference>().is_err(), "{text:?}");
    }
}

#[test]
fn lengths_are_bounded() {
    let path = |length: usize| format!("ghcr.io/{}", "a".repeat(length));
    assert!(path(255).parse::<Reference>().is_ok());
    assert_eq!(
        path(256).parse::<Reference>().unwrap_err().problem,
        ReferenceProblem::TooLong
    );
    assert!(
        format!("a:{}", "t".repeat(128))
            .parse::<Reference>()
            .is_ok()
    );
    assert!(
        format!("a:{}", "t".repeat(129))
            .parse::<Reference>()
            .is_err()
    );
    assert!(
        format!("{}.x/a", "h".repeat(252))
            .parse::<Reference>()
            .is_err()
    );
    let long = "A".repeat(1_000_000).parse::<Reference>().unwrap_err();
    assert!(long.to_string().len() < 400);
}

#[test]
fn nothing_in_a_reference_is_a_path_upwards_l15() {
    for text in [
        "a@sha256:../../../etc/passwd",
        "a:../../etc",
        "../a",
        "ghcr.io/a/./b",
        "..:5000/a",
        "a/..",
        "a\0b",
        "a?b",
        "a#b",
        "a%2fb",
    ] {
        assert!(text.parse::<Reference>().is_err(), "{text:?}");
    }
}

#[test]
fn json_holds_the_canonical_text_and_checks_it() {
    let json = serde_json::to_string(&reference("alpine:3")).unwrap();
    assert_eq!(json, r#""docker.io/library/alpine:3""#);
    assert_eq!(
        serde_json::from_str::<Reference>(&json).unwrap(),
        reference("alpine:3")
    );
    assert!(serde_json::from_str::<Reference>(r#""A""#).is_err());
}

/// Texts of the grammar, most of them references.
fn plausible() -> impl Strategy<Value = String> {
    let host = "([a-zA-Z0-9-]{1,5}(\\.[a-z]{1,3}){0,2}|localhost|docker\\.io|\\[[0-9a-f:]{2,9}\\])(:[0-9]{1,5})?";
    let path =
        "([a-z0-9]{1,4}(\\.|_|__|-{1,3})?[a-z0-9]{1,4}|library|localhost)(/[a-z0-9]{1,3}){0,3}";
    let tag = "(:[A-Za-z0-9_][A-Za-z0-9._-]{0,8})?";
    let digest = format!("(@{DIGEST})?");
    proptest::string::string_regex(&format!("({host}/)?{path}{tag}{digest}")).unwrap()
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(text in plausible()) {
        if let Ok(parsed) = text.parse::<Reference>() {
            prop_assert_eq!(&reference(&parsed.to_string()), &parsed);
            prop_assert_eq!(&reference(&parsed.familiar()), &parsed);
            prop_assert_eq!(reference(&parsed.to_string()).to_string(), parsed.to_string());
        }
    }

    #[test]
    fn most_plausible_texts_are_references(path in "[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}", tag in "[A-Za-z0-9_][A-Za-z0-9._-]{0,20}") {
        let parsed = reference(&format!("registry.example/{path}:{tag}"));
        prop_assert_eq!((parsed.repository(), parsed.tag()), (path.as_str(), Some(tag.as_str())));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), ascii in "[ -~]{0,60}") {
        let _ = text.parse::<Reference>();
        let _ = ascii.parse::<Reference>();
    }
}
