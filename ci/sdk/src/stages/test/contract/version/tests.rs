//! Tests of `version`: what it promises.

use super::super::testing::render;
use super::*;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn expected() -> Expected {
    Expected {
        sha: SHA.into(),
        service: "web".into(),
        build_ts: "2024-01-31T12:00:00Z".into(),
        image_digest: "sha256:aa".into(),
    }
}

fn answer(body: &str) -> String {
    let response = Response {
        status: 200,
        body: body.into(),
    };
    render(&check(&response, &expected()))
}

fn with(field: &str, value: Value) -> String {
    let mut body = serde_json::json!({"sha": SHA, "service": "web", "buildTs": "2024-01-31T12:00:00Z",
        "imageDigest": "sha256:aa", "more": [1]});
    body[field] = value;
    answer(&body.to_string())
}

#[test]
fn what_was_built_is_confirmed_in_one_line() {
    insta::assert_snapshot!(with("more", 2.into()), @"✔ version: sha, service, buildTs and imageDigest are those of this build");
}

#[test]
fn every_wrong_field_has_a_line_of_its_own() {
    insta::assert_snapshot!(answer(r#"{"sha":"abc","service":7,"buildTs":"2024-01-31T12:00:01Z"}"#), @r"
    ✗ version.sha: expected `0123456789abcdef0123456789abcdef01234567`, found `abc`
    ✗ version.service: expected `web`, found 7, which is no text
    ✗ version.buildTs: expected `2024-01-31T12:00:00Z`, found `2024-01-31T12:00:01Z`
    ✗ version.imageDigest: expected `sha256:aa`, found nothing
    ");
}

#[test]
fn the_time_may_be_written_in_any_way_that_rfc_3339_has() {
    for same in [
        "2024-01-31T12:00:00.000+00:00",
        "2024-01-31t14:00:00+02:00",
        "2024-01-31 12:00:00z",
    ] {
        let told = with("buildTs", same.into());
        assert!(told.starts_with('✔'), "{told}");
    }
    for other in [
        "20240131T120000Z",
        "2024-01-31T12:00:00",
        "2024-01-31T12:00Z",
        "2024-01-31T12:00:00Z[UTC]",
        "31 Jan 2024",
        "é-01-31T12:00:00:00Z",
        "1706702400",
    ] {
        let told = with("buildTs", other.into());
        assert!(told.contains("which is no RFC 3339 time"), "{told}");
    }
}

#[test]
fn what_is_no_json_object_is_shown_cut_and_without_control_characters() {
    insta::assert_snapshot!(answer("<h1>\x1b[31mnot\nfound"), @"✗ version: answered no JSON object but `<h1>not found`");
    insta::assert_snapshot!(answer("[1, 2]"), @"✗ version: answered no JSON object but `[1, 2]`");
    let deep = "[".repeat(60_000);
    assert!(answer(&deep).chars().count() < 200);
    let long = with("sha", "x".repeat(5000).into());
    assert!(long.chars().count() < 300, "{long}");
}

#[test]
fn another_status_is_enough_to_know() {
    let response = Response {
        status: 404,
        body: Vec::new(),
    };
    insta::assert_snapshot!(render(&check(&response, &expected())), @"✗ version: answered 404, not 200");
}
