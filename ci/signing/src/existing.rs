//! What is signed already, by the same signer: verified, never believed.
//!
//! Only what verifies against the signer's own trust root counts. Whatever else is attached, however broken, is passed over: it is
//! somebody else's, and signing beside it does no harm.

use ci_oci::{Descriptor, Digest, Manifest as Document, Reference};
use ci_registry::Client;
use sigstore_sign::types::Bundle;

use crate::attach::{BUNDLE, PREDICATE_TYPE, legacy_tag};
use crate::error::Error;
use crate::legacy::{LAYER, Legacy};
use crate::sign::Attached;
use crate::signer::Signer;
use crate::statement::Statement;
use crate::verify::{self, MAX_BUNDLE, Policy};

/// So many attachments or layers are looked at. Whoever attaches more can at most have us sign again.
const MAX_LOOKED_AT: usize = 500;
/// No payload of a legacy signature is larger, in bytes.
const MAX_PAYLOAD: u64 = 1 << 20;

/// Which of `statements`, all of `image`, are attached to it; each in its place.
pub(crate) async fn bundles(
    client: &Client,
    reference: &Reference,
    image: Digest,
    signer: &Signer,
    statements: &[Statement],
) -> Result<Vec<Option<Attached>>, Error> {
    let mut found: Vec<Option<Attached>> = vec![None; statements.len()];
    let all = client.referrers(reference, image, None).await?;
    for one in all
        .iter()
        .filter(|one| may_state(one, statements))
        .take(MAX_LOOKED_AT)
    {
        let Some(json) = bundle(client, reference, one).await? else {
            continue;
        };
        let policy = Policy::from(signer.signed_by().await?);
        let Ok(verified) = verify::bundle(&json, image, &policy, signer.trust()) else {
            continue;
        };
        if signer.is_logged() && !verified.logged {
            continue;
        }
        for (statement, place) in statements.iter().zip(&mut found) {
            let same = verified.predicate.as_deref() == Some(statement.predicate_type())
                && verified.content == *statement.predicate();
            if same && place.is_none() {
                *place = Some(Attached {
                    manifest: one.digest,
                    already: true,
                    log_index: log_index(&json),
                });
            }
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(found)
}

/// The legacy signature of `image` that `signer` made.
pub(crate) async fn legacy(
    client: &Client,
    reference: &Reference,
    image: Digest,
    signer: &Signer,
) -> Result<Option<Attached>, Error> {
    let tag = legacy_tag(reference, image)?;
    let manifest = match client.resolve(&tag).await {
        Ok(manifest) => manifest,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // What else is under the tag is told when something is to be attached there.
    let Ok(document) = serde_json::from_slice::<Document>(&manifest.bytes) else {
        return Ok(None);
    };
    let layers = document
        .layers
        .iter()
        .filter(|layer| layer.media_type == LAYER);
    for layer in layers.take(MAX_LOOKED_AT) {
        let Some(payload) = blob(client, &tag, layer, MAX_PAYLOAD).await? else {
            continue;
        };
        let signature = Legacy::read(payload, layer.annotations.clone());
        let by = signer.signed_by().await?;
        if signer.verify_legacy(&signature, image, &by).is_ok() {
            return Ok(Some(Attached {
                manifest: manifest.descriptor.digest,
                already: true,
                log_index: signature.log_index(),
            }));
        }
    }
    Ok(None)
}

/// Whether what is attached may be one of the statements, as far as the list tells. Writers differ in what they say there.
fn may_state(attached: &Descriptor, statements: &[Statement]) -> bool {
    match attached.annotations.get(PREDICATE_TYPE) {
        Some(kind) => statements.iter().any(|one| one.predicate_type() == kind),
        None => true,
    }
}

/// The bundle that something attached holds; nothing when it holds something else.
async fn bundle(
    client: &Client,
    reference: &Reference,
    attached: &Descriptor,
) -> Result<Option<Vec<u8>>, Error> {
    let manifest = match client.manifest(reference, attached).await {
        Ok(manifest) => manifest,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let document = serde_json::from_slice::<Document>(&manifest.bytes).ok();
    let layers = document.map(|document| document.layers).unwrap_or_default();
    match layers.iter().find(|layer| layer.media_type == BUNDLE) {
        Some(layer) => blob(client, reference, layer, MAX_BUNDLE).await,
        None => Ok(None),
    }
}

/// A small blob; nothing when it is large or missing.
async fn blob(
    client: &Client,
    reference: &Reference,
    descriptor: &Descriptor,
    limit: u64,
) -> Result<Option<Vec<u8>>, Error> {
    if descriptor.size > limit {
        return Ok(None);
    }
    let mut blob = match client.blob(reference, descriptor, None).await {
        Ok(blob) => blob,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    while let Some(piece) = blob.chunk().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(bytes))
}

fn log_index(json: &[u8]) -> Option<u64> {
    let bundle = Bundle::from_json(std::str::from_utf8(json).ok()?).ok()?;
    let entry = bundle.verification_material.tlog_entries.first()?;
    Some(entry.log_index.get())
}
