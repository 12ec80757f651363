//! One environment: what is pinned is read, instances are asked, and what is wrong is told.

use std::collections::BTreeMap;
use std::time::Duration;

use ci_catalog::Name;
use ci_deployments::status::{self, Expected, Report};
use ci_deployments::{Contents, Running};
use ci_http::Http;

use super::{Environment, Instance, Pinned, Request, Service, Since, addresses};
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::deployments::Deployments;

/// How long between two rounds of questions.
const PAUSE: Duration = Duration::from_secs(3);
/// How long what is pinned counts as known while instances are waited for.
const FRESH: Duration = Duration::from_secs(30);

/// One environment.
pub(super) struct Look<'a> {
    pub(super) project: &'a Project,
    pub(super) deployments: Deployments<'a>,
    pub(super) request: &'a Request,
    pub(super) http: &'a Http,
}

impl Look<'_> {
    /// What it pins and runs; waited for as long as was asked for.
    pub(super) async fn environment(&self) -> eyre::Result<Environment> {
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
    pub(super) fn failures(&self, environment: &Environment) -> Vec<UserError> {
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
    pub(super) fn of(running: &Running) -> Self {
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
pub(super) fn expected(
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
