//! Which services are meant, and their order.

use insta::assert_snapshot;

use super::{files, load};
use crate::{Catalog, Service};

/// A shop: `migrator` is coupled with `web`, `worker` builds on `base`, which builds on `shell`.
fn shop() -> Catalog {
    let on = |name: &str| {
        format!("builder = \"dockerfile\"\n[dockerfile.contexts]\nbase = \"service:{name}\"\n")
    };
    load(&files(&[
        ("base", &format!("default = false\n{}", on("shell"))),
        ("migrator", "builder = \"dockerfile\"\ndefault = false\n"),
        ("shell", "builder = \"dockerfile\"\ndefault = false\n"),
        (
            "web",
            "builder = \"dockerfile\"\ncoupled-with = [\"migrator\"]\n",
        ),
        ("worker", &on("base")),
    ]))
}

fn names(services: &[&Service]) -> String {
    services
        .iter()
        .map(|service| service.name.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn selected(catalog: &Catalog, names_: &[&str]) -> String {
    let wanted: Vec<String> = names_.iter().map(ToString::to_string).collect();
    names(&catalog.select(&wanted).unwrap())
}

#[test]
fn without_names_the_defaults_and_what_they_are_coupled_with() {
    assert_eq!(selected(&shop(), &[]), "migrator web worker");
}

#[test]
fn coupling_works_from_either_side() {
    assert_eq!(selected(&shop(), &["migrator"]), "migrator web");
    assert_eq!(selected(&shop(), &["web", "web"]), "migrator web");
    assert_eq!(selected(&shop(), &["shell"]), "shell");
}

#[test]
fn coupling_is_transitive() {
    let with = |name: &str| format!("builder = \"dockerfile\"\ncoupled-with = [\"{name}\"]\n");
    let catalog = load(&files(&[
        ("a", &with("b")),
        ("b", "builder = \"dockerfile\"\n"),
        ("c", &with("b")),
        ("d", "builder = \"dockerfile\"\n"),
    ]));
    assert_eq!(selected(&catalog, &["a"]), "a b c");
    assert_eq!(
        names(&catalog.release_unit(catalog.service("d").unwrap())),
        "d"
    );
}

#[test]
fn unknown_names_get_the_nearest_one() {
    let unknown = |name: &str| shop().select(&[name.to_owned()]).unwrap_err().to_string();
    assert_snapshot!(unknown("wrker"), @"no service is named `wrker`; did you mean `worker`?");
    assert_snapshot!(unknown("frontend"), @"no service is named `frontend`; there are: base, migrator, shell, web, worker");
}

#[test]
fn what_is_needed_comes_first_and_is_included() {
    let catalog = shop();
    let order = |names_: &[&str]| {
        let services: Vec<&Service> = names_
            .iter()
            .map(|name| catalog.service(name).unwrap())
            .collect();
        names(&catalog.build_order(&services))
    };
    assert_eq!(order(&["worker"]), "shell base worker");
    assert_eq!(order(&["worker", "web", "base"]), "shell base web worker");
    assert_eq!(order(&["base", "worker", "web"]), "shell base web worker");
    assert_eq!(order(&[]), "");
}

#[test]
fn a_service_says_what_it_needs() {
    let catalog = shop();
    let needs: Vec<&str> = catalog
        .service("worker")
        .unwrap()
        .dependencies()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(needs, ["base"]);
}
