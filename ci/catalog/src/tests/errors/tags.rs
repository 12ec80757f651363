//! Errors of repositories, `tags` and `moving-tags`.

use insta::assert_snapshot;

use crate::tests::{DOCKERFILE_SERVICE, PIPELINE, files, report, report_service};

/// What a user reads of an environment that is wrong.
fn report_environment(text: &str) -> String {
    let files = files(&[("web", DOCKERFILE_SERVICE)]);
    report(&files.with("pipeline.toml", format!("{PIPELINE}{text}")))
}

/// One repository for two services.
fn report_shared(tags: &str, worker: &str) -> String {
    let pipeline = PIPELINE.replace(
        "services =",
        "repository = \"{registry}/{project}\"\nservices =",
    );
    let worker = format!("{worker}{DOCKERFILE_SERVICE}");
    let files = files(&[("web", DOCKERFILE_SERVICE), ("worker", &worker)]);
    report(&files.with("pipeline.toml", format!("{pipeline}{tags}")))
}

#[test]
fn latest_is_refused_with_the_reason() {
    assert_snapshot!(report_environment("tags = [\"{sha}\", \"latest\"]\n"), @r#"
    error: `latest` names another image after every push, so nobody can say what it names
     --> pipeline.toml:7:18
      |
    7 | tags = ["{sha}", "latest"]
      |                  ^^^^^^^^
      = help: give images tags that stay; an environment that follows the newest one all the same says so: `moving-tags = ["latest"]`

    the catalog has 1 error
    "#);
    assert_snapshot!(report_service(&format!("tags = [\"latest\"]\n{DOCKERFILE_SERVICE}")), @r#"
    error: `latest` names another image after every push, so nobody can say what it names
     --> services/web/service.toml:1:9
      |
    1 | tags = ["latest"]
      |         ^^^^^^^^
      = help: give images tags that stay; an environment that follows the newest one all the same says so: `moving-tags = ["latest"]`

    the catalog has 1 error
    "#);
}

#[test]
fn a_tag_that_could_name_another_image_is_refused() {
    assert_snapshot!(report_environment("tags = [\"{env}-{branch}\", \"{major_minor}\"]\n"), @r#"
    error: a tag must say which commit, version or content the image is of
     --> pipeline.toml:7:9
      |
    7 | tags = ["{env}-{branch}", "{major_minor}"]
      |         ^^^^^^^^^^^^^^^^
      = help: add `{sha}`, `{short_sha}`, `{version}` or `{fingerprint}`; a tag that is to move is one of an environment's `moving-tags`

    error: a tag must say which commit, version or content the image is of
     --> pipeline.toml:7:27
      |
    7 | tags = ["{env}-{branch}", "{major_minor}"]
      |                           ^^^^^^^^^^^^^^^
      = help: add `{sha}`, `{short_sha}`, `{version}` or `{fingerprint}`; a tag that is to move is one of an environment's `moving-tags`

    the catalog has 2 errors
    "#);
}

#[test]
fn a_moving_tag_that_does_not_move_is_refused() {
    assert_snapshot!(report_environment("moving-tags = [\"{branch}-{short_sha}\"]\n"), @r#"
    error: a tag that says which commit, version or content the image is of does not move
     --> pipeline.toml:7:16
      |
    7 | moving-tags = ["{branch}-{short_sha}"]
      |                ^^^^^^^^^^^^^^^^^^^^^^
      = help: it is one of `tags`

    the catalog has 1 error
    "#);
}

#[test]
fn tags_are_at_least_one_and_each_once() {
    assert_snapshot!(report_environment("tags = []\n"), @r#"
    error: an image has at least one tag
     --> pipeline.toml:7:8
      |
    7 | tags = []
      |        ^^
      = help: as in `tags = ["{env}-{sha}-{service}"]`; without the key it has the general ones

    the catalog has 1 error
    "#);
    assert_snapshot!(report_environment("tags = [\"{sha}\", \"{sha}\"]\nmoving-tags = [\"edge\", \"edge\"]\n"), @r#"
    error: `{sha}` is listed twice
     --> pipeline.toml:7:18
      |
    7 | tags = ["{sha}", "{sha}"]
      |                  ^^^^^^^

    error: `edge` is listed twice
     --> pipeline.toml:8:24
      |
    8 | moving-tags = ["edge", "edge"]
      |                        ^^^^^^

    the catalog has 2 errors
    "#);
}

#[test]
fn the_former_key_is_told_to_be_a_list() {
    assert_snapshot!(report_environment("tag = \"{sha}\"\n"), @r#"
    error: unknown key `tag` in `[environments.preview]`
     --> pipeline.toml:7:1
      |
    7 | tag = "{sha}"
      | ^^^
      = help: did you mean `tags`?

    the catalog has 1 error
    "#);
    assert_snapshot!(report_environment("tags = \"{sha}\"\n"), @r#"
    error: `environments.preview.tags` must be an array, not a string
     --> pipeline.toml:7:8
      |
    7 | tags = "{sha}"
      |        ^^^^^^^
      = help: write the value in brackets: `[…]`

    the catalog has 1 error
    "#);
}

#[test]
fn what_no_registry_takes_is_refused() {
    assert_snapshot!(report_environment("tags = [\"-{sha}\", \"{sha}:1\", \"{commit_time}-{sha}\"]\nmoving-tags = [\"\"]\n"), @r#"
    error: a tag cannot begin with this character
     --> pipeline.toml:7:9
      |
    7 | tags = ["-{sha}", "{sha}:1", "{commit_time}-{sha}"]
      |         ^^^^^^^^
      = help: a tag has letters, digits, `_`, `.` and `-`, and begins with neither of the last two

    error: a tag cannot hold this text
     --> pipeline.toml:7:19
      |
    7 | tags = ["-{sha}", "{sha}:1", "{commit_time}-{sha}"]
      |                   ^^^^^^^^^
      = help: a tag has letters, digits, `_`, `.` and `-`, and begins with neither of the last two

    error: `{commit_time}` cannot be used here
     --> pipeline.toml:7:31
      |
    7 | tags = ["-{sha}", "{sha}:1", "{commit_time}-{sha}"]
      |                               ^^^^^^^^^^^^^
      = help: the placeholders are `{branch}`, `{env}`, `{fingerprint}`, `{major_minor}`, `{project}`, `{service}`, `{sha}`, `{short_sha}`, `{source_date_epoch}`, `{version}`

    error: the tag is empty
     --> pipeline.toml:8:16
      |
    8 | moving-tags = [""]
      |                ^^
      = help: a tag has letters, digits, `_`, `.` and `-`, and begins with neither of the last two

    the catalog has 4 errors
    "#);
}

#[test]
fn one_repository_for_all_needs_tags_that_differ() {
    assert_snapshot!(report_shared("tags = [\"{sha}\"]\n", ""), @r#"
    error: the images of `web` and `worker` would have the same repository and tag
     --> pipeline.toml:8:8
      |
    8 | tags = ["{sha}"]
      |        ^^^^^^^^^
      = help: add `{service}` here or to `repository`

    the catalog has 1 error
    "#);
}

#[test]
fn one_repository_for_all_needs_moving_tags_that_differ() {
    assert_snapshot!(report_shared("moving-tags = [\"latest\"]\n", ""), @r#"
    error: the images of `web` and `worker` would have the same repository and tag
     --> pipeline.toml:8:16
      |
    8 | moving-tags = ["latest"]
      |                ^^^^^^^^
      = help: add `{service}` here or to `repository`

    the catalog has 1 error
    "#);
}

#[test]
fn a_service_cannot_take_the_tag_of_another_one() {
    assert_snapshot!(report_shared("", "tags = [\"{env}-{sha}-web\"]\n"), @r#"
    error: the images of `web` and `worker` would have the same repository and tag
     --> services/worker/service.toml:1:8
      |
    1 | tags = ["{env}-{sha}-web"]
      |        ^^^^^^^^^^^^^^^^^^^
      = help: add `{service}` here or to `repository`

    the catalog has 1 error
    "#);
}

#[test]
fn the_general_tags_can_be_what_is_shared() {
    let files = files(&[("web", DOCKERFILE_SERVICE), ("worker", DOCKERFILE_SERVICE)]);
    let pipeline = PIPELINE.replace(
        "services =",
        "repository = \"{registry}/{project}\"\ntags = [\"{sha}\"]\nservices =",
    );
    assert_snapshot!(report(&files.with("pipeline.toml", pipeline)), @r#"
    error: the images of `web` and `worker` would have the same repository and tag
     --> pipeline.toml:5:8
      |
    5 | tags = ["{sha}"]
      |        ^^^^^^^^^
      = help: add `{service}` here or to `repository`

    the catalog has 1 error
    "#);
}

#[test]
fn a_service_s_own_repository_is_checked_where_it_is_written() {
    assert_snapshot!(report_service(&format!("repository = \"{{registry}}/-{{service}}\"\n{DOCKERFILE_SERVICE}")), @r#"
    error: the image of `web` would be `registry.example.com/acme/-web`, and its path may hold only lower-case letters, digits and single separators between them
     --> services/web/service.toml:1:14
      |
    1 | repository = "{registry}/-{service}"
      |              ^^^^^^^^^^^^^^^^^^^^^^^

    the catalog has 1 error
    "#);
    assert_snapshot!(report_service(&format!("repository = \"{{registry}}/{{env}}\"\n{DOCKERFILE_SERVICE}")), @r#"
    error: `{env}` cannot be used here
     --> services/web/service.toml:1:26
      |
    1 | repository = "{registry}/{env}"
      |                          ^^^^^
      = help: the placeholders are `{project}`, `{registry}`, `{service}`

    the catalog has 1 error
    "#);
}
