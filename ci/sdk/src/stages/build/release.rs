//! From containers to an image in the layout: what is there already is neither exported nor read again.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ci_catalog::Platform;
use ci_catalog::fingerprint::Fingerprint;
use ci_oci::{Descriptor, Digest};
use dagger_sdk::{Container, ContainerAsTarballOptsBuilder, File};

use super::dockerfile::text;
use super::extension;
use super::failure::Call;
use super::layout::{self, Stored};
use super::prepare::Prepared;
use super::scratch::Scratch;
use crate::context::Context;
use crate::stages::bases::Pinned;
use crate::stages::files;
use crate::stages::plan::Planned;
use crate::stages::reuse::Reused;

/// An image in the layout.
#[derive(Debug)]
pub(crate) struct Release {
    /// Points at its manifest, or at the index of several.
    pub(crate) descriptor: Descriptor,
    /// Its manifests by platform, in the order of the catalog.
    pub(crate) platforms: Vec<Variant>,
    /// The images of registries it stands on, on all platforms.
    pub(crate) bases: BTreeSet<Pinned>,
    /// Bytes of its blobs.
    pub(crate) size: u64,
    /// Of everything it was made of, where that is known.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Whether it was not in the layout before.
    pub(crate) is_new: bool,
    /// Whether it was not built, since its registry has it. Then it is not in the layout.
    pub(crate) is_reused: bool,
}

impl Release {
    /// The image that a registry has. `bases` are what it would be built on, and was.
    pub(super) fn reused(
        reused: &Reused,
        fingerprint: Fingerprint,
        bases: BTreeSet<Pinned>,
    ) -> Self {
        let variant = |(platform, digest, size): &(Platform, Digest, u64)| Variant {
            platform: platform.clone(),
            digest: *digest,
            size: *size,
            sbom: None,
        };
        Self {
            descriptor: reused.descriptor.clone(),
            platforms: reused.platforms.iter().map(variant).collect(),
            bases,
            size: reused.size,
            fingerprint: Some(fingerprint),
            is_new: false,
            is_reused: true,
        }
    }
}

/// The image of one platform.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) platform: Platform,
    pub(crate) digest: Digest,
    /// Bytes of its blobs.
    pub(crate) size: u64,
    /// Its bill of materials: the path from the catalog's root, and the digest.
    pub(crate) sbom: Option<(PathBuf, Digest)>,
}

/// Builds the image of a service and puts it into the layout.
pub(super) async fn release(
    ctx: &Context,
    planned: &Planned<'_>,
    prepared: Vec<(Platform, Prepared)>,
) -> eyre::Result<Release> {
    let containers = prepared.iter().map(|(_, image)| annotated(image));
    let tarball = tarball(containers).await?;
    let digest = tarball.digest().await.told()?;
    let name = planned.service.name.as_str();
    let platforms: Vec<Platform> = prepared.iter().map(|(it, _)| it.clone()).collect();
    let (stored, is_new) = match layout::find(ctx, name, &digest, &platforms).await? {
        Some(stored) => (stored, false),
        None => (
            export(ctx, name, &tarball, &digest, &platforms).await?,
            true,
        ),
    };
    let Stored {
        descriptor,
        size,
        variants,
    } = stored;
    let mut platforms = Vec::new();
    let mut bases = BTreeSet::new();
    let is_one = prepared.len() == 1;
    for ((platform, image), (digest, size)) in prepared.into_iter().zip(variants) {
        bases.extend(image.bases);
        let sbom = match image.sbom {
            Some(path) => Some(publish_sbom(ctx, name, &platform, is_one, &path)?),
            None => None,
        };
        platforms.push(Variant {
            platform,
            digest,
            size,
            sbom,
        });
    }
    Ok(Release {
        descriptor,
        platforms,
        bases,
        size,
        fingerprint: None,
        is_new,
        is_reused: false,
    })
}

/// As it is published. Whoever reads the image while it is built sees none of the annotations.
fn annotated(image: &Prepared) -> Container {
    let container = image.container.clone();
    let annotations = image.annotations.iter();
    annotations.fold(container, |container, (name, value)| {
        container.with_annotation(*name, value)
    })
}

/// The image of all platforms as one file.
async fn tarball(mut containers: impl Iterator<Item = Container>) -> eyre::Result<File> {
    let first = containers
        .next()
        .ok_or_else(|| eyre::eyre!("an image needs a platform"))?;
    let mut variants = Vec::new();
    for container in containers {
        variants.push(container.id().await.told()?);
    }
    let mut options = ContainerAsTarballOptsBuilder::default();
    if !variants.is_empty() {
        options.platform_variants(variants);
    }
    Ok(first.as_tarball_opts(options.build()?))
}

/// Brings the image from the engine into the layout: linked by the embedded engine, unpacked from an archive of any other.
async fn export(
    ctx: &Context,
    name: &str,
    tarball: &File,
    digest: &str,
    platforms: &[Platform],
) -> eyre::Result<Stored> {
    let dir = Scratch::new(&layout::scratch(ctx))?;
    let exported = dir.path().join("oci");
    if ctx.engine().is_embedded() {
        extension::export_layout(tarball, text(&exported)?, name)
            .await
            .told()?;
    } else {
        let archive = dir.path().join("image.tar");
        tarball.export(text(&archive)?).await.told()?;
        layout::unpack(&archive, &exported).await?;
    }
    layout::add(ctx, name, &exported, digest, platforms).await
}

/// Puts a bill of materials where people find it.
fn publish_sbom(
    ctx: &Context,
    name: &str,
    platform: &Platform,
    is_one: bool,
    from: &std::path::Path,
) -> eyre::Result<(PathBuf, Digest)> {
    let file = if is_one {
        format!("{name}.cdx.json")
    } else {
        format!("{name}.{}.cdx.json", platform.to_string().replace('/', "-"))
    };
    let path = ctx.state_dir().join("sbom").join(file);
    let bytes = std::fs::read(from)?;
    // Written only when it differs: whoever watches the file sees changes, not builds.
    if std::fs::read(&path).ok().as_deref() != Some(&bytes) {
        files::write(&path, &bytes)?;
    }
    let below = path.strip_prefix(ctx.root()).unwrap_or(&path).to_owned();
    Ok((below, Digest::of(&bytes)))
}
