//! `build --reuse`: what its registry has under a service's fingerprint is not built again.
//!
//! Which image that is says an entry (`entry`) in the service's own repository, and nothing else is believed: everything it leads to is
//! read and verified. Whatever is doubtful is built, with a warning. Who may push to the repository may write entries; that is for the
//! registry to decide.

mod entry;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ci_catalog::fingerprint::Fingerprint;
use ci_catalog::{Name, Platform, Service};
use ci_engine::progress::Outcome;
use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::{Client, Config, Error};
use futures::StreamExt;
use futures::stream;

pub(crate) use self::entry::{entry, image_of, reuse_tag};
use super::fingerprint::Marks;
use super::plan::{Plan, Planned};
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::registries;

/// How many entries are asked for at once.
const AT_ONCE: usize = 8;

/// An image that is not built, since its registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reused {
    /// Its repository, and the digest of its manifest or index.
    pub(crate) reference: Reference,
    /// Points at its manifest, or at the index of several.
    pub(crate) descriptor: Descriptor,
    /// Digest and bytes of the image of each platform, in the order of the catalog.
    pub(crate) platforms: Vec<(Platform, Digest, u64)>,
    /// Bytes of all its blobs.
    pub(crate) size: u64,
}

impl Reused {
    /// Whether it has an image for a platform.
    pub(crate) fn is_for(&self, platform: &Platform) -> bool {
        self.platforms.iter().any(|(own, ..)| own == platform)
    }
}

/// Images that are not built.
pub(crate) type Images = BTreeMap<Name, Reused>;

/// Why an image is built although it may be there.
#[derive(Debug, thiserror::Error)]
enum Doubt {
    #[error(transparent)]
    Registry(#[from] Error),
    #[error("{0}")]
    Entry(String),
    #[error("{0}")]
    Fingerprint(String),
}

impl Doubt {
    fn entry(problem: impl Into<String>) -> Self {
        Self::Entry(problem.into())
    }

    /// The same for all who are concerned by the same: a registry that does not answer does not answer anybody.
    fn key(&self, service: &Service) -> String {
        match self {
            Self::Registry(Error::Http(error)) => {
                let host = service.repository.split('/').next().unwrap_or_default();
                format!("{host} {:?}", error.kind())
            }
            other => other.to_string(),
        }
    }
}

/// Asks the registries of a plan's services for what need not be built.
///
/// # Errors
/// When no client can be made of what is declared, or the engine is one whose images have no fingerprints.
pub(crate) async fn find(ctx: &Context, plan: &Plan<'_>, marks: &Marks) -> eyre::Result<Images> {
    if !ctx.engine().is_embedded() {
        let message =
            "`--reuse` is for the embedded engine: what a Dagger engine makes has no fingerprint";
        return Err(UserError::new(Exit::Usage, message)
            .hint("leave it out, or build with `--engine embedded`")
            .into());
    }
    let client = Client::new(without_mirrors(ctx.project().registries().clone()));
    let client = &client.map_err(registries::failure)?;
    let asking = plan.wanted().map(|planned| async move {
        let found = match marks.get(&planned.service.name) {
            Ok(fingerprint) => ask(ctx, client, planned, &fingerprint).await,
            Err(reason) => Err(Doubt::Fingerprint(reason.to_owned())),
        };
        (planned.service, found)
    });
    let answers: Vec<_> = stream::iter(asking)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut images = Images::new();
    let mut doubts: BTreeMap<String, (String, BTreeSet<&str>)> = BTreeMap::new();
    for (service, found) in answers {
        match found {
            Ok(Some(image)) => drop(images.insert(service.name.clone(), image)),
            Ok(None) => {}
            Err(doubt) => {
                let known = doubts.entry(doubt.key(service));
                let (_, names) = known.or_insert_with(|| (doubt.to_string(), BTreeSet::new()));
                names.insert(service.name.as_str());
            }
        }
    }
    for (doubt, names) in doubts.into_values() {
        let names: Vec<&str> = names.into_iter().collect();
        let message = format!("built, not reused: {}: {doubt}", names.join(", "));
        ctx.progress()
            .warn(&Arc::from("reuse"), "NotReused", message, None);
    }
    Ok(images)
}

/// A mirror may have an old entry, or somebody else's.
fn without_mirrors(mut config: Config) -> Config {
    for registry in config.registries.values_mut() {
        registry.mirrors.clear();
    }
    config
}

/// Asks for one service, as a step that people see.
async fn ask(
    ctx: &Context,
    client: &Client,
    planned: &Planned<'_>,
    fingerprint: &Fingerprint,
) -> Result<Option<Reused>, Doubt> {
    let group = super::plan::group(planned.service);
    let name = format!("look for {}", reuse_tag(fingerprint));
    let step = ctx.progress().start(&group, name, None);
    let found = verified(client, planned, fingerprint).await;
    step.finish(match &found {
        Ok(Some(_)) => Outcome::Cached,
        Ok(None) => Outcome::Done,
        // Why is told once, and it is no failure.
        Err(_) => Outcome::Canceled,
    });
    found
}

/// The image under a fingerprint, if there is one and it is what it should be.
async fn verified(
    client: &Client,
    planned: &Planned<'_>,
    fingerprint: &Fingerprint,
) -> Result<Option<Reused>, Doubt> {
    let repository: Reference = planned
        .service
        .repository
        .parse()
        .map_err(|error| Doubt::entry(format!("{error}")))?;
    let tagged = repository
        .clone()
        .with_tag(&reuse_tag(fingerprint))
        .map_err(|error| Doubt::entry(format!("{error}")))?;
    let found = match client.resolve(&tagged).await {
        Ok(found) => found,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let image = entry::read(&found, fingerprint)
        .map_err(|problem| Doubt::entry(format!("{} {problem}", tagged.familiar())))?;
    let reading = verify::Reading {
        client,
        repository: &repository,
    };
    let (platforms, size) = reading
        .image(&image, &planned.platforms)
        .await
        .map_err(|doubt| match doubt {
            Doubt::Entry(problem) => Doubt::entry(format!("{}: {problem}", tagged.familiar())),
            other => other,
        })?;
    Ok(Some(Reused {
        reference: repository.with_digest(image.digest),
        descriptor: image,
        platforms,
        size,
    }))
}
