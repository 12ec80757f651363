//! After an image is pushed: the entry by which others find it, who are about to build from the same inputs ([`crate::stages::reuse`]).

use std::sync::Arc;

use ci_engine::Progress;
use ci_oci::Reference;
use ci_registry::{Client, Error, Manifest, Moving};

use super::image::Image;
use super::work::Work;
use crate::stages::reuse;

/// Makes an image findable. That it cannot be found is no failure: it is built again.
pub(super) async fn add(client: &Client, progress: &Progress, work: &Work, image: &Image) {
    if let Err(problem) = try_add(client, work, image).await {
        let group = Arc::from(work.service.as_str());
        let message = format!("what was pushed will not be reused: {problem}");
        progress.warn(&group, "NotReusable", message, None);
    }
}

async fn try_add(client: &Client, work: &Work, image: &Image) -> eyre::Result<()> {
    let (Some(fingerprint), Some(top)) = (&work.fingerprint, image.top()) else {
        return Ok(());
    };
    let entry = reuse::entry(&top.descriptor, fingerprint)?;
    let tag = reuse::reuse_tag(fingerprint);
    let tagged = work.repository.clone().with_tag(&tag)?;
    match client.push_tag(&tagged, &entry, Moving::Refuse).await {
        // An image of the same inputs was there first, and stays as long as it is there.
        Err(Error::TagTaken { .. }) if leads_somewhere(client, &tagged).await => Ok(()),
        Err(Error::TagTaken { .. }) => replace(client, &tagged, &entry).await,
        other => Ok(other.map(drop)?),
    }
}

/// Whether the image of an entry is there.
async fn leads_somewhere(client: &Client, tagged: &Reference) -> bool {
    let Ok(found) = client.resolve(tagged).await else {
        return false;
    };
    let Ok(image) = reuse::image_of(&found) else {
        return false;
    };
    let image = tagged
        .clone()
        .without_tag_and_digest()
        .with_digest(image.digest);
    client.digest(&image).await.is_ok()
}

async fn replace(client: &Client, tagged: &Reference, entry: &Manifest) -> eyre::Result<()> {
    client.push_tag(tagged, entry, Moving::Allow).await?;
    Ok(())
}
