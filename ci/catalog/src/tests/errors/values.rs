//! Errors of values in `service.toml`.

use insta::assert_snapshot;

use crate::tests::report_service;

#[test]
fn table_of_the_other_builder_is_an_error() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\n\n[cargo]\nbin = \"web\"\n"), @r#"
    error: `[cargo]` has no effect with `builder = "dockerfile"`
     --> services/web/service.toml:3:1
      |
    3 | [cargo]
      | ^^^^^^^
      = help: remove the table, or set `builder = "cargo"`

    the catalog has 1 error
    "#);
}

#[test]
fn platforms_of_other_tongues_are_translated() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\nplatforms = [\"x86_64\", \"linux/aarch64\", \"linux/arm64\", \"linux/arm64\", \"windows\"]\n"), @r#"
    error: `x86_64` is not a platform
     --> services/web/service.toml:2:14
      |
    2 | platforms = ["x86_64", "linux/aarch64", "linux/arm64", "linux/arm64", "windows"]
      |              ^^^^^^^^
      = help: did you mean `linux/amd64`?

    error: `linux/aarch64` is not a platform
     --> services/web/service.toml:2:24
      |
    2 | platforms = ["x86_64", "linux/aarch64", "linux/arm64", "linux/arm64", "windows"]
      |                        ^^^^^^^^^^^^^^^
      = help: did you mean `linux/arm64`?

    error: `linux/arm64` is listed twice
     --> services/web/service.toml:2:56
      |
    2 | platforms = ["x86_64", "linux/aarch64", "linux/arm64", "linux/arm64", "windows"]
      |                                                        ^^^^^^^^^^^^^

    error: `windows` is not a platform
     --> services/web/service.toml:2:71
      |
    2 | platforms = ["x86_64", "linux/aarch64", "linux/arm64", "linux/arm64", "windows"]
      |                                                                       ^^^^^^^^^
      = help: there are `linux/386`, `linux/amd64`, `linux/arm/v5`, `linux/arm/v6`, `linux/arm/v7`, `linux/arm64`, `linux/loong64`, `linux/ppc64le`, `linux/riscv64`, `linux/s390x`

    the catalog has 4 errors
    "#);
}

#[test]
fn durations_show_their_form() {
    let text = "builder = \"dockerfile\"\n[contract]\nkind = \"job\"\nstart-timeout = \"10 seconds\"\ngrace-period = \"0s\"\n";
    assert_snapshot!(report_service(text), @r#"
    error: `10 seconds` is not a duration
     --> services/web/service.toml:4:17
      |
    4 | start-timeout = "10 seconds"
      |                 ^^^^^^^^^^^^
      = help: a number and a unit (`ms`, `s`, `m` or `h`), as in `500ms`, `10s`, `1m30s`

    error: the duration is zero
     --> services/web/service.toml:5:16
      |
    5 | grace-period = "0s"
      |                ^^^^

    the catalog has 2 errors
    "#);
}

#[test]
fn unknown_placeholder_names_the_nearest_one() {
    let text = "builder = \"dockerfile\"\n[image.env]\nA = \"v-{SHA}\"\nB = \"{registry}\"\nC = '{\"json\": 1}'\nD = \"{sha\"\nE = \"}\"\n";
    assert_snapshot!(report_service(text), @r#"
    error: unknown placeholder `{SHA}`
     --> services/web/service.toml:3:8
      |
    3 | A = "v-{SHA}"
      |        ^^^^^
      = help: did you mean `{sha}`?

    error: `{registry}` cannot be used here
     --> services/web/service.toml:4:6
      |
    4 | B = "{registry}"
      |      ^^^^^^^^^^
      = help: the placeholders are `{branch}`, `{commit_time}`, `{env}`, `{project}`, `{service}`, `{sha}`, `{short_sha}`, `{source_date_epoch}`, `{version}`

    error: the text in braces is no placeholder
     --> services/web/service.toml:5:5
      |
    5 | C = '{"json": 1}'
      |     ^^^^^^^^^^^^^
      = help: a literal brace is written `{{` or `}}`

    error: a `{` is never closed
     --> services/web/service.toml:6:5
      |
    6 | D = "{sha"
      |     ^^^^^^
      = help: a literal brace is written `{{` or `}}`

    error: a `}` closes nothing
     --> services/web/service.toml:7:5
      |
    7 | E = "}"
      |     ^^^
      = help: a literal brace is written `{{` or `}}`

    the catalog has 5 errors
    "#);
}

#[test]
fn contexts_and_secrets_show_their_forms() {
    let text = "builder = \"dockerfile\"\n[dockerfile.contexts]\nbase = \"docker-image://alpine\"\nspaced = \"image:a b\"\n[dockerfile.secrets]\nnpm = \"hunter2\"\n";
    assert_snapshot!(report_service(text), @r#"
    error: `docker-image://alpine` is not the source of a context
     --> services/web/service.toml:3:8
      |
    3 | base = "docker-image://alpine"
      |        ^^^^^^^^^^^^^^^^^^^^^^^
      = help: write `service:NAME`, `image:REFERENCE`, `oci-layout:PATH` or `dir:PATH`

    error: the reference of an image must be a single word
     --> services/web/service.toml:4:10
      |
    4 | spaced = "image:a b"
      |          ^^^^^^^^^^^

    error: a secret comes from `env:NAME` or `file:PATH`
     --> services/web/service.toml:6:7
      |
    6 | npm = "*******"
      |       ^^^^^^^^^

    the catalog has 3 errors
    "#);
}

/// E7
#[test]
fn user_must_be_numeric_and_fit() {
    assert_snapshot!(report_service("builder = \"cargo\"\n[cargo]\nuser = \"4294967296:0\"\n"), @r#"
    error: `4294967296:0` is not a numeric user and group
     --> services/web/service.toml:3:8
      |
    3 | user = "4294967296:0"
      |        ^^^^^^^^^^^^^^
      = help: write `UID:GID`, each from 0 to 4294967294, as in `65532:65532`

    the catalog has 1 error
    "#);
}

#[test]
fn words_must_not_be_options_of_tools() {
    let text = "builder = \"cargo\"\n[cargo]\npackage = \"--config=x\"\nbin = \"\"\nfeatures = [\"a b\"]\n";
    assert_snapshot!(report_service(text), @r#"
    error: a package must not begin with `-`
     --> services/web/service.toml:3:11
      |
    3 | package = "--config=x"
      |           ^^^^^^^^^^^^

    error: a binary target must not be empty
     --> services/web/service.toml:4:7
      |
    4 | bin = ""
      |       ^^

    error: a feature must be a single word
     --> services/web/service.toml:5:13
      |
    5 | features = ["a b"]
      |             ^^^^^

    the catalog has 3 errors
    "#);
}

#[test]
fn http_contract_needs_a_port() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\n[contract]\nkind = \"http\"\nlivez = \"livez\"\n"), @r#"
    error: a contract of `kind = "http"` needs a `port`
     --> services/web/service.toml:2:1
      |
    2 | [contract]
      | ^^^^^^^^^^
      = help: add `port = 8080`, or what the program listens on

    error: `livez` is not the path of a request
     --> services/web/service.toml:4:9
      |
    4 | livez = "livez"
      |         ^^^^^^^
      = help: it begins with `/` and has neither spaces nor a host, as in `/livez`

    the catalog has 2 errors
    "#);
}

#[test]
fn job_contract_has_nothing_to_ask() {
    assert_snapshot!(report_service("builder = \"dockerfile\"\n[contract]\nkind = \"job\"\nport = 80\nreadyz = \"/readyz\"\n"), @r#"
    error: `port` means nothing for a contract of `kind = "job"`
     --> services/web/service.toml:4:8
      |
    4 | port = 80
      |        ^^
      = help: remove it, or set `kind = "http"`

    error: `readyz` means nothing for a contract of `kind = "job"`
     --> services/web/service.toml:5:10
      |
    5 | readyz = "/readyz"
      |          ^^^^^^^^^
      = help: remove it, or set `kind = "http"`

    the catalog has 2 errors
    "#);
}

#[test]
fn checks_are_checked() {
    let text = "builder = \"cargo\"\n[[checks]]\nname = \"unit\"\ncommand = []\n[[checks]]\nname = \"unit\"\ntarget = \"test\"\ncommand = [\"cargo\", \"test\"]\njunit = \"/out/junit.xml\"\n[[checks]]\nname = \"Lint\"\ncommand = [\"\"]\n[[checks]]\nname = \"unit\"\ncommand = [\"true\"]\n";
    assert_snapshot!(report_service(text), @r#"
    error: the command is empty
     --> services/web/service.toml:4:11
      |
    4 | command = []
      |           ^^
      = help: write the program and its arguments: `["cargo", "test"]`

    error: a check of a service with `builder = "cargo"` has no `target`
     --> services/web/service.toml:7:10
      |
    7 | target = "test"
      |          ^^^^^^
      = help: it runs on the host's toolchain: remove the key

    error: a path must be relative, not absolute
     --> services/web/service.toml:9:9
      |
    9 | junit = "/out/junit.xml"
      |         ^^^^^^^^^^^^^^^^
      = help: paths are relative to the folder of this file

    error: `Lint` cannot be the name of a check
      --> services/web/service.toml:11:8
       |
    11 | name = "Lint"
       |        ^^^^^^
       = help: a name has only lower-case letters, digits, `.`, `_` and `-`; `lint` would do

    error: the command is empty
      --> services/web/service.toml:12:11
       |
    12 | command = [""]
       |           ^^^^
       = help: write the program and its arguments: `["cargo", "test"]`

    error: two checks are named `unit`
      --> services/web/service.toml:14:8
       |
    14 | name = "unit"
       |        ^^^^^^
      ::: services/web/service.toml:3:8
       |
     3 | name = "unit"
       |        ------ the first is here

    the catalog has 6 errors
    "#);
}

#[test]
fn junit_of_a_container_is_an_absolute_path() {
    let text = "builder = \"dockerfile\"\n[[checks]]\nname = \"unit\"\ncommand = [\"t\"]\njunit = \"out/junit.xml\"\n[[checks]]\nname = \"lint\"\ncommand = [\"t\"]\njunit = \"/../junit.xml\"\n";
    assert_snapshot!(report_service(text), @r#"
    error: `out/junit.xml` is not an absolute path in the container
     --> services/web/service.toml:5:9
      |
    5 | junit = "out/junit.xml"
      |         ^^^^^^^^^^^^^^^
      = help: the check runs in a container: write a path such as `/out/junit.xml`

    error: `/../junit.xml` is not an absolute path in the container
     --> services/web/service.toml:9:9
      |
    9 | junit = "/../junit.xml"
      |         ^^^^^^^^^^^^^^^
      = help: the check runs in a container: write a path such as `/out/junit.xml`

    the catalog has 2 errors
    "#);
}

#[test]
fn things_listed_twice_and_texts_no_program_takes_are_errors() {
    let text = "builder = \"dockerfile\"\ndescription = \"a\\nb\"\n[image]\nports = [80, 80]\ncmd = [\"a\\u0000\"]\nenv = { \"A=B\" = \"\" }\nlabels = { \"\" = \"\" }\n";
    assert_snapshot!(report_service(text), @r#"
    error: a description is one line of text
     --> services/web/service.toml:2:15
      |
    2 | description = "a\nb"
      |               ^^^^^^

    error: port 80 is listed twice
     --> services/web/service.toml:4:14
      |
    4 | ports = [80, 80]
      |              ^^

    error: the text holds a NUL character, which no program can be given
     --> services/web/service.toml:5:8
      |
    5 | cmd = ["a\u0000"]
      |        ^^^^^^^^^

    error: this cannot be the name of a variable
     --> services/web/service.toml:6:9
      |
    6 | env = { "A=B" = "" }
      |         ^^^^^
      = help: use letters, digits and `_`

    error: the name of a label must not be empty
     --> services/web/service.toml:7:12
      |
    7 | labels = { "" = "" }
      |            ^^

    the catalog has 5 errors
    "#);
}
