//! Variables of `.env` files, strings of JSON files.

use insta::assert_snapshot;

use super::*;

fn env(variable: &str) -> Place {
    Place::Env {
        variable: variable.into(),
        form: Form::Reference,
    }
}

fn json(pointer: &str) -> Place {
    Place::Json {
        pointer: pointer.into(),
        form: Form::Reference,
    }
}

#[test]
fn a_variable_keeps_its_quotes_and_comments() {
    for (before, after) in [
        (
            "APP_IMAGE=ghcr.io/acme/web:v1\n",
            "APP_IMAGE=ghcr.io/acme/web@NEW\n",
        ),
        (
            "# APP_IMAGE=x\nAPP_IMAGE=\nB=1",
            "# APP_IMAGE=x\nAPP_IMAGE=ghcr.io/acme/web@NEW\nB=1",
        ),
        (
            "export APP_IMAGE='ghcr.io/acme/web'\r\n",
            "export APP_IMAGE='ghcr.io/acme/web@NEW'\r\n",
        ),
        (
            "APP_IMAGE=ghcr.io/acme/web   # now\r\n",
            "APP_IMAGE=ghcr.io/acme/web@NEW   # now\r\n",
        ),
        (
            "  APP_IMAGE = \"ghcr.io/acme/web\" # x\n",
            "  APP_IMAGE = \"ghcr.io/acme/web@NEW\" # x\n",
        ),
        (
            "\u{feff}APP_IMAGE=ghcr.io/acme/web",
            "\u{feff}APP_IMAGE=ghcr.io/acme/web@NEW",
        ),
        (
            "MY_APP_IMAGE=x\nAPP_IMAGE_2=y\nAPP_IMAGE=\n",
            "MY_APP_IMAGE=x\nAPP_IMAGE_2=y\nAPP_IMAGE=ghcr.io/acme/web@NEW\n",
        ),
        (
            "CERT=\"\nAPP_IMAGE=inside\n\"\nAPP_IMAGE=ghcr.io/acme/web\n",
            "CERT=\"\nAPP_IMAGE=inside\n\"\nAPP_IMAGE=ghcr.io/acme/web@NEW\n",
        ),
        (
            "NOTE='it''\nAPP_IMAGE=ghcr.io/acme/web\n",
            "Unreadable: a quoted value does not end, or something follows it\n  line 1: NOTE=…",
        ),
    ] {
        assert_eq!(outcome(before, &env("APP_IMAGE")), after, "{before:?}");
    }
}

#[test]
fn refusals_name_variables_but_show_no_values_s4() {
    let file = "DATABASE_URL=postgres://u:hunter2@db/x\nAPP_IMG=x\n";
    assert_snapshot!(outcome(file, &env("APP_IMAGE")), @r"
    Absent: the file does not set `APP_IMAGE`
      line 1: DATABASE_URL=…
      line 2: APP_IMG=…
      help: add a line `APP_IMAGE=` once; promotions fill it
    ");
    assert_snapshot!(outcome("A=1\nA=2\n", &env("A")), @r"
    Ambiguous: the file sets `A` more than once
      line 1: A=…
      line 2: A=…
    ");
    assert_snapshot!(outcome("A=hunter2\n", &env("A")), @r"
    Unsuitable: the value is not replaced: it names another image; the release is of ghcr.io/acme/web
      line 1: (the value is not shown)
    ");
    assert!(!outcome("A=\"hunter2\nB=1\n", &env("B")).contains("hunter2"));
}

#[test]
fn a_string_of_json_is_replaced_in_place() {
    let file = "{\r\n\t\"a/b\": {\"~x\": [ 1e999, \"ghcr.io/acme/web:v1\" ]},\"z\":1.0}\n";
    assert_eq!(
        outcome(file, &json("/a~1b/~0x/1")),
        file.replace("web:v1", "web@NEW")
    );
    let escaped = r#"{"a":"ghcr.io\/acme\u002fweb"}"#;
    assert_eq!(
        outcome(escaped, &json("/a")),
        r#"{"a":"ghcr.io/acme/web@NEW"}"#
    );
    assert_eq!(
        outcome("\u{feff}{\"a\":\"\"}", &json("/a")),
        "\u{feff}{\"a\":\"ghcr.io/acme/web@NEW\"}"
    );
}

#[test]
fn json_that_does_not_fit_is_refused_with_names_only_s4() {
    let file = "{\n \"image\": {\"password\": \"hunter2\"},\n \"n\": null, \"l\": [\"x\"]\n}";
    assert_snapshot!(outcome(file, &json("/image/tag")), @r#"
    Absent: there is no key `tag` where the pointer expects it
      line 2: "password"
    "#);
    for (pointer, kind) in [
        ("/n", "Unsuitable"),
        ("/n/x", "Absent"),
        ("/l", "Unsuitable"),
        ("/l/01", "Absent"),
        ("/l/-", "Absent"),
        ("/l/1", "Absent"),
        ("", "Absent"),
        ("image", "Absent"),
    ] {
        let outcome = outcome(file, &json(pointer));
        assert!(outcome.starts_with(kind), "{pointer:?}: {outcome}");
    }
    assert!(outcome(r#"{"a":"x","a":"y"}"#, &json("/a")).starts_with("Ambiguous"));
    assert!(outcome(r#"{"a":"x",}"#, &json("/a")).starts_with("Unreadable"));
}
