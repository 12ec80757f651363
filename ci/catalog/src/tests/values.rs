//! Names, platforms, templates and tags on their own.

use proptest::prelude::*;

use crate::{InvalidTemplate, Name, Placeholder, Platform, RenderError, Template, Variables};

#[test]
fn names_are_components_of_repositories() {
    for valid in [
        "a",
        "web",
        "web-app",
        "a.b",
        "a_b",
        "a__b",
        "a---b",
        "0",
        &"a".repeat(63),
    ] {
        assert!(valid.parse::<Name>().is_ok(), "{valid}");
    }
    for invalid in [
        "",
        "A",
        "-a",
        "a-",
        ".",
        "..",
        "a..b",
        "a___b",
        "a-_b",
        "a/b",
        "ä",
        "a\0",
        " a",
        &"a".repeat(64),
    ] {
        assert!(invalid.parse::<Name>().is_err(), "{invalid:?}");
    }
}

#[test]
fn invalid_names_suggest_valid_ones() {
    let suggestion = |text: &str| {
        text.parse::<Name>()
            .unwrap_err()
            .suggestion
            .map(|name| name.to_string())
    };
    assert_eq!(suggestion("My_Service "), Some("my-service".to_owned()));
    assert_eq!(suggestion("../x"), Some("x".to_owned()));
    assert_eq!(suggestion("日本"), None);
}

#[test]
fn every_platform_reads_back() {
    for platform in Platform::all() {
        assert_eq!(platform.to_string().parse(), Ok(platform));
    }
}

#[test]
fn the_host_has_a_platform() {
    assert!(Platform::host().is_some_and(|host| host.os() == "linux"));
}

#[test]
fn templates_render() {
    let variables = Variables::new()
        .with_commit("0123456789")
        .with(Placeholder::Branch, "main");
    let render = |text: &str| text.parse::<Template>().unwrap().render(&variables);
    assert_eq!(
        render("{short_sha}-{branch}{branch}"),
        Ok("0123456-mainmain".to_owned())
    );
    assert_eq!(render(""), Ok(String::new()));
    assert_eq!(render("{{sha}}{{"), Ok("{sha}{".to_owned()));
    assert_eq!(
        render("{sha}{env}"),
        Err(RenderError::Missing(Placeholder::Env))
    );
}

#[test]
fn values_are_not_templates_themselves() {
    let variables = Variables::new().with(Placeholder::Branch, "{sha}");
    assert_eq!(
        "{branch}".parse::<Template>().unwrap().render(&variables),
        Ok("{sha}".to_owned())
    );
}

#[test]
fn wrong_templates_say_why() {
    let error = |text: &str| text.parse::<Template>().unwrap_err();
    assert_eq!(error("{tag}"), InvalidTemplate::Unknown("tag".to_owned()));
    assert_eq!(
        error("{ sha }"),
        InvalidTemplate::Unknown(" sha ".to_owned())
    );
    assert_eq!(error("a{sha"), InvalidTemplate::Unclosed);
    assert_eq!(error("a}"), InvalidTemplate::Unopened);
}

proptest! {
    #[test]
    fn doubling_braces_makes_any_text_literal(text in "\\PC{0,40}|[{}a]{0,20}") {
        let template: Template = text.replace('{', "{{").replace('}', "}}").parse().unwrap();
        prop_assert_eq!(template.render(&Variables::new()).unwrap(), text);
    }

    #[test]
    fn suggestions_are_names(text in any::<String>()) {
        let suggestion = text.parse::<Name>().err().and_then(|error| error.suggestion);
        if let Some(suggestion) = suggestion {
            prop_assert_eq!(suggestion.as_str().parse(), Ok(suggestion.clone()));
        }
    }
}
