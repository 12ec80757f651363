//! Errors of keys, types and syntax.

use insta::assert_snapshot;

use crate::tests::{files, report, report_service};

#[test]
fn unknown_key_names_the_nearest_one() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\nplatfroms = [\"linux/amd64\"]\n"), @r#"
    error: unknown key `platfroms`
     --> services/web/service.toml:2:1
      |
    2 | platfroms = ["linux/amd64"]
      | ^^^^^^^^^
      = help: did you mean `platforms`?

    the catalog has 1 error
    "#);
}

#[test]
fn unknown_key_that_belongs_to_a_table_names_the_table() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\ntarget = \"app\"\n"), @r#"
    error: unknown key `target`
     --> services/web/service.toml:2:1
      |
    2 | target = "app"
      | ^^^^^^
      = help: `target` belongs in `[dockerfile]`

    the catalog has 1 error
    "#);
}

#[test]
fn unknown_key_that_belongs_above_the_tables_says_so() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\n[dockerfile]\nplatforms = []\n"), @r#"
    error: unknown key `platforms` in `[dockerfile]`
     --> services/web/service.toml:3:1
      |
    3 | platforms = []
      | ^^^^^^^^^
      = help: `platforms` belongs at the top of the file, before the first `[table]`

    the catalog has 1 error
    "#);
}

#[test]
fn unknown_key_like_no_other_lists_those_there_are() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\n[image]\nentirely-different = 1\n"), @r#"
    error: unknown key `entirely-different` in `[image]`
     --> services/web/service.toml:3:1
      |
    3 | entirely-different = 1
      | ^^^^^^^^^^^^^^^^^^
      = help: the keys are `cmd`, `env`, `labels`, `ports`

    the catalog has 1 error
    "#);
}

#[test]
fn wrong_types_say_what_is_wanted() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\ndefault = \"yes\"\nplatforms = \"linux/amd64\"\n[image]\nports = [\"80\", 1.5]\nenv = { A = 1 }\n"), @r#"
    error: `default` must be a boolean, not a string
     --> services/web/service.toml:2:11
      |
    2 | default = "yes"
      |           ^^^^^

    error: `platforms` must be an array, not a string
     --> services/web/service.toml:3:13
      |
    3 | platforms = "linux/amd64"
      |             ^^^^^^^^^^^^^
      = help: write the value in brackets: `[…]`

    error: `image.ports` must be an integer, not a string
     --> services/web/service.toml:5:10
      |
    5 | ports = ["80", 1.5]
      |          ^^^^

    error: `image.ports` must be an integer, not a float
     --> services/web/service.toml:5:16
      |
    5 | ports = ["80", 1.5]
      |                ^^^

    error: `image.env.A` must be a string, not an integer
     --> services/web/service.toml:6:13
      |
    6 | env = { A = 1 }
      |             ^
      = help: write the value in quotes

    the catalog has 5 errors
    "#);
}

#[test]
fn unknown_choice_names_the_nearest_one() {
    assert_snapshot!(report_service("builder = \"docker-file\"\n"), @r#"
    error: `builder` cannot be `docker-file`
     --> services/web/service.toml:1:11
      |
    1 | builder = "docker-file"
      |           ^^^^^^^^^^^^^
      = help: did you mean `dockerfile`?

    the catalog has 1 error
    "#);
}

#[test]
fn unknown_choice_like_no_other_lists_those_there_are() {
    assert_snapshot!(report_service("builder = \"buildpack\"\n"), @r#"
    error: `builder` cannot be `buildpack`
     --> services/web/service.toml:1:11
      |
    1 | builder = "buildpack"
      |           ^^^^^^^^^^^
      = help: it is one of `cargo`, `dockerfile`

    the catalog has 1 error
    "#);
}

#[test]
fn numbers_out_of_range_name_the_range() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\n[image]\nports = [0, 65536, 0x1_0000_0000_0000_0000]\n"), @r#"
    error: `image.ports` must be from 1 to 65535
     --> services/web/service.toml:3:10
      |
    3 | ports = [0, 65536, 0x1_0000_0000_0000_0000]
      |          ^

    error: `image.ports` must be from 1 to 65535
     --> services/web/service.toml:3:13
      |
    3 | ports = [0, 65536, 0x1_0000_0000_0000_0000]
      |             ^^^^^

    error: `image.ports` must be from 1 to 65535
     --> services/web/service.toml:3:20
      |
    3 | ports = [0, 65536, 0x1_0000_0000_0000_0000]
      |                    ^^^^^^^^^^^^^^^^^^^^^^^

    the catalog has 3 errors
    "#);
}

#[test]
fn missing_keys_are_explained() {
    assert_snapshot!(report_service("[[checks]]\nname = \"unit\"\n"), @r#"
    error: the key `builder` is missing
     --> services/web/service.toml:1:1
      |
    1 | [[checks]]
      | ^
      = help: `builder`: How the image comes to be. One of `cargo`, `dockerfile`.

    error: the key `command` is missing in `[checks]`
     --> services/web/service.toml:1:1
      |
    1 | [[checks]]
      | ^^^^^^^^^^
      = help: `command`: Program and arguments.

    the catalog has 2 errors
    "#);
}

#[test]
fn syntax_errors_have_a_place() {
    assert_snapshot!(report_service("builder = \"dockerfile\nname = web\n"), @r#"
    error: invalid TOML: invalid basic string, expected `"`
     --> services/web/service.toml:1:22
      |
    1 | builder = "dockerfile
      |                      ^

    error: invalid TOML: string values must be quoted, expected literal string
     --> services/web/service.toml:2:8
      |
    2 | name = web
      |        ^^^

    the catalog has 2 errors
    "#);
}

#[test]
fn a_key_given_twice_is_an_error() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\nbuilder = \"cargo\"\n"), @r#"
    error: invalid TOML: duplicate key
     --> services/web/service.toml:2:1
      |
    2 | builder = "cargo"
      | ^^^^^^^

    the catalog has 1 error
    "#);
}

#[test]
fn bytes_that_are_no_text_have_a_place() {
    let files = files(&[]).with(
        "services/web/service.toml",
        b"builder = \"dockerfile\"\nname = \"\xff\"\n".to_vec(),
    );
    assert_snapshot!(report(&files), @r#"
    error: the file is not UTF-8
     --> services/web/service.toml:2:9
      |
    2 | name = "�"
      |         ^
      = help: TOML files are UTF-8 (TOML 1.1, "Spec")

    the catalog has 1 error
    "#);
}
