//! What a build stands on that it does not make: images, and what named contexts stand for.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_dockerfile::{Base, External};
use ci_oci::Reference;

use super::plan::platform;
use super::{Request, Text, named};
use crate::container::Container;
use crate::error::{Error, Result};
use crate::session::Session;

/// By name as the Dockerfile has it, and platform.
pub(super) struct Externals(BTreeMap<(String, ci_dockerfile::Platform), Arc<Container>>);

impl Externals {
    /// Brings about everything that the needed stages name, all at once.
    pub(super) async fn resolve(
        session: &Arc<Session>,
        request: &Request,
        file: &ci_dockerfile::Plan,
        text: &Text,
    ) -> Result<Self> {
        let resolving = file.externals().iter().map(|external| async move {
            let (name, platform) = match external {
                External::Context { name, platform } => (name, platform),
                External::Image {
                    reference,
                    platform,
                } => (reference, platform),
            };
            let found = bring(session, request, name, &oci(platform)).await;
            let found = found.map_err(|error| match external {
                External::Context { .. } => error.context(format!("context {name}")),
                External::Image { .. } => error.context(place(file, text, name)),
            });
            Ok::<_, Error>(((name.clone(), platform.clone()), found?))
        });
        let all = futures::future::try_join_all(resolving).await?;
        Ok(Self(all.into_iter().collect()))
    }

    /// What a stage stands on.
    pub(super) fn get(
        &self,
        name: &str,
        platform: &ci_dockerfile::Platform,
    ) -> Result<Arc<Container>> {
        let key = (name.to_owned(), platform.clone());
        let found = self.0.get(&key).cloned();
        found.ok_or_else(|| Error::new(format!("nothing was found for {name} ({platform})")))
    }

    /// What a step takes files from. Triggers of images name what nobody knew before, and so nobody can have pinned it.
    pub(super) async fn get_or_pull(
        &self,
        session: &Arc<Session>,
        request: &Request,
        name: &str,
    ) -> Result<Arc<Container>> {
        match self.get(name, &platform(&request.platform)) {
            Ok(found) => Ok(found),
            Err(_) => {
                let found = bring(session, request, name, &request.platform).await?;
                if named::find(&request.contexts, name).is_none() && !name.contains('@') {
                    let message = format!(
                        "{name}, which a trigger (ONBUILD) of an image names, is what its tag means now: a context of this name pins it"
                    );
                    let progress = &session.options.progress;
                    progress.warn(&request.group, "UnpinnedBases", message, None);
                }
                Ok(found)
            }
        }
    }
}

async fn bring(
    session: &Arc<Session>,
    request: &Request,
    name: &str,
    platform: &ci_oci::Platform,
) -> Result<Arc<Container>> {
    match named::find(&request.contexts, name) {
        Some(context) => context.container(session, platform, &request.group).await,
        None => {
            let reference: Reference = name.parse()?;
            session.pull(&reference, platform, &request.group).await
        }
    }
}

/// The line that names an image, and what else it may have meant.
fn place(file: &ci_dockerfile::Plan, text: &Text, name: &str) -> String {
    let stages = file.needed().iter().filter_map(|id| file.stage(*id));
    let line = stages
        .filter(|stage| matches!(&stage.base, Base::Image { reference, .. } if reference == name))
        .map(|stage| stage.span.first_line)
        .min();
    let meant = match file.nearest_stage(name) {
        Some(stage) => format!(" (did you mean the stage {stage}?)"),
        None => String::new(),
    };
    match line.map(|line| text.source(line)) {
        Some(source) => format!("{source}{meant}"),
        None => format!("{}: {name}{meant}", text.name),
    }
}

/// A platform of the Dockerfile language as images have it.
pub(super) fn oci(platform: &ci_dockerfile::Platform) -> ci_oci::Platform {
    ci_oci::Platform::new(&platform.os, &platform.arch, platform.variant.as_deref())
}
