//! Tests of what a build says of failures.

use super::*;
use crate::error::{Exit, Failure, UserError};
use crate::stages::Checkout;
use ci_catalog::{Catalog, MemoryFiles};

const PIPELINE: &str = r#"
[project]
name = "shop"
registry = "registry.example.com/acme"
services = ["*"]
"#;

/// `job` and `worker` read the image of `base`.
fn catalog() -> Catalog {
    let files = MemoryFiles::new()
        .with("pipeline.toml", PIPELINE)
        .with("base/service.toml", "builder = \"cargo\"\n")
        .with("base/Cargo.toml", "")
        .with(
            "worker/service.toml",
            "builder = \"dockerfile\"\n[dockerfile.contexts]\nb = \"service:base\"\n",
        )
        .with("worker/Dockerfile", "")
        .with(
            "job/service.toml",
            "builder = \"dockerfile\"\n[dockerfile.contexts]\nb = \"service:base\"\n",
        )
        .with("job/Dockerfile", "");
    Catalog::from_files(std::path::Path::new("/shop"), &files).unwrap()
}

/// What is said when these are built and those fail.
fn said(services: &[&str], failed: &[(&str, Shared)]) -> String {
    let catalog = catalog();
    let checkout = Checkout::of(std::path::Path::new("/nowhere"));
    let request = Request {
        services: services.iter().map(|it| (*it).to_owned()).collect(),
        ..Request::default()
    };
    let plan = Plan::new(&catalog, &checkout, 0, &request).unwrap();
    let failed = failed
        .iter()
        .map(|(name, error)| (name.parse().unwrap(), error.clone()))
        .collect();
    let paint = crate::terminal::Paint::new(false);
    let render = |report: &eyre::Report| {
        let failure = Failure::of(report);
        format!("{}{:?}\n", failure.render(paint), failure.exit())
    };
    failures(&plan, &failed).iter().map(render).collect()
}

fn error(exit: Exit, text: &str) -> Shared {
    Shared::from(UserError::new(exit, text).hint("this helps"))
}

#[test]
fn an_error_that_services_share_is_told_once_and_decides_the_exit_code() {
    let broken = error(Exit::Usage, "base/Dockerfile:1:1: unknown instruction");
    let failed = [
        ("worker", broken.clone()),
        ("base", broken.clone()),
        ("job", broken),
    ];
    insta::assert_snapshot!(said(&[], &failed), @r#"
    error: cannot build base
      caused by: base/Dockerfile:1:1: unknown instruction
    hint: this helps
    Usage
    error: cannot build job: base, whose image it reads, failed
    Failed
    error: cannot build worker: base, whose image it reads, failed
    Failed
    "#);
}

#[test]
fn an_error_of_an_image_that_is_only_read_is_told_with_the_first_reader() {
    let broken = error(Exit::Machine, "no cargo");
    let failed = [("worker", broken.clone()), ("job", broken)];
    insta::assert_snapshot!(said(&["worker", "job"], &failed), @r#"
    error: cannot build job
      caused by: no cargo
    hint: this helps
    Machine
    error: cannot build worker: it fails as job does
    Failed
    "#);
}

#[test]
fn errors_of_their_own_are_all_told() {
    let failed = [
        ("worker", error(Exit::Failed, "exit code: 1")),
        ("base", error(Exit::Failed, "exit code: 2")),
    ];
    insta::assert_snapshot!(said(&[], &failed), @r#"
    error: cannot build base
      caused by: exit code: 2
    hint: this helps
    Failed
    error: cannot build worker
      caused by: exit code: 1
    hint: this helps
    Failed
    "#);
}
