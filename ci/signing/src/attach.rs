//! Attaching signatures to images: bundles as referrers (OCI 1.1), legacy signatures under a tag made of the digest.
//!
//! What is attached twice is there once. Whether something should be attached is left to others.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_http::Bytes;
use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, Manifest as Document, Reference};
use ci_registry::{Change, Client, Manifest};
use serde::Serialize;
use sigstore_sign::crypto::parse_certificate_info;
use sigstore_sign::types::Bundle;

use crate::error::Error;
use crate::legacy::Legacy;

/// Media type of a bundle, and type of the artifact that holds one.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Says what a bundle holds.
const CONTENT: &str = "dev.sigstore.bundle.content";
/// Says what a bundle states.
pub const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
const CREATED: &str = "org.opencontainers.image.created";
/// A config that says nothing (OCI image specification, "Guidance for an Empty Descriptor").
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";

/// A bundle on its way to be attached.
#[derive(Debug, Clone)]
pub struct Attachment {
    manifest: Manifest,
    bundle: Descriptor,
    bytes: Bytes,
}

impl Attachment {
    /// A bundle that states something of `predicate_type` about `image`.
    ///
    /// # Errors
    /// None in practice; JSON could not be written.
    pub fn new(image: &Descriptor, predicate_type: &str, bundle: &Bundle) -> Result<Self, Error> {
        let bytes = json("the bundle", bundle)?;
        let layer = Descriptor::of(BUNDLE, &bytes);
        let mut annotations = BTreeMap::from([
            (CONTENT.to_owned(), "dsse-envelope".to_owned()),
            (PREDICATE_TYPE.to_owned(), predicate_type.to_owned()),
        ]);
        if let Some(created) = created(bundle) {
            annotations.insert(CREATED.to_owned(), created);
        }
        // Of the image's descriptor only what identifies it: tools compare the rest.
        let subject = Descriptor::new(&image.media_type, image.digest, image.size);
        let manifest = Document {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            artifact_type: Some(BUNDLE.to_owned()),
            config: Descriptor::of(EMPTY_TYPE, EMPTY),
            layers: vec![layer.clone()],
            subject: Some(subject),
            annotations,
        };
        Ok(Self {
            manifest: Manifest::new(media_type::OCI_MANIFEST, json("the manifest", &manifest)?),
            bundle: layer,
            bytes: bytes.into(),
        })
    }

    /// The digest of the manifest that is attached.
    pub fn digest(&self) -> Digest {
        self.manifest.descriptor.digest
    }
}

/// Attaches bundles to `image`, in `reference`'s repository.
///
/// # Errors
/// As [`Client::attach`].
pub async fn attach_bundles(
    client: &Client,
    reference: &Reference,
    image: Digest,
    attachments: &[Attachment],
) -> Result<(), Error> {
    let empty = Descriptor::of(EMPTY_TYPE, EMPTY);
    let bundles = attachments
        .iter()
        .map(|one| (&one.bundle, one.bytes.clone()));
    for (descriptor, bytes) in bundles.chain([(&empty, Bytes::from_static(EMPTY))]) {
        client
            .push_blob(reference, descriptor, Arc::new(bytes), None)
            .await?;
    }
    let manifests: Vec<Manifest> = attachments.iter().map(|one| one.manifest.clone()).collect();
    client.attach(reference, image, &manifests).await?;
    Ok(())
}

/// Attaches a legacy signature to `image`, beside those that are there, and gives the digest of the manifest that holds them all.
///
/// # Errors
/// As [`Client::change_tag`]; the tag names something else than signatures.
pub async fn attach_legacy(
    client: &Client,
    reference: &Reference,
    image: Digest,
    signature: &Legacy,
) -> Result<Digest, Error> {
    let tag = legacy_tag(reference, image)?;
    let ours = signature.layer();
    let payload = Bytes::copy_from_slice(signature.payload());
    // Ours, and those that others put there meanwhile and others wrote over.
    let mut seen = vec![ours.clone()];
    let mut digest = None;
    client
        .change_tag(&tag, |there| {
            let mut document = match there {
                Some(there) => signatures(&tag, there)?,
                None => Document {
                    schema_version: 2,
                    media_type: Some(media_type::OCI_MANIFEST.to_owned()),
                    artifact_type: None,
                    config: Descriptor::of(media_type::OCI_CONFIG, EMPTY),
                    layers: Vec::new(),
                    subject: None,
                    annotations: BTreeMap::new(),
                },
            };
            digest = there.map(|there| there.descriptor.digest);
            let lost = seen.iter().filter(|one| !document.layers.contains(one));
            let lost: Vec<Descriptor> = lost.cloned().collect();
            let new = document.layers.iter().filter(|one| !seen.contains(one));
            let new: Vec<Descriptor> = new.cloned().collect();
            seen.extend(new);
            if lost.is_empty() {
                return Ok(None);
            }
            document.layers.extend(lost);
            let config = config(&document.layers)?;
            document.config = Descriptor::of(&document.config.media_type, &config);
            let kind = document.media_type.as_deref();
            let kind = kind.unwrap_or(media_type::OCI_MANIFEST);
            Ok::<_, Error>(Some(Change {
                manifest: Manifest::new(kind, json("the manifest", &document)?),
                blobs: vec![
                    (ours.clone(), payload.clone()),
                    (document.config, config.into()),
                ],
            }))
        })
        .await?;
    // Nothing was missing when it was read last: it was there.
    digest.ok_or_else(|| occupied(&tag, "it vanished"))
}

/// Where an image's legacy signatures are.
///
/// # Errors
/// None in practice.
pub fn legacy_tag(reference: &Reference, image: Digest) -> Result<Reference, Error> {
    let tag = format!("sha256-{}.sig", image.hex());
    let place = reference.clone().without_tag_and_digest();
    place.with_tag(&tag).map_err(|error| Error::Occupied {
        place: format!("{}:{tag}", reference.name()),
        problem: error.to_string(),
    })
}

/// The manifest under the tag, if it holds signatures: nobody's image is written over.
fn signatures(tag: &Reference, manifest: &Manifest) -> Result<Document, Error> {
    let document: Document = serde_json::from_slice(&manifest.bytes)
        .map_err(|error| occupied(tag, &error.to_string()))?;
    let foreign = document
        .layers
        .iter()
        .find(|layer| layer.media_type != crate::legacy::LAYER);
    match foreign {
        None => Ok(document),
        Some(layer) => Err(occupied(
            tag,
            &format!("a layer is of type {:?}", layer.media_type),
        )),
    }
}

fn occupied(tag: &Reference, problem: &str) -> Error {
    Error::Occupied {
        place: tag.to_string(),
        problem: problem.to_owned(),
    }
}

/// The config of an image that is none: tools that take it for one find its layers.
fn config(layers: &[Descriptor]) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    struct Config {
        architecture: &'static str,
        os: &'static str,
        config: BTreeMap<(), ()>,
        rootfs: RootFs,
    }
    #[derive(Serialize)]
    struct RootFs {
        #[serde(rename = "type")]
        kind: &'static str,
        diff_ids: Vec<Digest>,
    }
    let config = Config {
        architecture: "",
        os: "",
        config: BTreeMap::new(),
        rootfs: RootFs {
            kind: "layers",
            diff_ids: layers.iter().map(|layer| layer.digest).collect(),
        },
    };
    json("the config", &config)
}

/// When a bundle was made, as its certificate or its log says; no clock of ours is asked.
fn created(bundle: &Bundle) -> Option<String> {
    let certificate = bundle.signing_certificate();
    let issued = certificate.and_then(|one| parse_certificate_info(one).ok());
    let entries = &bundle.verification_material.tlog_entries;
    let logged = || entries.iter().find_map(|entry| entry.integrated_time);
    let time = issued.map(|info| info.not_before).or_else(logged)?;
    Some(time.to_string())
}

fn json(what: &'static str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|source| Error::Json { what, source })
}
