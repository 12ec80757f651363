//! The OCI layout in the state folder: the images of this checkout's services, each under the service's name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use ci_catalog::Platform;
use ci_oci::manifest::Document;
use ci_oci::{Descriptor, Digest, Layout, archive};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::stages::files;

/// An image in the layout.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Points at its manifest, or at the index of several.
    pub(super) descriptor: Descriptor,
    /// Bytes of all its blobs.
    pub(super) size: u64,
    /// Digest and bytes of the image of each platform that was asked for, in that order.
    pub(super) variants: Vec<(Digest, u64)>,
}

/// Which image an engine's archive held, where its digest does not say so: a Dagger engine's is its own.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Exports(BTreeMap<String, (String, Digest)>);

/// Its name in the state folder.
pub(crate) const FOLDER: &str = "oci";

fn path(ctx: &Context) -> PathBuf {
    ctx.state_dir().join(FOLDER)
}

fn exports(ctx: &Context) -> PathBuf {
    ctx.state_dir().join("exports.json")
}

/// Where images are unpacked on their way into the layout.
pub(super) fn scratch(ctx: &Context) -> PathBuf {
    ctx.state_dir().join("tmp")
}

/// The image of a service, if it is the one that an archive with this digest holds.
pub(super) async fn find(
    ctx: &Context,
    name: &str,
    archive: &str,
    platforms: &[Platform],
) -> eyre::Result<Option<Stored>> {
    let dir = path(ctx);
    let known = files::read_json::<Exports>(&exports(ctx)).unwrap_or_default();
    let digest = match known.0.get(name) {
        Some((of_archive, digest)) if of_archive == archive => Some(*digest),
        // The embedded engine's digest of an archive is that of its image.
        _ => archive.parse().ok(),
    };
    let (Some(digest), true) = (digest, dir.join("oci-layout").is_file()) else {
        return Ok(None);
    };
    let (name, platforms) = (name.to_owned(), platforms.to_vec());
    tokio::task::spawn_blocking(move || {
        let layout = Layout::open(&dir)?;
        let images = layout.images()?;
        let image = images
            .into_iter()
            .find(|(other, image)| other.as_deref() == Some(&*name) && image.digest == digest);
        // A layout that is damaged is filled again.
        Ok(image.and_then(|(_, descriptor)| describe(&layout, descriptor, &platforms).ok()))
    })
    .await?
}

/// Reads an engine's archive into a layout of its own.
pub(super) async fn unpack(archive: &Path, into: &Path) -> eyre::Result<()> {
    let (archive, into) = (archive.to_owned(), into.to_owned());
    tokio::task::spawn_blocking(move || {
        let layout = Layout::create(&into)?;
        archive::read(&mut BufReader::new(File::open(archive)?), &layout)?;
        Ok(())
    })
    .await?
}

/// Puts the only image of the layout `exported` into the checkout's, in place of the one the service had. `archive` is the
/// engine's name for it.
pub(super) async fn add(
    ctx: &Context,
    name: &str,
    exported: &Path,
    archive: &str,
    platforms: &[Platform],
) -> eyre::Result<Stored> {
    let (dir, exported, service) = (path(ctx), exported.to_owned(), name.to_owned());
    let platforms = platforms.to_vec();
    let stored: Stored = tokio::task::spawn_blocking(move || {
        let layout = Layout::create(&dir)?;
        let exported = Layout::open(&exported)?;
        let (_, descriptor) = exported
            .images()?
            .pop()
            .ok_or_else(|| eyre::eyre!("the engine's archive holds no image"))?;
        // Under the service's name from the first moment: two builds may add images at once.
        for blob in blobs(&exported, &descriptor)? {
            layout.put_file(&blob, &exported.blob_path(&blob.digest))?;
        }
        let descriptor = Descriptor {
            annotations: BTreeMap::new(),
            ..descriptor
        };
        layout.set_image(&service, descriptor.clone())?;
        describe(&layout, descriptor, &platforms)
    })
    .await??;
    if stored.descriptor.digest.to_string() != archive {
        let mut known = files::read_json::<Exports>(&exports(ctx)).unwrap_or_default();
        let export = (archive.to_owned(), stored.descriptor.digest);
        known.0.insert(name.to_owned(), export);
        files::write_json(&exports(ctx), &known)?;
    }
    Ok(stored)
}

/// Removes images of services that are no more, and blobs that no image refers to.
pub(super) async fn tidy(ctx: &Context) -> eyre::Result<()> {
    let (dir, ctx) = (path(ctx), ctx.clone());
    tokio::task::spawn_blocking(move || {
        let mut layout = Layout::open(&dir)?;
        for (name, _) in layout.images()? {
            if let Some(name) = name.filter(|name| ctx.catalog().service(name).is_none()) {
                layout.remove_image(&name)?;
            }
        }
        // Nothing is removed while another build writes; its end or the next build does it.
        layout.gc()?;
        Ok(())
    })
    .await?
}

/// The manifests that a descriptor points at: itself, or those of an index.
fn manifests(layout: &Layout, image: &Descriptor) -> eyre::Result<Vec<Descriptor>> {
    match document(layout, image)? {
        Document::Manifest(_) => Ok(vec![image.clone()]),
        Document::Index(index) => Ok(index.manifests),
    }
}

fn document(layout: &Layout, descriptor: &Descriptor) -> eyre::Result<Document> {
    let bytes = layout.read_blob(descriptor)?;
    Ok(Document::parse(&descriptor.media_type, &bytes)?)
}

/// All blobs of an image, documents last: what points at a blob comes after it.
fn blobs(layout: &Layout, image: &Descriptor) -> eyre::Result<Vec<Descriptor>> {
    let mut blobs = BTreeMap::new();
    let mut documents = Vec::new();
    for descriptor in manifests(layout, image)? {
        let Document::Manifest(manifest) = document(layout, &descriptor)? else {
            return Err(eyre::eyre!("an image of one platform is an index itself"));
        };
        for blob in manifest.layers.into_iter().chain([manifest.config]) {
            blobs.insert(blob.digest, blob);
        }
        documents.push(descriptor);
    }
    if documents.iter().all(|it| it.digest != image.digest) {
        documents.push(image.clone());
    }
    let blobs = blobs.into_values().chain(documents);
    Ok(blobs.collect())
}

fn describe(
    layout: &Layout,
    descriptor: Descriptor,
    platforms: &[Platform],
) -> eyre::Result<Stored> {
    let bytes = |image: &Descriptor| -> eyre::Result<u64> {
        Ok(blobs(layout, image)?.iter().map(|blob| blob.size).sum())
    };
    let manifests = manifests(layout, &descriptor)?;
    let mut variants = Vec::new();
    for platform in platforms {
        let platform: ci_oci::Platform = platform.to_string().parse()?;
        let of_platform = manifests
            .iter()
            .find(|it| it.platform.as_ref() == Some(&platform));
        let only = manifests.first().filter(|_| manifests.len() == 1);
        let manifest = of_platform
            .or(only)
            .ok_or_else(|| eyre::eyre!("the engine built no image for {platform}"))?;
        variants.push((manifest.digest, bytes(manifest)?));
    }
    Ok(Stored {
        size: bytes(&descriptor)?,
        descriptor,
        variants,
    })
}
