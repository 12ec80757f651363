//! Errors of names and of references between services.

use insta::assert_snapshot;

use crate::tests::{DOCKERFILE_SERVICE, files, report, report_service};

#[test]
fn invalid_service_name_suggests_a_valid_one() {
    assert_snapshot!(report_service("name = \"Web App\"\nbuilder = \"dockerfile\"\n"), @r#"
    error: `Web App` cannot be the name of a service
     --> services/web/service.toml:1:8
      |
    1 | name = "Web App"
      |        ^^^^^^^^^
      = help: a name has only lower-case letters, digits, `.`, `_` and `-`; `web-app` would do

    the catalog has 1 error
    "#);
}

#[test]
fn invalid_folder_name_asks_for_a_name() {
    assert_snapshot!(report(&files(&[("Web", DOCKERFILE_SERVICE)])), @r#"
    error: the folder's name, `Web`, cannot be the name of a service
     --> services/Web/service.toml:1:1
      |
    1 | builder = "dockerfile"
      | ^
      = help: a name has only lower-case letters, digits, `.`, `_` and `-`; give it one with `name = "web"`

    the catalog has 1 error
    "#);
}

#[test]
fn duplicate_names_show_both_places() {
    let named = "builder = \"dockerfile\"\nname = \"web\"\n";
    assert_snapshot!(report(&files(&[("a", named), ("b", named)])), @r#"
    error: two services are named `web`
     --> services/b/service.toml:2:8
      |
    2 | name = "web"
      |        ^^^^^
     ::: services/a/service.toml:2:8
      |
    2 | name = "web"
      |        ----- the first is here

    the catalog has 1 error
    "#);
}

#[test]
fn duplicate_of_a_folder_name_says_where_the_name_is_from() {
    let named = "builder = \"dockerfile\"\nname = \"web\"\n";
    assert_snapshot!(report(&files(&[("a", named), ("web", DOCKERFILE_SERVICE)])), @r#"
    error: two services are named `web`
     --> services/web/service.toml:1:1
      |
    1 | builder = "dockerfile"
      | ^
     ::: services/a/service.toml:2:8
      |
    2 | name = "web"
      |        ----- the first is here
      = help: a service without `name` is named after its folder

    the catalog has 1 error
    "#);
}

#[test]
fn unknown_services_name_the_nearest_one() {
    let text = "builder = \"dockerfile\"\ncoupled-with = [\"migratr\", \"web\"]\n[dockerfile.contexts]\nbase = \"service:shel\"\n";
    assert_snapshot!(report(&files(&[("migrator", DOCKERFILE_SERVICE), ("shell", DOCKERFILE_SERVICE), ("web", text)])), @r#"
    error: no service is named `migratr`
     --> services/web/service.toml:2:18
      |
    2 | coupled-with = ["migratr", "web"]
      |                  ^^^^^^^
      = help: did you mean `migrator`?

    error: a service cannot be coupled with itself
     --> services/web/service.toml:2:28
      |
    2 | coupled-with = ["migratr", "web"]
      |                            ^^^^^

    error: no service is named `shel`
     --> services/web/service.toml:4:17
      |
    4 | base = "service:shel"
      |                 ^^^^
      = help: did you mean `shell`?

    the catalog has 3 errors
    "#);
}

#[test]
fn a_broken_service_is_still_known_to_others() {
    let user = "builder = \"dockerfile\"\ncoupled-with = [\"base\"]\n";
    assert_snapshot!(report(&files(&[("base", "builder = 1\n"), ("web", user)])), @r#"
    error: `builder` must be a string, not an integer
     --> services/base/service.toml:1:11
      |
    1 | builder = 1
      |           ^
      = help: write the value in quotes

    the catalog has 1 error
    "#);
}

#[test]
fn cycles_are_printed() {
    let on = |name: &str| {
        format!("builder = \"dockerfile\"\n[dockerfile.contexts]\nbase = \"service:{name}\"\n")
    };
    assert_snapshot!(report(&files(&[("a", &on("b")), ("b", &on("c")), ("c", &on("a")), ("d", &on("a")), ("e", &on("e"))])), @r#"
    error: services build on each other in a cycle: a -> b -> c -> a
     --> services/a/service.toml:3:8
      |
    3 | base = "service:b"
      |        ^^^^^^^^^^^
     ::: services/b/service.toml:3:8
      |
    3 | base = "service:c"
      |        ----------- `b` needs `c`
     ::: services/c/service.toml:3:8
      |
    3 | base = "service:a"
      |        ----------- `c` needs `a`
      = help: take one of these contexts out, or move what both need to a service of its own

    error: services build on each other in a cycle: e -> e
     --> services/e/service.toml:3:8
      |
    3 | base = "service:e"
      |        ^^^^^^^^^^^
      = help: take one of these contexts out, or move what both need to a service of its own

    the catalog has 2 errors
    "#);
}
