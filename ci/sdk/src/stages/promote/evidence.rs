//! What is known of an image that is to be pinned: whether its registry has it, and all that the environment's policy asks for.

use ci_catalog::Name;
use ci_deployments::github::SourceRepository;
use ci_deployments::policy::{self, Evidence, PastState};
use ci_deployments::review::Check;
use ci_deployments::{Candidate, Policy};
use ci_http::{Clock, SystemClock};
use ci_oci::Reference;
use ci_registry::Client;

use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::registries;
use crate::stages::verify::{Demand, Verification};

/// Why checks are not known.
const UNASKED: &str = "nobody could be asked: the source repository has to be on GitHub, with GITHUB_TOKEN or PIPELINE_DEPLOY_TOKEN to read its checks";

/// Asks what is not in any repository.
pub(super) struct Witness {
    registry: Client,
    /// Where the policy asks for signatures or attestations.
    verification: Option<Verification>,
}

/// What is known of an image already.
#[derive(Clone, Copy, Default)]
pub(super) struct Known<'a> {
    /// What the environment it comes from pinned, newest first.
    pub(super) history: Option<&'a [PastState]>,
    /// Where its checks ran.
    pub(super) platform: Option<&'a SourceRepository>,
}

impl Witness {
    /// # Errors
    /// When the policy asks for signatures, and it is not said whose, or this program cannot verify them.
    pub(super) async fn new(project: &Project, policy: &Policy) -> eyre::Result<Self> {
        let registry = Client::new(project.registries().clone()).map_err(registries::failure)?;
        let verification = match policy.signature || !policy.attestations.is_empty() {
            true => {
                let demand = Demand::of(project.catalog())?;
                Some(Verification::open(&demand, project.registries()).await?)
            }
            false => None,
        };
        Ok(Self {
            registry,
            verification,
        })
    }

    /// What people should know of how signatures are verified.
    pub(super) fn warning(&self) -> Option<&str> {
        self.verification.as_ref()?.warning()
    }

    /// Everything that was checked of an image, its existence first.
    ///
    /// # Errors
    /// When the registry does not have it, or does not say. What the policy says no to is in the result.
    pub(super) async fn checks(
        &self,
        policy: &Policy,
        candidate: &Candidate,
        known: Known<'_>,
    ) -> eyre::Result<Vec<Check>> {
        let digest = candidate.image.digest;
        let mut checks = vec![self.existence(candidate).await?];
        let mut evidence = Evidence {
            soaked: known
                .history
                .and_then(|history| policy::soaked(history, digest, now())),
            ..Evidence::default()
        };
        if let Some(verification) = &self.verification {
            let found = verification
                .check(&image(candidate), &policy.attestations)
                .await?;
            evidence.signature = Some(found.signature);
            evidence.attestations = found.attestations;
        }
        for name in &policy.checks {
            let found = match known.platform {
                Some(platform) => platform.check(&candidate.source.commit, name).await,
                None => Ok(Err(UNASKED.to_owned())),
            };
            // That nobody knows is a no.
            let found = found.unwrap_or_else(|error| Err(error.to_string()));
            evidence.checks.insert(name.clone(), found);
        }
        checks.extend(policy::checks(policy, &candidate.service, &evidence));
        Ok(checks)
    }

    async fn existence(&self, candidate: &Candidate) -> eyre::Result<Check> {
        let service = &candidate.service;
        let image = image(candidate);
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

fn image(candidate: &Candidate) -> Reference {
    let repository = candidate.image.repository.clone();
    repository
        .without_tag_and_digest()
        .with_digest(candidate.image.digest)
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
