//! Everything that is attached to an image, as it is in the registry; nothing is believed yet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use ci_oci::manifest::Document;
use ci_oci::{Descriptor, Digest, Manifest, Reference};
use ci_registry::{Client, Error};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::verify::{Layer, MAX_BUNDLE};

/// Media types of bundles begin so, those of artifacts and of layers alike.
pub(crate) const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle";
/// More referrers are not read (G5): whoever may attach could make every verification endless.
const MAX_REFERRERS: usize = 1000;
/// So much of bundles is read altogether, in bytes: it is all in memory.
const MAX_BUNDLES: u64 = 256 << 20;
/// As many legacy signatures are read as cosign reads.
const MAX_LAYERS: usize = 1000;
/// No payload of a legacy signature is larger, in bytes.
const MAX_PAYLOAD: u64 = 1 << 20;
/// So many are read at one time.
const AT_ONCE: usize = 8;

/// What is attached to an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The image, or index.
    pub image: Digest,
    /// What refers to it, in the order of the registry's list.
    pub referrers: Vec<Referrer>,
    /// The signatures under the tag `sha256-….sig`.
    pub legacy: Vec<Layer>,
    /// Why there are no more: the list is too long, or under the tag is something else.
    pub problems: Vec<String>,
}

/// An entry of the list of referrers, with what is behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Referrer {
    /// The entry.
    pub descriptor: Descriptor,
    /// What is behind it.
    pub content: Content,
}

/// What refers to an image.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A Sigstore bundle, as JSON.
    Bundle(Vec<u8>),
    /// Something else, or a bundle that cannot be read: why.
    Other(String),
}

/// Reads what is attached to `image` in `reference`'s repository.
///
/// # Errors
/// The registry cannot be asked. What is there and cannot be used is in the result.
pub async fn find(client: &Client, reference: &Reference, image: Digest) -> Result<Found, Error> {
    let mut problems = Vec::new();
    let mut listed = client.referrers(reference, image, None).await?;
    if listed.len() > MAX_REFERRERS {
        let all = listed.len();
        problems.push(format!("of {all} referrers only {MAX_REFERRERS} were read"));
        listed.truncate(MAX_REFERRERS);
    }
    let left = AtomicU64::new(MAX_BUNDLES);
    let referrers = stream::iter(listed)
        .map(async |descriptor| {
            let content = content(client, reference, &descriptor, &left).await?;
            Ok::<_, Error>(Referrer {
                descriptor,
                content,
            })
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(Found {
        image,
        referrers,
        legacy: legacy(client, reference, image, &mut problems).await?,
        problems,
    })
}

async fn content(
    client: &Client,
    reference: &Reference,
    descriptor: &Descriptor,
    left: &AtomicU64,
) -> Result<Content, Error> {
    let other = |why: &str| Ok(Content::Other(why.to_owned()));
    let manifest = match client.manifest(reference, descriptor).await {
        Ok(manifest) => manifest,
        Err(error) if error.is_not_found() => {
            return other("the list names it, and it is not there");
        }
        // Of what is no manifest nothing can be read; others are not the worse for it.
        Err(error @ (Error::Manifest { .. } | Error::Size { .. } | Error::Mismatch { .. })) => {
            return other(&error.to_string());
        }
        Err(error) => return Err(error),
    };
    let Some(manifest) = image(&manifest) else {
        return other("it is an index");
    };
    match manifest.layers.as_slice() {
        [layer] if !layer.media_type.starts_with(BUNDLE_TYPE) => {
            other(&format!("it holds {}", layer.media_type))
        }
        [layer] if layer.size > MAX_BUNDLE => other("the bundle is too large"),
        [layer] if !spend(left, layer.size) => other("more is attached than is read"),
        [layer] => Ok(match blob(client, reference, layer).await? {
            Some(bytes) => Content::Bundle(bytes),
            None => Content::Other("the bundle is not there".to_owned()),
        }),
        layers => other(&format!("it has {} layers, a bundle has one", layers.len())),
    }
}

/// Takes so much of what may still be read, if that is there.
fn spend(left: &AtomicU64, size: u64) -> bool {
    let spent = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(size)
    });
    spent.is_ok()
}

async fn legacy(
    client: &Client,
    reference: &Reference,
    digest: Digest,
    problems: &mut Vec<String>,
) -> Result<Vec<Layer>, Error> {
    let tag = format!("sha256-{}.sig", digest.hex());
    let Ok(tagged) = reference.clone().without_tag_and_digest().with_tag(&tag) else {
        return Ok(Vec::new());
    };
    let manifest = match client.resolve(&tagged).await {
        Ok(manifest) => manifest,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let Some(manifest) = image(&manifest) else {
        problems.push(format!("under the tag {tag} is no image with signatures"));
        return Ok(Vec::new());
    };
    let mut layers = manifest.layers;
    if layers.len() > MAX_LAYERS {
        problems.push(format!(
            "of {} legacy signatures only {MAX_LAYERS} were read",
            layers.len()
        ));
        layers.truncate(MAX_LAYERS);
    }
    let mut signatures = Vec::new();
    // Payloads are often the same: all signatures of an image under one name sign the same.
    let mut payloads: BTreeMap<Digest, Option<Vec<u8>>> = BTreeMap::new();
    for layer in layers {
        if layer.size > MAX_PAYLOAD {
            problems.push(format!(
                "under the tag {tag} is a signature of {} bytes",
                layer.size
            ));
            continue;
        }
        let payload = match payloads.get(&layer.digest) {
            Some(known) => known.clone(),
            None => {
                let read = blob(client, reference, &layer).await?;
                payloads.insert(layer.digest, read.clone());
                read
            }
        };
        match payload {
            Some(payload) => signatures.push(Layer {
                payload,
                annotations: layer.annotations,
            }),
            None => problems.push(format!(
                "under the tag {tag} is a signature whose payload is gone"
            )),
        }
    }
    Ok(signatures)
}

fn image(manifest: &ci_registry::Manifest) -> Option<Manifest> {
    match Document::parse(&manifest.descriptor.media_type, &manifest.bytes) {
        Ok(Document::Manifest(manifest)) => Some(manifest),
        _ => None,
    }
}

/// A small blob; nothing where there is none.
async fn blob(
    client: &Client,
    reference: &Reference,
    descriptor: &Descriptor,
) -> Result<Option<Vec<u8>>, Error> {
    let mut blob = match client.blob(reference, descriptor, None).await {
        Ok(blob) => blob,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    while let Some(piece) = blob.chunk().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(bytes))
}
