//! `status`: what each environment pins, since when, and whether every instance runs it.
//!
//! What is pinned is read from the deployments repository, as `promote` would read it. Who answers for what, and what their answers mean, is
//! [`ci_deployments::status`]' business. What nobody was asked about is told as unknown, never as good.

mod addresses;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ci_catalog::Name;
use ci_deployments::status::{self, Expected, Report};
use ci_deployments::{Contents, Running};
use ci_engine::Progress;
use ci_engine::progress::Outcome;
use ci_http::{Http, Options, Retry};
use ci_oci::Digest;
use serde::Serialize;

use super::deployments::Deployments;
use crate::error::{Exit, UserError};
use crate::project::Project;

/// How long between two rounds of questions.
const PAUSE: Duration = Duration::from_secs(3);
/// How long what is pinned counts as known while instances are waited for.
const FRESH: Duration = Duration::from_secs(30);

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
    pub(crate) failures: Vec<UserError>,
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
        let look = Look {
            project,
            deployments: Deployments::open(project, name)?,
            request,
            http: &http,
        };
        let step = progress.start(&Arc::from(name), "ask what is pinned and what runs", None);
        let environment = look.environment().await;
        step.finish(match &environment {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Canceled,
        });
        let environment = environment?;
        status.failures.extend(look.failures(&environment));
        status.environments.push(environment);
    }
    Ok(status)
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

/// One environment.
struct Look<'a> {
    project: &'a Project,
    deployments: Deployments<'a>,
    request: &'a Request,
    http: &'a Http,
}

impl Look<'_> {
    async fn environment(&self) -> eyre::Result<Environment> {
        let addresses = addresses::of(self.project.catalog(), &self.deployments)?;
        let clock = self.http.clock();
        let deadline = self.request.patience.map(|patience| clock.now() + patience);
        // What is pinned may change while it is waited for: then the newer is what is to run.
        let (pinned, report) = loop {
            let pinned = self.pinned().await?;
            let expected = expected(&pinned, &addresses);
            let left = deadline.map(|it| it.duration_since(clock.now()).unwrap_or_default());
            let report = match left {
                Some(left) => status::wait(self.http, &expected, left.min(FRESH), PAUSE).await,
                None => status::ask(self.http, &expected).await,
            };
            let is_over = left.is_none_or(|left| left <= FRESH) || report.instances.is_empty();
            if report.is_good() || is_over || !report.unknown.is_empty() {
                break (pinned, report);
            }
        };
        let names: Vec<&Name> = pinned.keys().collect();
        let mut since = self.deployments.last_changes(&names).await?;
        let services = pinned.into_iter().map(|(name, pinned)| Service {
            since: since.remove(&name).and_then(|(commit, seconds)| {
                let time = jiff::Timestamp::from_second(seconds).ok()?.to_string();
                Some(Since { commit, time })
            }),
            instances: addresses
                .contains_key(&name)
                .then(|| instances(&report, &name)),
            name: name.to_string(),
            pinned,
        });
        let declaration = self.deployments.declaration;
        Ok(Environment {
            name: self.deployments.environment.to_string(),
            repository: declaration.repository.clone(),
            branch: declaration.branch.clone(),
            services: services.collect(),
        })
    }

    /// What is pinned of each service that was asked for.
    async fn pinned(&self) -> eyre::Result<BTreeMap<Name, Pinned>> {
        let catalog = self.project.catalog();
        let services: Vec<_> = match &self.request.services[..] {
            [] => catalog.services().collect(),
            names => catalog.select(names)?,
        };
        let paths = self.deployments.paths(services.iter().map(|it| &it.name))?;
        let contents: Contents = self.deployments.read(&paths).await?;
        let mut pinned = BTreeMap::new();
        for service in services {
            match self.deployments.running(service, &contents)? {
                Some(running) if !running.places.is_empty() => {
                    pinned.insert(service.name.clone(), Pinned::of(&running));
                }
                _ => {}
            }
        }
        if pinned.is_empty() {
            let message = format!(
                "nothing of what was asked for is deployed in {}",
                self.deployments.environment
            );
            return Err(UserError::new(Exit::Failed, message).into());
        }
        Ok(pinned)
    }

    /// What is wrong with an environment.
    fn failures(&self, environment: &Environment) -> Vec<UserError> {
        let name = &environment.name;
        let failed = |message: String| UserError::new(Exit::Failed, message);
        let mut failures = Vec::new();
        let mut asked = 0;
        for service in &environment.services {
            let of = &service.name;
            if service.pinned.digests.len() > 1 {
                failures.push(failed(format!(
                    "the places of {of} in {name} pin different digests"
                )));
            }
            for instance in service.instances.iter().flatten() {
                asked += 1;
                if !instance.good {
                    failures.push(failed(format!(
                        "{of} in {name}, {}: {}",
                        instance.address, instance.answer
                    )));
                }
            }
            if service.instances.is_none() && self.request.patience.is_some() {
                let error = failed(format!(
                    "nobody says where {of} answers in {name}, so it was not asked"
                ));
                failures.push(error.hint(format!(
                    "declare `addresses.{of}` in `[environments.{name}.deploy]`; an empty list where it answers nowhere"
                )));
            }
        }
        if asked == 0 && failures.is_empty() && self.request.patience.is_some() {
            failures.push(failed(format!("nothing that runs in {name} was asked")));
        }
        failures
    }
}

impl Pinned {
    fn of(running: &Running) -> Self {
        let state = running.state.as_ref();
        let is_told = running.is_told();
        Self {
            digests: running.digests().into_iter().collect(),
            commit: state.filter(|_| is_told).map(|state| state.commit.clone()),
            by_hand: state.is_some() && !is_told,
        }
    }
}

/// What is to be asked: of services with one digest, at the addresses that they have.
fn expected(
    pinned: &BTreeMap<Name, Pinned>,
    addresses: &BTreeMap<Name, Vec<ci_http::Url>>,
) -> Vec<Expected> {
    let expected = pinned.iter().filter_map(|(service, pinned)| {
        let [digest] = pinned.digests[..] else {
            return None;
        };
        let addresses = addresses.get(service).filter(|it| !it.is_empty())?;
        Some(Expected {
            service: service.clone(),
            digest,
            commit: pinned.commit.clone(),
            addresses: addresses.clone(),
        })
    });
    expected.collect()
}

fn instances(report: &Report, service: &Name) -> Vec<Instance> {
    let own = report.instances.iter().filter(|it| it.service == *service);
    own.map(|instance| Instance {
        address: ci_http::shown(&instance.address),
        good: instance.result.is_ok(),
        answer: match &instance.result {
            Ok(answer) | Err(answer) => answer.clone(),
        },
    })
    .collect()
}

#[cfg(test)]
mod tests;
