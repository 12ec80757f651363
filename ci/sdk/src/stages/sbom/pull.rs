//! An image of a registry, brought where it can be read: into the checkout's own layout, without a name there. What the layout has is not
//! fetched again, and what was fetched goes with the next build.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use ci_oci::manifest::{Document, MAX_DOCUMENT};
use ci_oci::{Descriptor, ImageConfig, Layout, Platform, Reference};
use ci_registry::Client;

use crate::error::{Exit, UserError};
use crate::registries;

/// Fetches the image of every platform that is wanted, or of all: the platforms, and what points at their manifests.
///
/// # Errors
/// When it is not there, not for us, or not for a platform that is wanted.
pub(super) async fn pull(
    client: &Client,
    reference: &Reference,
    wanted: &[Platform],
    layout: &Layout,
) -> eyre::Result<Vec<(Platform, Descriptor)>> {
    let top = client
        .resolve(reference)
        .await
        .map_err(registries::failure)?;
    let manifests = match Document::parse(&top.descriptor.media_type, &top.bytes)? {
        Document::Manifest(_) => vec![top.descriptor],
        Document::Index(index) => index.manifests.into_iter().filter(is_offer).collect(),
    };
    let mut pulled: Vec<(Platform, Descriptor)> = Vec::new();
    for descriptor in manifests {
        if descriptor
            .platform
            .as_ref()
            .is_some_and(|it| !is_wanted(wanted, it))
        {
            continue;
        }
        let platform = image(client, reference, &descriptor, layout).await?;
        if is_wanted(wanted, &platform) && pulled.iter().all(|(other, _)| *other != platform) {
            pulled.push((platform, descriptor));
        }
    }
    let lacks = |platform: &&Platform| pulled.iter().all(|(other, _)| other != *platform);
    match wanted.iter().find(lacks) {
        Some(platform) => {
            let message = format!("{reference} is not for {platform}");
            Err(UserError::new(Exit::Usage, message).into())
        }
        None => Ok(pulled),
    }
}

/// Whether an index offers an image; builders put what they say about images beside them.
fn is_offer(descriptor: &Descriptor) -> bool {
    let platform = descriptor.platform.as_ref();
    platform.is_none_or(|it| it.os != "unknown" && it.architecture != "unknown")
}

fn is_wanted(wanted: &[Platform], platform: &Platform) -> bool {
    wanted.is_empty() || wanted.contains(platform)
}

/// Fetches the image of a manifest; what it runs on.
async fn image(
    client: &Client,
    reference: &Reference,
    descriptor: &Descriptor,
    layout: &Layout,
) -> eyre::Result<Platform> {
    let manifest = client.manifest(reference, descriptor).await;
    let bytes = manifest.map_err(registries::failure)?.bytes;
    let Document::Manifest(manifest) = Document::parse(&descriptor.media_type, &bytes)? else {
        return Err(eyre::eyre!("{reference} is an index of indexes"));
    };
    layout.put_verified(descriptor, &mut &bytes[..])?;
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        if !layout.has(&blob.digest)? {
            fetch(client, reference, blob, layout).await?;
        }
    }
    if manifest.config.size > MAX_DOCUMENT {
        return Err(eyre::eyre!("the config of {reference} is too large"));
    }
    let config = layout.read_blob(&manifest.config)?;
    Ok(ImageConfig::parse(&config)?.platform())
}

async fn fetch(
    client: &Client,
    reference: &Reference,
    descriptor: &Descriptor,
    layout: &Layout,
) -> eyre::Result<()> {
    // It has no name, so nothing is left of it whatever happens.
    let mut file = tempfile::tempfile_in(layout.path().parent().unwrap_or(Path::new(".")))?;
    let mut blob = client
        .blob(reference, descriptor, None)
        .await
        .map_err(registries::failure)?;
    while let Some(piece) = blob.chunk().await.map_err(registries::failure)? {
        file.write_all(&piece)?;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(layout.put_verified(descriptor, &mut file)?)
}
