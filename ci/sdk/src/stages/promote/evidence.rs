//! What is known of an image that is to be pinned: whether its registry has it, and all that the environment's policy asks for.

use ci_catalog::Name;
use ci_deployments::policy::{self, Evidence, PastState};
use ci_deployments::review::Check;
use ci_deployments::{Candidate, Policy};
use ci_http::{Clock, SystemClock};
use ci_registry::Client;

use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::registries;

/// Asks what is not in any repository.
pub(super) struct Witness {
    registry: Client,
}

impl Witness {
    pub(super) fn new(project: &Project) -> eyre::Result<Self> {
        let registry = Client::new(project.registries().clone()).map_err(registries::failure)?;
        Ok(Self { registry })
    }

    /// Everything that was checked of an image, its existence first. `history` is that of the environment it comes from.
    ///
    /// # Errors
    /// When the registry does not have it, or does not say. What the policy says no to is in the result.
    pub(super) async fn checks(
        &self,
        policy: &Policy,
        candidate: &Candidate,
        history: Option<&[PastState]>,
    ) -> eyre::Result<Vec<Check>> {
        let digest = candidate.image.digest;
        let mut checks = vec![self.existence(candidate).await?];
        let evidence = Evidence {
            soaked: history.and_then(|history| policy::soaked(history, digest, now())),
            ..Evidence::default()
        };
        checks.extend(policy::checks(policy, &candidate.service, &evidence));
        Ok(checks)
    }

    async fn existence(&self, candidate: &Candidate) -> eyre::Result<Check> {
        let service = &candidate.service;
        let repository = candidate.image.repository.clone().without_tag_and_digest();
        let image = repository.with_digest(candidate.image.digest);
        match self.registry.digest(&image).await {
            Ok(_) => Ok(Check {
                what: format!("image of {service}"),
                result: Ok(format!("{} has it", image.registry())),
            }),
            Err(error) if error.is_not_found() => {
                let message = format!("{image} is not in its registry, so nobody could run it");
                Err(UserError::new(Exit::Failed, message)
                    .hint(format!(
                        "`push {service}` brings it there, as long as it is in .pipeline"
                    ))
                    .into())
            }
            Err(error) => {
                let failure = eyre::Report::from(registries::failure(error));
                Err(failure.wrap_err(format!("cannot tell whether {image} is there")))
            }
        }
    }
}

/// The failure of a promotion that the policy refuses; nothing: it does not.
pub(super) fn verdict(environment: &Name, unit: &Name, checks: &[Check]) -> Option<UserError> {
    let failed: Vec<String> = checks
        .iter()
        .filter_map(|check| {
            let problem = check.result.as_ref().err()?;
            Some(format!("{}: {problem}", check.what))
        })
        .collect();
    if failed.is_empty() {
        return None;
    }
    let message = format!(
        "the policy of {environment} does not let {unit} in: {}",
        failed.join("; ")
    );
    Some(UserError::new(Exit::Failed, message))
}

/// Seconds since 1970.
fn now() -> i64 {
    let now = SystemClock.now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX))
}
