//! What is known of a plan's services before anything is built, and what of it still holds afterwards.

use std::sync::Arc;

use ci_catalog::{Name, Platform};

use super::Prepared;
use super::release::Release;
use crate::context::Context;
use crate::stages::fingerprint::{self, Marks};
use crate::stages::plan::{Plan, Planned};
use crate::stages::{Request, bases, reuse};

/// What is known before anything is built.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Images that are not built.
    reused: reuse::Images,
    /// The fingerprints they were found by; of builds without `--reuse`, only what contents tell.
    before: Marks,
}

impl Known {
    /// Finds out what `request` asks for.
    ///
    /// # Errors
    /// As [`reuse::find`].
    pub(crate) async fn of(
        ctx: &Context,
        plan: &Plan<'_>,
        request: &Request,
    ) -> eyre::Result<Self> {
        if !request.reuse {
            return Ok(Self {
                before: fingerprint::of_contents(ctx, plan).await,
                ..Self::default()
            });
        }
        let before = fingerprint::of_build(ctx, plan).await;
        Ok(Self {
            reused: reuse::find(ctx, plan, &before).await?,
            before,
        })
    }

    /// Images that are not built.
    pub(crate) fn reused(&self) -> &reuse::Images {
        &self.reused
    }

    /// Whether a service is not built.
    pub(super) fn is_reused(&self, name: &Name) -> bool {
        self.reused.contains_key(name)
    }

    /// The releases of the services that are not built.
    pub(super) async fn releases<'a>(
        &self,
        ctx: &Context,
        plan: &'a Plan<'a>,
    ) -> eyre::Result<Vec<(&'a Planned<'a>, Release)>> {
        let mut releases = Vec::new();
        for planned in plan.wanted() {
            let name = &planned.service.name;
            let (Some(reused), Ok(fingerprint)) = (self.reused.get(name), self.before.get(name))
            else {
                continue;
            };
            let bases = fingerprint::bases(ctx.project(), planned)?;
            let bases = bases::pin(ctx, planned, bases).await?.into_iter().collect();
            releases.push((planned, Release::reused(reused, fingerprint, bases)));
        }
        Ok(releases)
    }

    /// The fingerprints of what was built. A file that somebody wrote meanwhile may be in an image as it was before, or as it is now:
    /// then there are none.
    pub(super) async fn after(&self, ctx: &Context, plan: &Plan<'_>) -> Marks {
        let after = fingerprint::of_build(ctx, plan).await;
        if after.has_contents_of(&self.before) {
            return after;
        }
        let message = "files changed while they were built: the images have no fingerprints";
        ctx.progress()
            .warn(&Arc::from("source"), "FilesChanged", message, None);
        Marks::default()
    }
}

/// What an image was made from, by platform.
pub(super) type Sources = Vec<(Platform, Prepared)>;
