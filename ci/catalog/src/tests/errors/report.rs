//! The report as a whole: several files, hostile text, many errors.

use insta::assert_snapshot;

use crate::tests::{PIPELINE, files, report, report_service};

#[test]
fn errors_of_all_files_are_reported_at_once() {
    let files = files(&[
        ("a", "builder = 1\n"),
        ("b", "builder = \"cargo\"\nnmae = \"x\"\n"),
    ]);
    assert_snapshot!(report(&files.with("pipeline.toml", PIPELINE.replace("name =", "nam ="))), @r#"
    error: the key `name` is missing in `[project]`
     --> pipeline.toml:1:1
      |
    1 | [project]
      | ^^^^^^^^^
      = help: `name`: The project's name: lower-case letters, digits and single separators between them.

    error: unknown key `nam` in `[project]`
     --> pipeline.toml:2:1
      |
    2 | nam = "shop"
      | ^^^
      = help: did you mean `name`?

    error: `builder` must be a string, not an integer
     --> services/a/service.toml:1:11
      |
    1 | builder = 1
      |           ^
      = help: write the value in quotes

    error: unknown key `nmae`
     --> services/b/service.toml:2:1
      |
    2 | nmae = "x"
      | ^^^^
      = help: did you mean `name`?

    the catalog has 4 errors
    "#);
}

#[test]
fn what_would_drive_the_terminal_is_shown_as_escapes() {
    // A file that shows itself in another order than it is read ("Trojan Source"), a tab, and an escape in a key.
    let text = "builder = \"dockerfile\"\n\"\\u001b[31m\" = 1\t# \u{202e}\n";
    assert_snapshot!(report_service(text), @r#"
    error: unknown key `\u{1b}[31m`
     --> services/web/service.toml:2:1
      |
    2 | "\u001b[31m" = 1 # �
      | ^^^^^^^^^^^^
      = help: the keys are `builder`, `cargo`, `checks`, `contract`, `coupled-with`, `default`, `description`, `dockerfile`, `image`, `limits`, `name`, `platforms`, `repository`, `tags`

    the catalog has 1 error
    "#);
}

#[test]
fn long_lines_are_shown_around_the_place() {
    let many = "\"x\", ".repeat(60);
    let text = format!(
        "builder = \"dockerfile\"\nimage = {{ cmd = [{many}], prots = [80], env = {{ A = \"{}\" }} }}\n",
        many.replace('"', "")
    );
    assert_snapshot!(report_service(&text), @r#"
    error: unknown key `prots` in `[image]`
     --> services/web/service.toml:2:321
      |
    2 | …, "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", ], prots = [80], env = { A = "x, x, x, x, x, x, x, x, x, x, x, …
      |                                                              ^^^^^
      = help: did you mean `ports`?

    the catalog has 1 error
    "#);
}

/// S4: where the syntax is wrong nobody knows for sure what is a value.
#[test]
fn what_may_be_a_secret_is_not_shown_of_a_file_with_wrong_syntax() {
    let text = "[dockerfile]\nargs = { NPM_TOKEN = \"hunter2, A = \"x\" }\nx = ghp_hunter2\n[dockerfile.secrets]\nnpm = \"hunter2\n";
    let report = report_service(text);
    assert!(!report.contains("hunter2"), "{report}");
    assert_snapshot!(report, @r#"
    error: invalid TOML: missing comma between key-value pairs, expected `,`
     --> services/web/service.toml:2:37
      |
    2 | args = { NPM_TOKEN =********************
      |                                     ^

    error: invalid TOML: string values must be quoted, expected literal string
     --> services/web/service.toml:3:5
      |
    3 | x = ***********
      |     ^^^^^^^^^^^

    error: invalid TOML: invalid basic string, expected `"`
     --> services/web/service.toml:5:15
      |
    5 | npm =*********
      |               ^

    the catalog has 3 errors
    "#);
}

/// S4
#[test]
fn what_may_be_a_secret_is_not_shown() {
    let text =
        "builder = \"dockerfile\"\n[dockerfile]\nargs = { NPM_TOKEN = \"hunter{2}\", a b = 1 }\n";
    assert_snapshot!(report_service(&text.replace("a b", "\"a b\"").replace("= 1", "= \"{sah}\"")), @r#"
    warning: the build argument `NPM_TOKEN` looks like a secret, and everybody who has the image can read it
     --> services/web/service.toml:3:10
      |
    3 | args = { NPM_TOKEN = "*********", "a b" = "{sah}" }
      |          ^^^^^^^^^
      = help: give secrets to a build with `[dockerfile.secrets]`, and to a program when it is started

    error: unknown placeholder
     --> services/web/service.toml:3:22
      |
    3 | args = { NPM_TOKEN = "*********", "a b" = "{sah}" }
      |                      ^^^^^^^^^^^
      = help: a literal brace is written `{{` or `}}`

    error: this cannot be the name of a variable
     --> services/web/service.toml:3:35
      |
    3 | args = { NPM_TOKEN = "*********", "a b" = "{sah}" }
      |                                   ^^^^^
      = help: use letters, digits and `_`

    error: unknown placeholder `{sah}`
     --> services/web/service.toml:3:44
      |
    3 | args = { NPM_TOKEN = "*********", "a b" = "{sah}" }
      |                                            ^^^^^
      = help: did you mean `{sha}`?

    the catalog has 3 errors
    "#);
}

#[test]
fn errors_beyond_a_hundred_are_counted() {
    let keys: String = (0..250).map(|n| format!("key{n} = 1\n")).collect();
    let report = report_service(&format!("{keys}builder = \"dockerfile\"\n"));
    assert_eq!(report.matches("unknown key").count(), 100);
    assert_snapshot!(report.lines().last().unwrap(), @"the catalog has 250 errors, the first 100 of which are shown");
}
