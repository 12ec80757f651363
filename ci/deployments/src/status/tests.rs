//! What instances answer, and what that means.

use insta::assert_snapshot;

use super::*;

fn expected() -> Expected {
    Expected {
        service: "web".parse().unwrap(),
        digest: Digest::of("new"),
        commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        addresses: Vec::new(),
    }
}

fn checked(version: &str) -> Result<String, String> {
    check(&expected(), &serde_json::from_str(version).unwrap())
}

#[test]
fn a_version_is_right_by_its_digest_or_else_by_its_commit() {
    let (new, old) = (Digest::of("new"), Digest::of("old"));
    assert!(
        checked(&format!(
            r#"{{"imageDigest":"{new}","sha":"0123456","service":"web"}}"#
        ))
        .is_ok()
    );
    assert!(checked(&format!(r#"{{"imageDigest":"ghcr.io/acme/web@{new}"}}"#)).is_ok());
    assert_eq!(
        checked(r#"{"sha":"0123456789abcdef","imageDigest":""}"#),
        Ok("commit 0123456789ab".into())
    );
    for (version, problem) in [
        (format!(r#"{{"imageDigest":"{old}"}}"#), "it runs sha256:"),
        (
            format!(r#"{{"imageDigest":"{new}","sha":"fedcba9"}}"#),
            "it runs commit fedcba9",
        ),
        (
            format!(r#"{{"imageDigest":"{new}","service":"api"}}"#),
            "another service",
        ),
        (
            r#"{"imageDigest":"unknown","sha":"0123456"}"#.into(),
            "a digest that is none",
        ),
        (r#"{"sha":"0123"}"#.into(), "neither digest nor commit"),
        ("{}".into(), "neither digest nor commit"),
    ] {
        assert!(
            checked(&version).unwrap_err().contains(problem),
            "{version}"
        );
    }
    let mut nameless = expected();
    nameless.commit = None;
    let version = serde_json::from_str(r#"{"sha":"0123456"}"#).unwrap();
    assert!(check(&nameless, &version).is_err());
}

#[test]
fn nothing_asked_is_not_good() {
    assert!(!Report::default().is_good());
    assert_snapshot!(Report::default(), @"nothing was asked");
    let asked = |result| Instance {
        service: "web".parse().unwrap(),
        address: "https://user:pass@web.example.com/?x=y".parse().unwrap(),
        result,
    };
    let mut report = Report {
        instances: vec![asked(Ok("sha256:00".into()))],
        unknown: vec!["api".parse().unwrap()],
    };
    assert!(!report.is_good());
    report.unknown.clear();
    assert!(report.is_good());
    report
        .instances
        .push(asked(Err("not ready: status 503".into())));
    assert!(!report.is_good());
    assert_snapshot!(report, @r"
    web https://web.example.com/ runs sha256:00
    web https://web.example.com/: not ready: status 503
    ");
}

#[test]
fn answers_are_shown_in_part_and_without_effect() {
    let long = "é\u{1b}[2J".repeat(10_000);
    for version in [
        serde_json::json!({ "service": long }),
        serde_json::json!({ "sha": long }),
        serde_json::json!({ "imageDigest": long }),
    ] {
        let error = checked(&version.to_string()).unwrap_err();
        assert!(error.chars().count() < 120, "{error}");
        assert!(!error.contains('\u{1b}'), "{error}");
    }
}
