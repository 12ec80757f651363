//! Another environment as the source of a promotion: the very digests that it pins, and how long it has.

use ci_catalog::{Name, Service};
use ci_deployments::policy::PastState;
use ci_deployments::{Candidate, Contents};
use ci_oci::Reference;

use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::deployments::{Deployments, refused};

/// How many of its states are read: with pull requests each one costs two requests.
const MOST: u8 = 20;

/// The environment that images are taken from.
#[derive(Debug)]
pub(super) struct Source<'a> {
    deployments: Deployments<'a>,
    contents: Contents,
}

impl<'a> Source<'a> {
    /// The same environment as the one that gets them changes nothing there, and tells its receivers what it pins.
    ///
    /// # Errors
    /// When it is the same environment and nobody is to be told, or one without deployments.
    pub(super) fn open(project: &'a Project, from: &str, to: &str) -> eyre::Result<Self> {
        let deployments = Deployments::open(project, from)?;
        if from == to && deployments.declaration.receivers.is_empty() {
            let message = format!("{to} cannot get its images from itself");
            return Err(UserError::new(Exit::Usage, message).into());
        }
        Ok(Self {
            deployments,
            contents: Contents::default(),
        })
    }

    /// The same, with what it pins.
    pub(super) async fn read(mut self, units: &[Vec<&Service>]) -> eyre::Result<Self> {
        let services = units.iter().flatten().map(|it| &it.name);
        let paths = self.deployments.paths(services)?;
        self.contents = self.deployments.read(&paths).await?;
        Ok(self)
    }

    /// What it pins of a unit.
    ///
    /// # Errors
    /// When it pins nothing of one, or nobody knows what.
    pub(super) fn candidates(&self, unit: &[&Service]) -> eyre::Result<Vec<Candidate>> {
        let mut candidates = Vec::new();
        for service in unit {
            let environment = self.deployments.environment;
            let running = self.deployments.running(service, &self.contents)?;
            let Some(running) = running else {
                let refusal = ci_deployments::Refused::NoPlace {
                    service: service.name.clone(),
                    environment: environment.clone(),
                };
                return Err(refused(refusal).into());
            };
            let candidate = running.candidate(environment).map_err(refused)?;
            // The map is a file that others write, too; where images are is the catalog's to say.
            let repository = candidate.image.repository.name();
            if repository != service.repository.parse::<Reference>()?.name() {
                let message = format!(
                    "{environment} has {} from {repository}, which is not where the catalog has it: {}",
                    service.name, service.repository
                );
                return Err(UserError::new(Exit::Failed, message).into());
            }
            candidates.push(candidate);
        }
        Ok(candidates)
    }

    /// What it pinned of a service, newest first.
    pub(super) async fn history(&self, service: &Name) -> eyre::Result<Vec<PastState>> {
        self.deployments.history(service, MOST).await
    }
}
