//! Which packages differ between the image that is pinned and the one that comes: both are read from their registry, in the same way, so
//! that what only one of them could tell is no difference.
//!
//! It is for people who review, and never a reason to fail: what cannot be told, or not soon, is left out.

use std::time::Duration;

use ci_catalog::Platform;
use ci_deployments::review::PackageChange;
use ci_deployments::{Move, Promotion};
use ci_oci::{Digest, Reference};
use ci_sbom::Inventory;

use crate::project::Project;
use crate::stages::sbom;

/// Layers that this checkout does not have are fetched; who reviews does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(90);

/// The packages that differ, service by service.
pub(super) async fn of(project: &Project, promotion: &Promotion) -> Vec<PackageChange> {
    let mut changes = Vec::new();
    for change in &promotion.moves {
        let found = tokio::time::timeout(PATIENCE, one(project, change)).await;
        match found {
            Ok(Ok(found)) => changes.extend(found),
            Ok(Err(error)) => {
                tracing::debug!(
                    "the packages of {} are not compared: {error:#}",
                    change.service
                );
            }
            Err(_) => tracing::debug!("the packages of {} take too long", change.service),
        }
    }
    changes
}

async fn one(project: &Project, change: &Move) -> eyre::Result<Vec<PackageChange>> {
    let after = &change.after.image;
    let Some(before) = change.before.filter(|it| *it != after.digest) else {
        return Ok(Vec::new());
    };
    let service = project.catalog().service(change.service.as_str());
    // What differs on one platform differs on the others, nearly always. None declared: the image has only one.
    let platforms = service
        .map(|it| it.platforms.as_slice())
        .unwrap_or_default();
    let platforms = &platforms[..platforms.len().min(1)];
    let known = change.state.as_ref().filter(|it| it.digest == before);
    let repository = known.map_or(&after.repository, |it| &it.repository);
    let before = inventory(project, repository, before, platforms).await?;
    let after = inventory(project, &after.repository, after.digest, platforms).await?;
    let changes = ci_sbom::diff(&before, &after).into_iter().map(|it| {
        let (before, after) = it.versions();
        PackageChange {
            service: change.service.clone(),
            package: format!("{} {}", it.ecosystem, it.name),
            before,
            after,
        }
    });
    Ok(changes.collect())
}

async fn inventory(
    project: &Project,
    repository: &Reference,
    digest: Digest,
    platforms: &[Platform],
) -> eyre::Result<Inventory> {
    let image = repository
        .clone()
        .without_tag_and_digest()
        .with_digest(digest);
    let described = sbom::of_reference(project, &image, platforms).await?;
    let bom = described.first().map(|it| Inventory::of(&it.bom));
    bom.ok_or_else(|| eyre::eyre!("{image} is for no platform"))
}
