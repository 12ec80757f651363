//! From services to containers: each service once per platform, however many others read its image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ci_catalog::{Builder, Name, Platform};
use dagger_sdk::{Container, QueryContainerOptsBuilder};
use futures::FutureExt;
use futures::future::{self, BoxFuture, try_join_all};

use super::failure::Shared;
use super::metadata::Metadata;
use super::{cargo, dockerfile};
use crate::context::Context;
use crate::stages::bases::Pinned;
use crate::stages::plan::{Plan, Planned};
use crate::stages::reuse::{self, Reused};

/// A service's image for one platform, as Dagger functions most of which have not run.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) container: Container,
    /// Bill of materials, where the builder knows one.
    pub(crate) sbom: Option<PathBuf>,
    /// The images of registries it stands on.
    pub(crate) bases: Vec<Pinned>,
    /// Annotations of its manifest.
    pub(crate) annotations: BTreeMap<&'static str, String>,
    /// What a program was compiled from.
    pub(crate) sources: Option<cargo::Inputs>,
}

type Preparing<'a> = future::Shared<BoxFuture<'a, Result<Prepared, Shared>>>;

/// What prepares each image of a plan. Nothing happens before it is awaited, and then once for all who await it.
pub(crate) type Images<'a> = BTreeMap<(Name, Platform), Preparing<'a>>;

/// The images of all services of a plan. Those that are `reused` come from their registries.
pub(crate) fn images<'a>(
    ctx: &'a Context,
    plan: &'a Plan<'a>,
    reused: &reuse::Images,
) -> Images<'a> {
    let mut images = Images::new();
    // Services come after those they read.
    for planned in &plan.services {
        for platform in &planned.needed {
            let read: BTreeMap<Name, Preparing<'a>> = planned
                .service
                .dependencies()
                .filter_map(|name| {
                    let image = images.get(&(name.clone(), platform.clone()))?;
                    Some((name.clone(), image.clone()))
                })
                .collect();
            let reused = reused.get(&planned.service.name).cloned();
            let image = async move {
                let prepared = match reused.filter(|it| it.is_for(platform)) {
                    Some(reused) => pulled(ctx, planned, platform, &reused),
                    None => prepare(ctx, planned, platform, read).await,
                };
                prepared.map_err(Shared::from)
            };
            let key = (planned.service.name.clone(), platform.clone());
            images.insert(key, image.boxed().shared());
        }
    }
    images
}

/// The images of one service, by platform in its order.
pub(super) async fn of(
    planned: &Planned<'_>,
    images: &Images<'_>,
) -> Result<Vec<(Platform, Prepared)>, Shared> {
    let each = planned.platforms.iter().map(|platform| async move {
        let key = (planned.service.name.clone(), platform.clone());
        match images.get(&key) {
            Some(image) => Ok((platform.clone(), image.clone().await?)),
            None => Err(eyre::eyre!("no image was planned for {platform}").into()),
        }
    });
    try_join_all(each).await
}

/// The image as its registry has it.
fn pulled(
    ctx: &Context,
    planned: &Planned<'_>,
    platform: &Platform,
    reused: &Reused,
) -> eyre::Result<Prepared> {
    let options = QueryContainerOptsBuilder::default()
        .platform(dagger_sdk::Platform(platform.to_string()))
        .build()?;
    let query = ctx.query(planned.service.name.as_str());
    Ok(Prepared {
        container: query
            .container_opts(options)
            .from(reused.reference.to_string()),
        sbom: None,
        bases: Vec::new(),
        annotations: BTreeMap::new(),
        sources: None,
    })
}

async fn prepare<'a>(
    ctx: &Context,
    planned: &Planned<'_>,
    platform: &Platform,
    read: BTreeMap<Name, Preparing<'a>>,
) -> eyre::Result<Prepared> {
    let metadata = Metadata::render(ctx.project(), planned, platform)?;
    let read = read
        .into_iter()
        .map(|(name, image)| async move { image.await.map(|image| (name, image.container)) });
    let read = try_join_all(read).await?.into_iter().collect();
    let prepared = match &planned.service.builder {
        Builder::Cargo(builder) => cargo::image(ctx, planned, builder, platform).await?,
        Builder::Dockerfile(builder) => {
            let (container, bases) =
                dockerfile::container(ctx, planned, builder, platform, &read).await?;
            Prepared {
                container,
                sbom: None,
                bases,
                annotations: BTreeMap::new(),
                sources: None,
            }
        }
    };
    Ok(Prepared {
        container: metadata.apply(prepared.container),
        annotations: metadata.annotations(),
        ..prepared
    })
}
