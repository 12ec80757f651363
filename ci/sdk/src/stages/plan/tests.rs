//! Tests of plans over a catalog in memory.

use super::*;
use crate::error::Failure;
use ci_catalog::MemoryFiles;

const PIPELINE: &str = r#"
[project]
name = "shop"
registry = "registry.example.com/acme"
services = ["*"]
[environments.preview]
tags = ["{env}-{short_sha}"]
[environments.review]
tags = ["{branch}-{sha}"]
"#;

const DOCKERFILE: &str = "builder = \"dockerfile\"\n[dockerfile.contexts]\n";

fn catalog() -> Catalog {
    let shell = "builder = \"cargo\"\ndefault = false\nplatforms = [\"linux/s390x\"]\n[image.env]\nENV = \"{env}\"\n";
    let base = format!("default = false\n{DOCKERFILE}sh = \"service:shell\"\n");
    let worker = format!(
        "platforms = [\"linux/arm64\", \"linux/amd64\"]\n{DOCKERFILE}b = \"service:base\"\n"
    );
    let files = MemoryFiles::new()
        .with("pipeline.toml", PIPELINE)
        .with("shell/service.toml", shell)
        .with("shell/Cargo.toml", "")
        .with("base/service.toml", base)
        .with("base/Dockerfile", "")
        .with("worker/service.toml", worker)
        .with("worker/Dockerfile", "");
    Catalog::from_files(Path::new("/shop"), &files).unwrap()
}

fn checkout(reference: Option<&str>) -> Checkout {
    Checkout {
        repository: None,
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        reference: reference.map(str::to_owned),
        dirty: false,
        commit_time: Some(1_612_317_906),
        unknown: None,
        version: None,
    }
}

fn request(services: &[&str], environment: Option<&str>, platforms: &[&str]) -> Request {
    Request {
        services: services.iter().map(|it| (*it).to_owned()).collect(),
        environment: environment.map(str::to_owned),
        platforms: platforms.iter().map(|it| it.parse().unwrap()).collect(),
        ..Request::default()
    }
}

fn described(plan: &Plan<'_>) -> String {
    let line = |planned: &Planned<'_>| {
        let names = |platforms: &[Platform]| {
            let names: Vec<String> = platforms.iter().map(Platform::to_string).collect();
            names.join(" ")
        };
        let (image, needed) = (names(&planned.platforms), names(&planned.needed));
        format!(
            "{}: image [{image}], needed [{needed}]",
            planned.reference()
        )
    };
    plan.services
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn services_that_are_read_come_first_and_are_built_for_the_platforms_of_their_readers() {
    let (catalog, checkout) = (catalog(), checkout(None));
    let plan = Plan::new(&catalog, &checkout, 0, &request(&[], Some("preview"), &[])).unwrap();
    insta::assert_snapshot!(described(&plan), @r#"
    registry.example.com/acme/shop-shell: image [], needed [linux/arm64 linux/amd64]
    registry.example.com/acme/shop-base: image [], needed [linux/arm64 linux/amd64]
    registry.example.com/acme/shop-worker:preview-0123456: image [linux/arm64 linux/amd64], needed [linux/arm64 linux/amd64]
    "#);
    let causes = plan.causes(&"worker".parse().unwrap());
    let causes: Vec<&str> = causes.into_iter().map(Name::as_str).collect();
    assert_eq!(causes, ["shell", "base"]);
    assert!(plan.causes(&"shell".parse().unwrap()).is_empty());
}

#[test]
fn a_service_that_is_read_too_gets_no_more_platforms_than_were_asked_for() {
    let (catalog, checkout) = (catalog(), checkout(None));
    let asked = request(&["shell", "worker"], None, &[]);
    let plan = Plan::new(&catalog, &checkout, 0, &asked).unwrap();
    insta::assert_snapshot!(described(&plan), @r#"
    registry.example.com/acme/shop-shell: image [linux/s390x], needed [linux/s390x linux/arm64 linux/amd64]
    registry.example.com/acme/shop-base: image [], needed [linux/arm64 linux/amd64]
    registry.example.com/acme/shop-worker: image [linux/arm64 linux/amd64], needed [linux/arm64 linux/amd64]
    "#);
}

#[test]
fn platforms_of_the_command_line_take_the_place_of_those_in_the_catalog() {
    let (catalog, checkout) = (catalog(), checkout(None));
    let asked = request(&["shell"], None, &["linux/amd64", "linux/amd64"]);
    let plan = Plan::new(&catalog, &checkout, 0, &asked).unwrap();
    insta::assert_snapshot!(described(&plan), @r#"
    registry.example.com/acme/shop-shell: image [linux/amd64], needed [linux/amd64]
    "#);
}

#[test]
fn templates_see_commit_environment_and_time() {
    let (catalog, checkout) = (catalog(), checkout(Some("refs/heads/fix/a")));
    let asked = request(&["shell"], Some("review"), &[]);
    let plan = Plan::new(&catalog, &checkout, 7, &asked).unwrap();
    let shell = &plan.services[0];
    let text =
        "{sha} {short_sha} {branch} {commit_time} {source_date_epoch} {service} {env} {project}";
    let rendered = shell.render("image.env.X", &text.parse().unwrap()).unwrap();
    assert_eq!(
        rendered,
        "0123456789abcdef0123456789abcdef01234567 0123456 fix/a 2021-02-03T02:05:06Z 7 shell review shop"
    );
    assert_eq!(
        shell.tag.as_deref(),
        Some("fix-a-bd4be54f-0123456789abcdef0123456789abcdef01234567")
    );
}

/// The error and its hints.
fn failure(error: impl Into<eyre::Report>) -> String {
    let failure = Failure::of(&error.into());
    assert_eq!(failure.exit(), Exit::Usage);
    format!("{}\n{}", failure.message, failure.hints.join("\n"))
}

#[test]
fn what_cannot_be_rendered_is_explained_with_its_place() {
    let (catalog, checkout) = (catalog(), checkout(None));
    let plan = Plan::new(&catalog, &checkout, 0, &request(&["shell"], None, &[])).unwrap();
    let env = &plan.services[0].service.image.env["ENV"];
    let error = plan.services[0].render("image.env.ENV", env).unwrap_err();
    insta::assert_snapshot!(failure(error), @r#"
    shell/service.toml: `image.env.ENV`: `{env}` has no value here
    name an environment of pipeline.toml with `--env NAME`
    "#);
    let error = Plan::new(
        &catalog,
        &checkout,
        0,
        &request(&["shell"], Some("review"), &[]),
    );
    insta::assert_snapshot!(failure(error.unwrap_err()), @r#"
    pipeline.toml: `environments.review.tags`: `{branch}` has no value here
    no branch is checked out; `git switch BRANCH` does that
    "#);
}

#[test]
fn an_unknown_environment_is_answered_with_those_there_are() {
    let (catalog, checkout) = (catalog(), checkout(None));
    let error = Plan::new(&catalog, &checkout, 0, &request(&[], Some("prod"), &[]));
    insta::assert_snapshot!(failure(error.unwrap_err()), @r#"
    no environment is named `prod`
    there are: preview, review
    "#);
}
