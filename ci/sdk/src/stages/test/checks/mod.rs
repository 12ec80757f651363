//! The checks that a service brings along: commands that must exit with 0, each in a step of its own, all at the same time.

mod container;
mod host;
mod report;

use std::time::Instant;

use ci_catalog::{Builder, Check as Declared, Platform};
use ci_engine::progress::{Outcome as StepOutcome, Step};
use futures::future::join_all;

use super::tested::{Check, Outcome};
use crate::context::Context;
use crate::error::{Exit, Failure, UserError};
use crate::stages::build::Images;
use crate::stages::plan::{Planned, group};

/// What the checks of a service found, and errors that are not the checks'.
pub(super) struct Checked {
    pub(super) checks: Vec<Check>,
    pub(super) failures: Vec<eyre::Report>,
}

/// Runs all checks of a service. `platform` is what containers run on here; with none of them there is a reason.
pub(super) async fn run(
    ctx: &Context,
    planned: &Planned<'_>,
    images: &Images<'_>,
    platform: &Result<Platform, String>,
) -> Checked {
    let declared = &planned.service.checks;
    let each = declared
        .iter()
        .map(|check| one(ctx, planned, images, platform, check));
    let mut checked = Checked {
        checks: Vec::new(),
        failures: Vec::new(),
    };
    for (check, failure) in join_all(each).await {
        checked.checks.push(check);
        checked.failures.extend(failure);
    }
    checked
}

async fn one(
    ctx: &Context,
    planned: &Planned<'_>,
    images: &Images<'_>,
    platform: &Result<Platform, String>,
    declared: &Declared,
) -> (Check, Option<eyre::Report>) {
    let mut check = Check {
        name: declared.name.to_string(),
        outcome: Outcome::Passed,
        junit: None,
        elapsed: Default::default(),
    };
    if let (Builder::Dockerfile(_), Err(why)) = (&planned.service.builder, platform) {
        check.outcome = Outcome::Skipped(why.clone());
        return (check, None);
    }
    // The engine decides itself how much it runs at once.
    let _slot = match &planned.service.builder {
        Builder::Cargo(_) => ctx.slot().await,
        Builder::Dockerfile(_) => None,
    };
    let began = Instant::now();
    let step = ctx.progress().start(
        &group(planned.service),
        format!("check {}", declared.name),
        None,
    );
    let ran = attempt(ctx, planned, images, platform, declared, &step).await;
    check.elapsed = began.elapsed();
    let mut failure = None;
    match ran {
        Ok(ran) => {
            check.outcome = ran.outcome();
            check.junit = ran.report;
        }
        Err(error) => {
            let why = Failure::of(&error);
            check.outcome = Outcome::Failed(why.message.clone());
            // A check that fails is a result; what keeps it from running is an error of its own.
            if why.exit() != Exit::Failed {
                let message = format!(
                    "cannot run the check {} of {}",
                    declared.name, planned.service.name
                );
                failure = Some(error.wrap_err(message));
            }
        }
    }
    step.finish(match &check.outcome {
        Outcome::Failed(how) => StepOutcome::Failed(how.clone()),
        Outcome::Passed | Outcome::Skipped(_) => StepOutcome::Done,
    });
    (check, failure)
}

async fn attempt(
    ctx: &Context,
    planned: &Planned<'_>,
    images: &Images<'_>,
    platform: &Result<Platform, String>,
    declared: &Declared,
    step: &Step,
) -> eyre::Result<Ran> {
    let place = report::Place::new(ctx, planned.service, declared);
    place.clear()?;
    match (&planned.service.builder, platform) {
        (Builder::Cargo(builder), _) => {
            host::run(ctx, planned.service, builder, declared, &place, step).await
        }
        (Builder::Dockerfile(builder), Ok(platform)) => {
            let target = declared.target.as_deref();
            let container =
                crate::stages::build::target(ctx, planned, builder, platform, images, target)
                    .await?;
            container::run(&container, declared, &place, step).await
        }
        (Builder::Dockerfile(_), Err(why)) => Err(UserError::new(Exit::Failed, why.clone()).into()),
    }
}

/// A command that has ended.
#[derive(Debug)]
struct Ran {
    /// If not with 0: how.
    failed: Option<String>,
    /// The JUnit file that was declared, if it was there.
    report: Option<super::tested::Report>,
    /// Where one was declared and is not there.
    missing: Option<String>,
}

impl Ran {
    fn outcome(&self) -> Outcome {
        match (&self.failed, &self.missing) {
            (Some(how), None) => Outcome::Failed(how.clone()),
            (Some(how), Some(path)) => Outcome::Failed(format!("{how}, and there is no {path}")),
            // Nobody would notice that results have stopped coming.
            (None, Some(path)) => Outcome::Failed(format!("it passed, but there is no {path}")),
            (None, None) => Outcome::Passed,
        }
    }
}
