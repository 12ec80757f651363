//! Containers of a plan for other stages: a service's own, and those of other targets of its Dockerfile.

use std::collections::BTreeMap;

use ci_catalog::{DockerfileBuilder, Name, Platform};
use dagger_sdk::Container;

use super::dockerfile;
use super::prepare::Images;
use crate::context::Context;
use crate::stages::plan::Planned;

/// The container of a service for a platform, as its image is made from.
pub(crate) async fn container(
    planned: &Planned<'_>,
    platform: &Platform,
    images: &Images<'_>,
) -> eyre::Result<Container> {
    of(&planned.service.name, platform, images).await
}

/// What another target of the service's Dockerfile makes; without one, its own.
pub(crate) async fn target(
    ctx: &Context,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
    platform: &Platform,
    images: &Images<'_>,
    target: Option<&str>,
) -> eyre::Result<Container> {
    let mut read = BTreeMap::new();
    for name in planned.service.dependencies() {
        read.insert(name.clone(), of(name, platform, images).await?);
    }
    let builder = DockerfileBuilder {
        target: target.map(str::to_owned).or_else(|| builder.target.clone()),
        ..builder.clone()
    };
    let (container, _) = dockerfile::container(ctx, planned, &builder, platform, &read).await?;
    Ok(container)
}

async fn of(name: &Name, platform: &Platform, images: &Images<'_>) -> eyre::Result<Container> {
    let key = (name.clone(), platform.clone());
    let image = images
        .get(&key)
        .ok_or_else(|| eyre::eyre!("no image of {name} was planned for {platform}"))?;
    Ok(image.clone().await?.container)
}
