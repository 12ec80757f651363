//! `status`: what each environment pins, since when, and whether every instance runs it.
//!
//! What is pinned is read from the deployments repository, as `promote` would read it. Who answers for what, and what their answers mean, is
//! [`ci_deployments::status`]' business. What nobody was asked about is told as unknown, never as good.

mod addresses;
mod look;

use std::sync::Arc;
use std::time::Duration;

use ci_engine::Progress;
use ci_engine::progress::Outcome;
use ci_http::{Http, Options, Retry};
use ci_oci::Digest;
use serde::Serialize;

use self::look::Look;
use super::deployments::Deployments;
use crate::error::{Exit, UserError};
use crate::project::Project;

/// What is asked for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The environment; absent: all that have deployments.
    pub(crate) environment: Option<String>,
    /// Services; none means all.
    pub(crate) services: Vec<String>,
    /// How long instances may take to run what is pinned; absent: they are asked once.
    pub(crate) patience: Option<Duration>,
}

/// What an environment pins and runs.
#[derive(Debug, Serialize)]
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(crate) repository: String,
    pub(crate) branch: String,
    pub(crate) services: Vec<Service>,
}

/// What an environment pins and runs of a service.
#[derive(Debug, Serialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) pinned: Pinned,
    /// When that came to the branch.
    pub(crate) since: Option<Since>,
    /// What was asked; absent: nobody says where it answers.
    pub(crate) instances: Option<Vec<Instance>>,
}

/// What the places of a service hold.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Pinned {
    /// Nothing: no digest yet. More than one: its places disagree.
    pub(crate) digests: Vec<Digest>,
    /// The source commit, where the last promotion brought what is there.
    pub(crate) commit: Option<String>,
    /// What was changed by hand since the last promotion.
    pub(crate) by_hand: bool,
}

/// A commit of the deployments repository.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Since {
    pub(crate) commit: String,
    /// RFC 3339.
    pub(crate) time: String,
}

/// What an instance answers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Instance {
    pub(crate) address: String,
    pub(crate) good: bool,
    /// What it runs, or what is wrong.
    pub(crate) answer: String,
}

/// What there is to say, and what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) environments: Vec<Environment>,
    pub(crate) failures: Vec<eyre::Report>,
}

/// Reads what is pinned, and asks.
///
/// # Errors
/// When that cannot be read, and when there is nothing to ask about. What instances answer is in the result.
pub(crate) async fn run(
    project: &Project,
    progress: &Progress,
    request: &Request,
) -> eyre::Result<Status> {
    let catalog = project.catalog();
    let names: Vec<&str> = match &request.environment {
        Some(name) => vec![name],
        None => {
            let deployed = catalog.environments().filter(|it| it.deploy.is_some());
            deployed.map(|it| it.name.as_str()).collect()
        }
    };
    if names.is_empty() {
        let error = UserError::new(
            Exit::Usage,
            "no environment of pipeline.toml has deployments",
        );
        return Err(error
            .hint("declare them in `[environments.NAME.deploy]`")
            .into());
    }
    let http = http()?;
    let mut status = Status::default();
    for name in names {
        let step = progress.start(&Arc::from(name), "ask what is pinned and what runs", None);
        let environment = environment(project, request, &http, name).await;
        step.finish(match &environment {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Canceled,
        });
        match environment {
            Ok((environment, failures)) => {
                status.failures.extend(failures.into_iter().map(Into::into));
                status.environments.push(environment);
            }
            Err(error) if request.environment.is_some() => return Err(error),
            // Of several, the others are told all the same.
            Err(error) => {
                let message = format!("cannot say anything of {name}");
                status.failures.push(error.wrap_err(message));
            }
        }
    }
    Ok(status)
}

async fn environment(
    project: &Project,
    request: &Request,
    http: &Http,
    name: &str,
) -> eyre::Result<(Environment, Vec<UserError>)> {
    let look = Look {
        project,
        deployments: Deployments::open(project, name)?,
        request,
        http,
    };
    let environment = look.environment().await?;
    let failures = look.failures(&environment);
    Ok((environment, failures))
}

/// Instances are asked again, or not at all: a client that tries again itself would hide what they say.
fn http() -> Result<Http, UserError> {
    let options = Options {
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(10),
        retry: Retry {
            attempts: 1,
            ..Retry::default()
        },
        ..Options::default()
    };
    Http::new(&options).map_err(|error| UserError::new(Exit::Usage, error.to_string()))
}

#[cfg(test)]
mod tests;
