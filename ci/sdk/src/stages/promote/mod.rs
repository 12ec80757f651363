//! `promote` and `rollback`: which digests an environment pins is changed in its deployments repository, a release unit at a time.
//!
//! What is promoted was built and pushed before, or runs in another environment: nothing is ever built here. Each unit is planned,
//! held to the environment's policy and written, and one that is refused does not keep the others. Arguments and how results look
//! are the command line's concern; what a change of a file is, that of [`ci_deployments`].

mod ancestry;
mod environment;
mod evidence;
mod packages;
mod receivers;
mod release;
mod rendered;
mod review;
mod rollback;
mod units;

use ci_catalog::Service;
use ci_deployments::PullRequestRef;
use ci_deployments::review::{Check, Review};
use ci_deployments::{Contents, Move, Promotion, Refused};
use ci_engine::Progress;
use ci_engine::progress::Outcome as StepOutcome;

use self::ancestry::Ancestry;
use self::environment::Source;
use self::evidence::{Known, Witness, verdict};
pub(crate) use self::receivers::Receipt;
use self::receivers::Receivers;
use self::release::Release;
use self::review::Reviewer;
pub(crate) use self::rollback::{Request as RollbackRequest, run as rollback};
use super::deployments::{Deployments, Written, refused};
use crate::error::{Exit, UserError};
use crate::project::Project;

/// What is to be promoted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) environment: String,
    /// Names from the command line; none means everything there is.
    pub(crate) services: Vec<String>,
    /// The environment whose images are taken; absent: the one that the catalog names, else the release record's.
    pub(crate) from: Option<String>,
    /// Whether an older commit may take the place of a newer one.
    pub(crate) force: bool,
    /// Whether what people declined is proposed again.
    pub(crate) reopen: bool,
    /// Whether nothing is to be written.
    pub(crate) dry_run: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Promoted {
    /// One for each unit that got so far as to have a plan.
    pub(crate) changes: Vec<Change>,
    /// Who else got them.
    pub(crate) received: Vec<Receipt>,
    pub(crate) failures: Vec<eyre::Report>,
}

/// A unit's change.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) promotion: Promotion,
    pub(crate) review: Review,
    pub(crate) outcome: Outcome,
    /// What could not be done for it.
    pub(crate) warnings: Vec<String>,
    /// Pull requests that are not needed any more.
    pub(crate) closed: Vec<PullRequestRef>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was only planned.
    Planned,
    /// The environment's policy says no.
    Refused,
    /// The environment has it already.
    Done,
    /// It is on the branch.
    Committed { commit: String },
    /// A pull request is open for it.
    Open { pull: PullRequestRef, is_new: bool },
    /// People closed the pull request for just this.
    Declined { pull: PullRequestRef },
}

/// Promotes.
///
/// # Errors
/// When there is nothing that could be promoted, or the deployments cannot be read. What is refused of single units is in the result.
pub(crate) async fn run(
    project: &Project,
    progress: &Progress,
    request: &Request,
) -> eyre::Result<Promoted> {
    let name = &request.environment;
    let target = Deployments::open(project, name)?.reopening(request.reopen);
    let receivers = Receivers::open(&target, request.dry_run)?;
    let from = source_environment(request, target.declaration.from.as_ref())?;
    let catalog = project.catalog();
    let (origin, known) = match from {
        Some(from) => {
            let known = catalog.services().map(|it| it.name.to_string()).collect();
            (
                Origin::Environment(Source::open(project, from, name)?),
                known,
            )
        }
        None => {
            let release = Release::read(project, name)?;
            let known = release.services(project);
            (Origin::Release(release), known)
        }
    };
    let units = units::of(catalog, &target, &request.services, &known)?;
    if units.is_empty() {
        let message = format!("there is nothing to promote to {name}");
        return Err(UserError::new(Exit::Usage, message)
            .hint("`build` and `push` first, or see that `services` of its deployments does not leave out everything")
            .into());
    }
    let services = || units.iter().flatten().map(|it| &it.name);
    let paths = target.paths(services())?;
    let step = progress.start(&name.as_str().into(), "read deployments", None);
    let contents = target.read(&paths).await;
    step.finish(step_outcome(&contents));
    let contents = contents?;
    let origin = match origin {
        Origin::Environment(source) => Origin::Environment(source.read(&units).await?),
        release @ Origin::Release(_) => release,
    };
    let witness = Witness::new(project, &target.declaration.policy).await?;
    warn(progress, name, witness.warning());
    let promoter = Promoter {
        project,
        request,
        target: &target,
        contents: &contents,
        witness,
    };
    let mut promoted = Promoted::default();
    // One after the other: forges ask for it, and a repository has one turn at a time.
    for unit in &units {
        let Some(first) = unit.first() else { continue };
        let step = progress.start(
            &first.name.as_str().into(),
            format!("promote to {name}"),
            None,
        );
        let result = promoter.unit(unit, &origin).await;
        step.finish(step_outcome(&result));
        match result {
            Ok((change, failure)) => {
                promoted.changes.push(change);
                promoted.failures.extend(failure);
            }
            Err(failure) => promoted
                .failures
                .push(failure.wrap_err(format!("cannot promote {}", first.name))),
        }
    }
    receivers.deliver(progress, &mut promoted).await;
    Ok(promoted)
}

/// The environment that images are taken from, if it is one. What the catalog demands is not another's to change.
fn source_environment<'a>(
    request: &'a Request,
    declared: Option<&'a String>,
) -> Result<Option<&'a String>, UserError> {
    match (&request.from, declared) {
        // Its own pins change nothing there: its receivers get them.
        (Some(asked), _) if *asked == request.environment => Ok(Some(asked)),
        (Some(asked), Some(declared)) if asked != declared => {
            let name = &request.environment;
            let message = format!("{name} gets only what {declared} runs, not what {asked} does");
            Err(UserError::new(Exit::Usage, message)
                .hint(format!("`from` of `[environments.{name}.deploy]` says so")))
        }
        (asked, declared) => Ok(asked.as_ref().or(declared)),
    }
}

/// Where candidates come from.
enum Origin<'a> {
    Release(Release),
    Environment(Source<'a>),
}

/// Everything that is the same for all units.
struct Promoter<'a> {
    project: &'a Project,
    request: &'a Request,
    target: &'a Deployments<'a>,
    contents: &'a Contents,
    witness: Witness,
}

impl Promoter<'_> {
    /// One unit; with the reason if it is refused although it could be done.
    async fn unit(
        &self,
        unit: &[&Service],
        origin: &Origin<'_>,
    ) -> eyre::Result<(Change, Option<eyre::Report>)> {
        let candidates = match origin {
            Origin::Release(release) => release.candidates(unit)?,
            Origin::Environment(source) => source.candidates(unit)?,
        };
        let source = candidates.first().map(|it| &it.source);
        let address = source.and_then(|it| it.repository.as_deref());
        let ancestry = Ancestry::new(self.project, self.target.declaration, address);
        for candidate in &candidates {
            let service = unit.iter().find(|it| it.name.as_str() == candidate.service);
            let running = service.map(|it| self.target.running(it, self.contents));
            if let Some(running) = running.transpose()?.flatten() {
                ancestry.learn(&running, candidate).await;
            }
        }
        let request = ci_deployments::Request {
            environment: self.target.environment.clone(),
            declaration: self.target.declaration,
            unit: unit.iter().map(|it| it.name.clone()).collect(),
            candidates,
            force: self.request.force,
        };
        let plan = |contents: &Contents| ci_deployments::plan(&request, contents, &ancestry);
        let promotion = plan(self.contents).map_err(refused)?;
        let mut checks = Vec::new();
        for change in promotion.moves.iter().filter(|_| !promotion.is_done()) {
            checks.extend(self.checks(change, origin, &ancestry).await?);
        }
        let reviewer = Reviewer {
            project: self.project,
            deployments: self.target,
            ancestry: &ancestry,
            checks: &checks,
            is_of_release: matches!(origin, Origin::Release(_)),
        };
        if let Some(failure) = verdict(self.target.environment, &promotion.unit, &checks) {
            let review = reviewer.review(&promotion).await;
            let change = Change::new(promotion, review, Outcome::Refused);
            return Ok((change, Some(failure.into())));
        }
        let change = apply(
            self.target,
            plan,
            promotion,
            &reviewer,
            self.request.dry_run,
        )
        .await?;
        Ok((change, None))
    }

    async fn checks(
        &self,
        change: &Move,
        origin: &Origin<'_>,
        ancestry: &Ancestry,
    ) -> eyre::Result<Vec<Check>> {
        let policy = &self.target.declaration.policy;
        let history = match origin {
            Origin::Environment(source) if policy.soak_minutes > 0 => {
                Some(source.history(&change.service).await?)
            }
            _ => None,
        };
        let known = Known {
            history: history.as_deref(),
            platform: ancestry.platform(),
        };
        self.witness.checks(policy, &change.after, known).await
    }
}

/// Writes what was planned, unless it is only to be shown.
async fn apply(
    target: &Deployments<'_>,
    plan: impl Fn(&Contents) -> Result<Promotion, Refused>,
    promotion: Promotion,
    reviewer: &Reviewer<'_>,
    dry_run: bool,
) -> eyre::Result<Change> {
    // What is there may still have pull requests that nobody needs.
    if promotion.is_done() && (dry_run || !target.is_reviewed()) {
        return Ok(Change::new(promotion, Review::default(), Outcome::Done));
    }
    if dry_run {
        let review = reviewer.review(&promotion).await;
        return Ok(Change::new(promotion, review, Outcome::Planned));
    }
    let services = promotion.moves.iter().map(|it| &it.service);
    let paths = target.paths(services)?;
    let review = async |promotion: &Promotion| reviewer.review(promotion).await;
    let written = target.write(&paths, plan, review).await?;
    let mut change = Change::of(written);
    change.review = reviewer.known(&change.promotion);
    Ok(change)
}

impl Change {
    fn new(promotion: Promotion, review: Review, outcome: Outcome) -> Self {
        Self {
            promotion,
            review,
            outcome,
            warnings: Vec::new(),
            closed: Vec::new(),
        }
    }

    fn of(written: Written) -> Self {
        let new = |promotion, outcome| Self::new(promotion, Review::default(), outcome);
        match written {
            Written::Done { promotion, closed } => Self {
                closed,
                ..new(promotion, Outcome::Done)
            },
            Written::Committed { promotion, commit } => {
                new(promotion, Outcome::Committed { commit })
            }
            Written::Open {
                promotion,
                pull,
                is_new,
                warnings,
                closed,
            } => Self {
                warnings,
                closed,
                ..new(promotion, Outcome::Open { pull, is_new })
            },
            Written::Declined { promotion, pull } => new(promotion, Outcome::Declined { pull }),
        }
    }
}

/// Says what people should know before anything else.
fn warn(progress: &Progress, environment: &str, warning: Option<&str>) {
    if let Some(warning) = warning {
        progress.warn(&environment.into(), "Verification", warning, None);
    }
}

fn step_outcome<T>(result: &eyre::Result<T>) -> StepOutcome {
    match result {
        Ok(_) => StepOutcome::Done,
        Err(error) => StepOutcome::Failed(error.to_string()),
    }
}
