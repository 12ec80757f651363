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

/// `worker` reads the image of `base`.
fn catalog() -> Catalog {
    let files = MemoryFiles::new()
        .with("pipeline.toml", PIPELINE)
        .with("base/service.toml", "builder = \"cargo\"\n")
        .with("base/Cargo.toml", "")
        .with(
            "worker/service.toml",
            "builder = \"dockerfile\"\n[dockerfile.contexts]\nb = \"service:base\"\n",
        )
        .with("worker/Dockerfile", "");
    Catalog::from_files(std::path::Path::new("/shop"), &files).unwrap()
}

fn said(failed: &[(&str, Shared)]) -> String {
    let catalog = catalog();
    let checkout = Checkout::of(std::path::Path::new("/nowhere"));
    let plan = Plan::new(&catalog, &checkout, 0, &Request::default()).unwrap();
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

#[test]
fn an_error_that_two_services_share_is_told_once() {
    let error = UserError::new(Exit::Usage, "base/Dockerfile:1:1: unknown instruction");
    let error = Shared::from(error.hint("it is written COPY"));
    insta::assert_snapshot!(said(&[("worker", error.clone()), ("base", error)]), @r#"
    error: cannot build base
      caused by: base/Dockerfile:1:1: unknown instruction
    hint: it is written COPY
    Usage
    error: cannot build worker: base, whose image it reads, failed
    Usage
    "#);
}

#[test]
fn errors_of_their_own_are_both_told() {
    let error = |text: &str| Shared::from(UserError::new(Exit::Failed, text));
    insta::assert_snapshot!(said(&[("worker", error("exit code: 1")), ("base", error("exit code: 2"))]), @r#"
    error: cannot build base
      caused by: exit code: 2
    Failed
    error: cannot build worker
      caused by: exit code: 1
    Failed
    "#);
}
