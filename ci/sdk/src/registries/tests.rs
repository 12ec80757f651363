//! Tests of what is declared about registries, and of what their errors mean.

use super::*;
use crate::error::Failure;
use ci_catalog::MemoryFiles;

const PIPELINE: &str = r#"
[project]
name = "shop"
registry = "registry.example.com/acme"
services = []
[registries."docker.io"]
mirrors = ["mirror.example.com/dockerhub", "cache.example.com:5000"]
[registries."registry.example.com"]
ca = "certs/ca.pem"
login-server = "login.example.org"
"#;

fn catalog() -> Catalog {
    let files = MemoryFiles::new()
        .with("pipeline.toml", PIPELINE)
        .with("certs/ca.pem", "");
    Catalog::from_files(Path::new("/shop"), &files).unwrap()
}

fn with(variables: &[(&str, &str)]) -> Result<Config, UserError> {
    config(&catalog(), |name| {
        let value = variables.iter().find(|(known, _)| *known == name);
        value.map(|(_, value)| (*value).to_owned())
    })
}

/// Every registry, its mirrors, whether it is plain, and its certificates.
fn described(config: &Config) -> String {
    let lines = config.registries.iter().map(|(host, registry)| {
        let mirrors: Vec<String> = registry.mirrors.iter().map(ToString::to_string).collect();
        format!(
            "{host}: mirrors {mirrors:?}, plain {}, ca {:?}\n",
            registry.plain_http, registry.ca
        )
    });
    lines.collect()
}

#[test]
fn the_catalog_says_how_registries_are_reached() {
    let config = with(&[]).unwrap();
    insta::assert_snapshot!(described(&config), @r#"
    docker.io: mirrors ["mirror.example.com/dockerhub", "cache.example.com:5000"], plain false, ca None
    registry.example.com: mirrors [], plain false, ca Some("/shop/certs/ca.pem")
    "#);
    let login_server = &config.registries["registry.example.com"].login_server;
    assert_eq!(login_server.as_deref(), Some("login.example.org"));
}

#[test]
fn mirrors_of_the_environment_win_and_plain_registries_are_added() {
    let config = with(&[
        (
            "PIPELINE_REGISTRY_MIRRORS",
            "docker.io=127.0.0.1:5000/hub, quay.io=127.0.0.1:5000/quay",
        ),
        ("PIPELINE_PLAIN_HTTP", "127.0.0.1:5000"),
    ]);
    insta::assert_snapshot!(described(&config.unwrap()), @r#"
    127.0.0.1:5000: mirrors [], plain true, ca None
    docker.io: mirrors ["127.0.0.1:5000/hub"], plain false, ca None
    quay.io: mirrors ["127.0.0.1:5000/quay"], plain false, ca None
    registry.example.com: mirrors [], plain false, ca Some("/shop/certs/ca.pem")
    "#);
}

#[test]
fn a_variable_without_its_form_is_wrong_use_and_named() {
    for variable in ["PIPELINE_REGISTRY_MIRRORS", "PIPELINE_PLAIN_HTTP"] {
        let error = with(&[(variable, "http://127.0.0.1:5000")]).unwrap_err();
        let failure = Failure::of(&error.into());
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.message.contains(variable), "{}", failure.message);
    }
}

fn not_found() -> Error {
    Error::NotFound {
        what: "the tag \"13\"".into(),
        place: "docker.io/library/debian".into(),
        message: String::new(),
    }
}

fn busy() -> Error {
    Error::RateLimited {
        host: "docker.io".into(),
        after: None,
        message: String::new(),
    }
}

#[test]
fn what_is_not_there_is_wrong_use_and_what_does_not_answer_is_infrastructure() {
    let exit = |error| Failure::of(&failure(error).into()).exit();
    assert_eq!(exit(not_found()), Exit::Usage);
    assert_eq!(exit(busy()), Exit::Infrastructure);
    let by_host =
        |first, last| Error::Everywhere(vec![("mirror".into(), first), ("docker.io".into(), last)]);
    assert_eq!(exit(by_host(busy(), not_found())), Exit::Usage);
    assert_eq!(
        exit(by_host(not_found(), busy())),
        Exit::Infrastructure,
        "a mirror need not have everything"
    );
}
