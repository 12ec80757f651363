//! Builds images: services become containers, containers an OCI layout and a release record in the state folder.

pub(crate) mod cargo;
mod dockerfile;
mod extension;
pub(crate) mod failure;
mod known;
mod labels;
mod layout;
mod metadata;
mod prepare;
mod release;
mod scratch;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ci_catalog::Name;
use dagger_sdk::Container;
use futures::future::join_all;

pub(crate) use self::dockerfile::text;
use self::failure::Shared;
pub(crate) use self::known::Known;
use self::known::Sources;
pub(crate) use self::labels::web_address;
pub(crate) use self::layout::FOLDER as LAYOUT;
pub(crate) use self::prepare::{Images, Prepared, images};
pub(crate) use self::release::Release;
pub(crate) use self::target::{container, target};
use super::plan::{Plan, Planned};
use super::record::Record;
use super::{Request, bases, reuse};
use crate::context::Context;
use crate::error::{Exit, UserError};

/// A built image.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The service it is of.
    pub(crate) service: String,
    /// Repository and tag.
    pub(crate) reference: String,
    /// Digest of its manifest, or of its index if it has several platforms.
    pub(crate) digest: String,
    /// Bytes a registry holds of it: its blobs.
    pub(crate) size: u64,
    /// How long the build took; nothing if the image was not built, since its registry has it.
    pub(crate) elapsed: Option<Duration>,
}

/// What a build did.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// The images that were built, also when others failed.
    pub(crate) images: Vec<Image>,
    /// Why services were not built, causes before what they caused.
    pub(crate) failures: Vec<eyre::Report>,
    /// The release record.
    pub(crate) record: serde_json::Value,
}

impl Built {
    /// Whether there was nothing to build, of all that a change may touch.
    pub(crate) fn is_nothing(&self, request: &Request) -> bool {
        request.only.is_some() && self.images.is_empty() && self.failures.is_empty()
    }

    fn add(
        &mut self,
        ctx: &Context,
        plan: &Plan<'_>,
        planned: &Planned<'_>,
        release: &Release,
        elapsed: Option<Duration>,
    ) {
        let reference = planned.reference_of(ctx.catalog(), plan, release.fingerprint);
        let reference = reference.unwrap_or_else(|error| {
            self.failures.push(error.into());
            planned.reference()
        });
        self.images.push(Image {
            service: planned.service.name.to_string(),
            reference,
            digest: release.descriptor.digest.to_string(),
            size: release.size,
            elapsed,
        });
    }
}

/// Builds the services of `request` and writes images and record to the state folder.
pub(crate) async fn run(ctx: &Context, request: &Request) -> eyre::Result<Built> {
    let plan = Plan::of(ctx.project(), request)?;
    bases::review(ctx.project(), ctx.progress(), &plan, request.locked)?;
    let known = Known::of(ctx, &plan, request).await?;
    let images = images(ctx, &plan, known.reused());
    all(ctx, &plan, &images, known).await
}

/// Builds the services of a plan, from images that the caller can use further: nothing is made twice.
pub(crate) async fn all(
    ctx: &Context,
    plan: &Plan<'_>,
    images: &Images<'_>,
    known: Known,
) -> eyre::Result<Built> {
    warn(ctx, plan);
    scratch::sweep(&layout::scratch(ctx))?;
    let to_build = || {
        plan.wanted()
            .filter(|it| !known.is_reused(&it.service.name))
    };
    let releases = to_build().map(|planned| timed(ctx, planned, images));
    let results = join_all(releases).await;
    let marks = known.after(ctx, plan).await;

    let mut built = Built::default();
    let mut released = known.releases(ctx, plan).await?;
    for (planned, release) in &released {
        built.add(ctx, plan, planned, release, None);
    }
    let mut failed: BTreeMap<Name, Shared> = BTreeMap::new();
    for (planned, (result, elapsed)) in to_build().zip(results) {
        match result {
            Ok((mut release, sources)) => {
                release.fingerprint = marks.confirm(ctx, planned, &sources).ok();
                built.add(ctx, plan, planned, &release, Some(elapsed));
                released.push((planned, release));
            }
            Err(error) => {
                failed.insert(planned.service.name.clone(), error);
            }
        }
    }
    built.images.sort_by(|a, b| a.service.cmp(&b.service));
    built.failures.extend(failures(plan, &failed));
    let record = Record::of(ctx, plan, &released)?;
    built.record = serde_json::to_value(record.write(ctx, plan).await?)?;
    if released.iter().any(|(_, release)| release.is_new) {
        layout::tidy(ctx).await?;
    }
    Ok(built)
}

/// The image of one service for this machine's platform, without building it.
pub(crate) async fn image(ctx: &Context, service: &str) -> eyre::Result<Container> {
    let request = Request {
        services: vec![service.to_owned()],
        ..Request::default()
    };
    let plan = Plan::of(ctx.project(), &request)?;
    let images = images(ctx, &plan, &reuse::Images::new());
    let planned = plan
        .wanted()
        .find(|planned| planned.service.name.as_str() == service)
        .ok_or_else(|| eyre::eyre!("{service} was not planned"))?;
    let prepared = prepare::of(planned, &images).await?;
    let first = prepared.into_iter().next();
    let (_, first) = first.ok_or_else(|| eyre::eyre!("{service} has no platform"))?;
    Ok(first.container)
}

/// A release, and what it was made from.
type Made = (Release, Sources);

async fn timed(
    ctx: &Context,
    planned: &Planned<'_>,
    images: &Images<'_>,
) -> (Result<Made, Shared>, Duration) {
    let began = Instant::now();
    let release = async {
        let prepared = prepare::of(planned, images).await?;
        let release = release::release(ctx, planned, prepared.clone()).await;
        Ok((release.map_err(Shared::from)?, prepared))
    };
    (release.await, began.elapsed())
}

/// What images cannot tell of their source.
fn warn(ctx: &Context, plan: &Plan<'_>) {
    let warn = |rule, message| {
        ctx.progress()
            .warn(&Arc::from("source"), rule, message, None)
    };
    let checkout = plan.checkout;
    if let Some(reason) = &checkout.unknown {
        warn("NoCommit", format!("images carry no commit: {reason}"));
    } else if checkout.dirty {
        let commit: String = checkout.commit.chars().take(7).collect();
        let message = format!(
            "there are uncommitted changes: images carry commit {commit}, but are not built from it alone"
        );
        warn("UncommittedChanges", message);
    }
}

/// What is said of failed services, causes first. An error that several of them share is told once.
fn failures(plan: &Plan<'_>, failed: &BTreeMap<Name, Shared>) -> Vec<eyre::Report> {
    let mut reports = Vec::new();
    let mut told: Vec<(&Name, &Shared)> = Vec::new();
    for planned in plan.wanted() {
        let name = &planned.service.name;
        let Some(error) = failed.get(name) else {
            continue;
        };
        let causes = plan.causes(name);
        let is_shared = |other: &Name| {
            causes.contains(&other) || plan.causes(other).iter().any(|it| causes.contains(it))
        };
        let first = told
            .iter()
            .find(|(other, known)| error.root().ends_with(&known.root()) && is_shared(other));
        reports.push(match first {
            Some((other, _)) if causes.contains(other) => {
                let message = format!("cannot build {name}: {other}, whose image it reads, failed");
                UserError::new(Exit::Failed, message).into()
            }
            Some((other, _)) => {
                let message = format!("cannot build {name}: it fails as {other} does");
                UserError::new(Exit::Failed, message).into()
            }
            None => eyre::Report::from(error.clone()).wrap_err(format!("cannot build {name}")),
        });
        told.push((name, error));
    }
    reports
}

#[cfg(test)]
mod tests;
