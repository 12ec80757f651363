//! `rollback`: what an environment pinned before comes back, by the same ways a promotion goes.

use ci_catalog::Service;
use ci_deployments::policy::PastState;
use ci_deployments::{Contents, NoWayBack, Policy, Rollback, RollbackTarget, State};
use ci_engine::Progress;

use super::ancestry::Ancestry;
use super::evidence::{Known, Witness, verdict};
use super::receivers::Receivers;
use super::review::Reviewer;
use super::{Change, Outcome, Promoted, apply, step_outcome, units, warn};
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::deployments::{Deployments, refused};

/// How many states are looked through: with pull requests each one costs two requests.
const MOST: u8 = 30;

/// What is to be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) environment: String,
    /// Names from the command line; none means everything that has a past.
    pub(crate) services: Vec<String>,
    /// The beginning of a digest or commit to go back to; absent: what was pinned before.
    pub(crate) to: Option<String>,
    /// The beginning of the digest or commit that has to be pinned now.
    pub(crate) of: Option<String>,
    /// Whether what people declined is proposed again.
    pub(crate) reopen: bool,
    /// Whether nothing is to be written.
    pub(crate) dry_run: bool,
}

/// Goes back.
///
/// # Errors
/// When there is nothing to go back to, or the deployments cannot be read. What is refused of single units is in the result.
pub(crate) async fn run(
    project: &Project,
    progress: &Progress,
    request: &Request,
) -> eyre::Result<Promoted> {
    let name = &request.environment;
    let target = Deployments::open(project, name)?.reopening(request.reopen);
    let receivers = Receivers::open(&target, request.dry_run)?;
    let catalog = project.catalog();
    let known: Vec<String> = catalog.services().map(|it| it.name.to_string()).collect();
    let units = units::of(catalog, &target, &request.services, &known)?;
    let paths = target.paths(units.iter().flatten().map(|it| &it.name))?;
    // It ran there before: only what may have changed since is looked at.
    let policy = Policy {
        soak_minutes: 0,
        checks: Vec::new(),
        ..target.declaration.policy.clone()
    };
    let witness = Witness::new(project, &policy).await?;
    warn(progress, name, witness.warning());
    let back = Back {
        project,
        request,
        contents: target.read(&paths).await?,
        target: &target,
        policy,
        witness,
    };
    let mut promoted = Promoted::default();
    for unit in &units {
        let Some(first) = unit.first() else { continue };
        let step = progress.start(
            &first.name.as_str().into(),
            format!("roll back in {name}"),
            None,
        );
        let result = back.unit(unit).await;
        step.finish(step_outcome(&result));
        match result {
            Ok(None) => {}
            Ok(Some((change, failure))) => {
                promoted.changes.push(change);
                promoted.failures.extend(failure);
            }
            Err(failure) => promoted
                .failures
                .push(failure.wrap_err(format!("cannot roll back {}", first.name))),
        }
    }
    if promoted.changes.is_empty() && promoted.failures.is_empty() {
        let message = match &request.to {
            Some(to) => NoWayBack::Unknown(to.clone()).to_string(),
            None => NoWayBack::Nothing.to_string(),
        };
        return Err(UserError::new(Exit::Failed, format!("{name}: {message}")).into());
    }
    receivers.deliver(progress, &mut promoted).await;
    Ok(promoted)
}

struct Back<'a> {
    project: &'a Project,
    request: &'a Request,
    target: &'a Deployments<'a>,
    contents: Contents,
    policy: Policy,
    witness: Witness,
}

impl Back<'_> {
    /// One unit; nothing: it was not named, and has no past like that.
    async fn unit(
        &self,
        unit: &[&Service],
    ) -> eyre::Result<Option<(Change, Option<eyre::Report>)>> {
        let mut histories: Vec<Vec<PastState>> = Vec::new();
        for service in unit {
            histories.push(self.target.history(&service.name, MOST).await?);
        }
        let to = match &self.request.to {
            Some(name) => RollbackTarget::Named(name.clone()),
            None => RollbackTarget::Previous,
        };
        let services = match ci_deployments::choose(&histories, &to) {
            Ok(services) => services,
            Err(NoWayBack::Nothing | NoWayBack::Unknown(_)) if self.request.services.is_empty() => {
                return Ok(None);
            }
            Err(error) => return Err(no_way(&error, self.target)),
        };
        self.expect_pinned(&services)?;
        let rollback = Rollback {
            environment: self.target.environment.clone(),
            declaration: self.target.declaration,
            services,
        };
        let plan = |contents: &Contents| ci_deployments::rollback(&rollback, contents);
        let promotion = plan(&self.contents).map_err(refused)?;
        let mut checks = Vec::new();
        for change in promotion.moves.iter().filter(|_| !promotion.is_done()) {
            checks.extend(
                self.witness
                    .checks(&self.policy, &change.after, Known::default())
                    .await?,
            );
        }
        let ancestry = Ancestry::new(self.project, self.target.declaration, None);
        let reviewer = Reviewer {
            project: self.project,
            deployments: self.target,
            ancestry: &ancestry,
            checks: &checks,
            is_of_release: false,
        };
        if let Some(failure) = verdict(self.target.environment, &promotion.unit, &checks) {
            let review = reviewer.review(&promotion).await;
            let change = Change::new(promotion, review, Outcome::Refused);
            return Ok(Some((change, Some(failure.into()))));
        }
        let change = apply(
            self.target,
            plan,
            promotion,
            &reviewer,
            self.request.dry_run,
        )
        .await?;
        Ok(Some((change, None)))
    }

    /// What is to be taken back is what is pinned, if it was named.
    fn expect_pinned(&self, services: &[(State, State)]) -> eyre::Result<()> {
        let Some(of) = &self.request.of else {
            return Ok(());
        };
        let is_meant = |state: &State| {
            let digest = state.digest;
            [digest.to_string(), digest.hex(), state.commit.clone()]
                .iter()
                .any(|it| it.starts_with(of.as_str()))
        };
        let (now, _) = match services {
            [first, ..] => first,
            [] => return Ok(()),
        };
        if of.len() >= 7 && services.iter().any(|(from, _)| is_meant(from)) {
            return Ok(());
        }
        let message = format!(
            "{} pins {} of commit {} for {}, not {of:?}: a promotion came after it",
            self.target.environment, now.digest, now.commit, now.service
        );
        Err(UserError::new(Exit::Failed, message)
            .hint("look at what is pinned now, and leave out `--of` to take that back")
            .into())
    }
}

fn no_way(error: &NoWayBack, target: &Deployments<'_>) -> eyre::Report {
    let exit = match error {
        NoWayBack::Nothing | NoWayBack::Unknown(_) => Exit::Failed,
        _ => Exit::Usage,
    };
    UserError::new(exit, error.to_string())
        .hint(format!(
            "`git log -- {}/{}` in the deployments repository lists what was pinned",
            target.declaration.state, target.environment
        ))
        .into()
}
