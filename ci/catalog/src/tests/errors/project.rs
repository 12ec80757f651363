//! Errors of `pipeline.toml`.

use insta::assert_snapshot;

use crate::MemoryFiles;
use crate::tests::{DOCKERFILE_SERVICE, PIPELINE, files, report};

/// What a user reads when only `pipeline.toml` is wrong.
fn report_pipeline(text: &str) -> String {
    report(&files(&[("web", DOCKERFILE_SERVICE)]).with("pipeline.toml", text))
}

#[test]
fn a_folder_without_a_catalog_says_what_one_is() {
    assert_snapshot!(report(&MemoryFiles::new()), @r#"
    error: there is no `pipeline.toml` here
     --> pipeline.toml:1:1
      = help: it makes a folder a catalog: `[project]` with `name`, `registry` and `services`

    the catalog has 1 error
    "#);
}

#[test]
fn missing_project_is_an_error() {
    assert_snapshot!(report_pipeline(""), @r#"
    error: the key `project` is missing
     --> pipeline.toml:1:1
      = help: `project`: What is delivered, and to which registry.

    the catalog has 1 error
    "#);
}

#[test]
fn a_glob_that_matches_nothing_is_an_error() {
    assert_snapshot!(report_pipeline(&PIPELINE.replace("services/*", "apps/*")), @r#"
    error: no folder with a `service.toml` matches `apps/*`
     --> pipeline.toml:4:13
      |
    4 | services = ["apps/*"]
      |             ^^^^^^^^

    the catalog has 1 error
    "#);
}

#[test]
fn a_folder_that_is_no_service_names_the_nearest_one() {
    assert_snapshot!(report_pipeline(&PIPELINE.replace("services/*", "services/wbe")), @r#"
    error: there is no `services/wbe/service.toml`
     --> pipeline.toml:4:13
      |
    4 | services = ["services/wbe"]
      |             ^^^^^^^^^^^^^^
      = help: did you mean `services/web`?

    the catalog has 1 error
    "#);
}

#[test]
fn service_folders_cannot_be_absolute_outside_or_of_any_depth() {
    assert_snapshot!(report_pipeline(&PIPELINE.replace("\"services/*\"", "\"/srv/*\", \"../*\", \"a/**\", \"\", \"services/*\"")), @r#"
    error: a path must be relative, not absolute
     --> pipeline.toml:4:13
      |
    4 | services = ["/srv/*", "../*", "a/**", "", "services/*"]
      |             ^^^^^^^^
      = help: paths are relative to the folder of `pipeline.toml`

    error: the path leaves the catalog root
     --> pipeline.toml:4:23
      |
    4 | services = ["/srv/*", "../*", "a/**", "", "services/*"]
      |                       ^^^^^^
      = help: paths are relative to the folder of `pipeline.toml`

    error: `**` is not supported
     --> pipeline.toml:4:31
      |
    4 | services = ["/srv/*", "../*", "a/**", "", "services/*"]
      |                               ^^^^^^
      = help: `*` matches one folder: write one pattern per depth

    error: a path must not be empty
     --> pipeline.toml:4:39
      |
    4 | services = ["/srv/*", "../*", "a/**", "", "services/*"]
      |                                       ^^
      = help: paths are relative to the folder of `pipeline.toml`

    the catalog has 4 errors
    "#);
}

#[test]
fn registry_with_a_scheme_is_an_error() {
    assert_snapshot!(report_pipeline(&PIPELINE.replace("registry.example.com", "https://registry.example.com")), @r#"
    error: `https://registry.example.com/acme` is not a registry: it must not have a scheme
     --> pipeline.toml:3:12
      |
    3 | registry = "https://registry.example.com/acme"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: write host and namespace, as in `registry.example.com/acme`

    the catalog has 1 error
    "#);
}

#[test]
fn registry_without_a_host_is_an_error() {
    assert_snapshot!(report_pipeline(&PIPELINE.replace("registry.example.com/acme", "acme")), @r#"
    error: `acme` is not a registry: it must begin with a host, which has a `.` or a port
     --> pipeline.toml:3:12
      |
    3 | registry = "acme"
      |            ^^^^^^
      = help: write host and namespace, as in `registry.example.com/acme`

    the catalog has 1 error
    "#);
}

#[test]
fn repository_that_no_registry_takes_is_an_error() {
    let text = PIPELINE.replace(
        "services =",
        "repository = \"{registry}/{project}/-{service}\"\nservices =",
    );
    assert_snapshot!(report_pipeline(&text), @r#"
    error: the image of `web` would be `registry.example.com/acme/shop/-web`, and its path may hold only lower-case letters, digits and single separators between them
     --> pipeline.toml:4:14
      |
    4 | repository = "{registry}/{project}/-{service}"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    the catalog has 1 error
    "#);
}

#[test]
fn environment_names_are_checked() {
    assert_snapshot!(report_pipeline(&PIPELINE.replace("preview", "Pull_Request")), @r#"
    error: `Pull_Request` cannot be the name of an environment
     --> pipeline.toml:6:15
      |
    6 | [environments.Pull_Request]
      |               ^^^^^^^^^^^^
      = help: a name has only lower-case letters, digits, `.`, `_` and `-`; `pull-request` would do

    the catalog has 1 error
    "#);
}
