//! Declared places.

use super::*;
use crate::{Form, Place};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn targets(places: &str) -> Result<Vec<Target>, String> {
    let text = format!("repository = \"r\"\nplaces = [{places}]");
    let declaration: Declaration =
        toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    super::targets(&declaration, &name("staging"), &name("scheduler-worker"))
        .map(Option::unwrap)
        .map_err(|error| error.to_string())
}

#[test]
fn placeholders_name_the_environment_and_the_service() {
    let found = targets(
        r#"{ kustomize = "overlays/{env}/{service}/kustomization.yaml", image = "{service}" },
           { env = "{env}.env", variable = "{SERVICE}_IMAGE", write = "digest", repository = "mirror.example.com/{service}" }"#,
    )
    .unwrap();
    assert_eq!(
        found[0].file,
        "overlays/staging/scheduler-worker/kustomization.yaml"
    );
    let image = Some("scheduler-worker".to_owned());
    assert_eq!(found[0].place, Place::Kustomize { image });
    let variable = "SCHEDULER_WORKER_IMAGE".to_owned();
    let form = Form::Digest;
    assert_eq!(found[1].place, Place::Env { variable, form });
    let mirror = found[1].repository.as_ref().unwrap();
    assert_eq!(mirror.name(), "mirror.example.com/scheduler-worker");
}

#[test]
fn a_place_has_one_format_and_its_keys() {
    for (place, expected) in [
        ("{}", "exactly one of"),
        (r#"{ yaml = "a", json = "b" }"#, "exactly one of"),
        (r#"{ yaml = "a" }"#, "`yaml` needs `path`"),
        (r#"{ env = "a" }"#, "`env` needs `variable`"),
        (
            r#"{ kustomize = "a", variable = "b" }"#,
            "`kustomize` has no `variable`",
        ),
        (
            r#"{ kustomize = "a", write = "tag" }"#,
            "`kustomize` has no `write`",
        ),
        (
            r#"{ kustomize = "{environment}/a" }"#,
            "unknown placeholder",
        ),
        (r#"{ kustomize = "{env/a" }"#, "unknown placeholder"),
        (
            r#"{ yaml = "a", path = "b..c" }"#,
            "is not a path at character 3",
        ),
        (
            r#"{ kustomize = "a", repository = "A b" }"#,
            "not a registry's repository",
        ),
    ] {
        let error = targets(place).unwrap_err();
        assert!(error.contains(expected), "{place}: {error}");
    }
}

#[test]
fn paths_stay_in_the_repository_p2() {
    for path in [
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "./a",
        ".git/config",
        "a/.GIT/hooks/x",
        "a\\\\b",
        "a\\u0007",
        "a\\nb",
    ] {
        let error = targets(&format!("{{ kustomize = \"{path}\" }}")).unwrap_err();
        assert!(error.contains("not a file's path"), "{path}: {error}");
    }
    assert!(targets(r#"{ kustomize = "-c/--x/.github/k.yaml" }"#).is_ok());
}

#[test]
fn each_service_has_its_own_file_in_the_state_map() {
    let declaration: Declaration = toml::from_str("repository = 'r'\nstate = 'x/'").unwrap();
    let file = |service| state_file(&declaration, &name("staging"), &name(service));
    assert_eq!(file("web"), Ok("x/staging/web.toml".into()));
    let declaration: Declaration = toml::from_str("repository = 'r'\nstate = '../x'").unwrap();
    assert!(state_file(&declaration, &name("staging"), &name("web")).is_err());
}

#[test]
fn what_serves_the_repository_is_declared_or_known_by_its_address() {
    let of = |text: &str| forge(&toml::from_str(text).unwrap());
    let at = |address: &str| of(&format!("repository = '{address}'"));
    assert_eq!(at("https://github.com/acme/d"), Some(Forge::GitHub));
    assert_eq!(at("https://acme.ghe.com/acme/d"), Some(Forge::GitHub));
    assert_eq!(at("https://git.example.com/acme/d"), None);
    assert_eq!(at("https://github.com.example.com/acme/d"), None);
    assert_eq!(at("git@github.com:acme/d"), None);
    let declared = "repository = 'https://git.example.com/acme/d'\nforge = ";
    assert_eq!(of(&format!("{declared}'gitea'")), Some(Forge::Gitea));
    assert_eq!(of(&format!("{declared}'github'")), Some(Forge::GitHub));
}
