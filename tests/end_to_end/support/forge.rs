//! Servers for deployments repositories: git over HTTP with a password, and the stand-in for GitHub, which checks every request against
//! GitHub's description of its interface. Both are those that `ci-deployments` is tested with.

#![allow(dead_code, reason = "its own suites need more of them")]

#[path = "../../../ci/deployments/tests/github/git.rs"]
mod git;
#[path = "../../../ci/deployments/tests/github/pulls.rs"]
mod pulls;
#[path = "../../../ci/deployments/tests/push/server.rs"]
mod server;
#[path = "../../../ci/deployments/tests/github/standin.rs"]
mod standin;

use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

pub(crate) use pulls::merge;
pub(crate) use server::Server;
pub(crate) use standin::{StandIn, TOKEN};

use super::program::{self, Outcome};
use super::project::Project;
use super::{description, http};

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../ci/deployments/tests/github/openapi.json");
    serde_json::from_str(text).unwrap()
});

/// Where the stand-in says it is.
pub(crate) const ADDRESS: &str = "https://github.com/acme/deployments";

/// The program in a job that is told where GitHub's interface is.
pub(crate) fn command(project: &Project, github: &StandIn, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    command
        .env("PIPELINE_DEPLOY_TOKEN", TOKEN)
        .env("GITHUB_API_URL", &github.address)
        .env("GITHUB_GRAPHQL_URL", format!("{}/graphql", github.address));
    command
}

/// Runs it.
pub(crate) fn run(project: &Project, github: &StandIn, arguments: &[&str]) -> Outcome {
    program::run(&mut command(project, github, arguments))
}
