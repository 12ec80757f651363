//! A release unit: all its images are in the registry before any of them gets a tag.

use ci_catalog::Tag;
use ci_engine::Progress;
use ci_oci::{Digest, Layout, Reference};
use ci_registry::{Client, Error, Moving, TagState, Tagged};
use futures::future::{join_all, try_join_all};

use super::blobs::Blobs;
use super::image::Image;
use super::work::{Unit, Work};
use super::{Transferred, entry, failed};

/// An image that is in its registry under all its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PushedImage {
    pub(crate) service: String,
    /// Registry and repository.
    pub(crate) repository: String,
    /// Of the manifest, or of the index of several.
    pub(crate) digest: Digest,
    pub(crate) tags: Vec<String>,
    pub(crate) transferred: Transferred,
    /// Whether everything was there, tags included.
    pub(crate) existed: bool,
}

/// Pushes a unit's images, then tags them.
pub(super) async fn push(
    client: &Client,
    layout: &Layout,
    blobs: &Blobs,
    progress: &Progress,
    unit: &Unit,
) -> eyre::Result<Vec<PushedImage>> {
    // Before anything is sent: a tag that is taken ends it.
    let states = join_all(unit.images.iter().map(|work| states(client, work))).await;
    // The first in order, not in time: the same mistake is told in the same words.
    let states = states.into_iter().collect::<eyre::Result<Vec<_>>>()?;
    let mut images = Vec::new();
    for work in &unit.images {
        images.push(if work.is_in_registry {
            Image::of_registry(client, work).await?
        } else {
            Image::read(layout, &work.image)?
        });
    }
    let transfers = unit.images.iter().zip(&images).zip(&states);
    let transfers = transfers.map(|((work, image), states)| async move {
        // What a tag names is there, with all it points at.
        if states.contains(&TagState::Equal) {
            return Ok(None);
        }
        let pushed = image.push(client, layout, blobs, progress, work).await;
        pushed.map(Some)
    });
    let transfers = try_join_all(transfers).await?;
    let tagging = unit.images.iter().zip(&images).zip(&states);
    let tagging = tagging.map(|((work, image), states)| tag(client, work, image, states));
    let tagged = try_join_all(tagging).await?;
    let entries = unit.images.iter().zip(&images);
    join_all(entries.map(|(work, image)| entry::add(client, progress, work, image))).await;
    let pushed = unit.images.iter().zip(transfers).zip(tagged);
    Ok(pushed
        .map(|((work, transferred), is_new)| PushedImage {
            service: work.service.clone(),
            repository: work.repository.name(),
            digest: work.image.digest,
            tags: work.tags.iter().map(|tag| tag.text.clone()).collect(),
            existed: !is_new && transferred.is_none(),
            transferred: transferred.unwrap_or_default(),
        })
        .collect())
}

/// What an image's tags name now; a fixed one that names something else is an error.
async fn states(client: &Client, work: &Work) -> eyre::Result<Vec<TagState>> {
    let asking = work.tags.iter().map(|tag| async move {
        let reference = named(work, tag)?;
        let state = client.tag_state(&reference, work.image.digest).await;
        match state {
            Ok(TagState::Other(there)) if !tag.moving => {
                let tag = reference.to_string();
                let ours = work.image.digest;
                Err(refused(work, Error::TagTaken { tag, there, ours }))
            }
            Ok(state) => Ok(state),
            Err(error) => Err(refused(work, error)),
        }
    });
    try_join_all(asking).await
}

/// Gives an image its tags; whether any of them is new.
async fn tag(
    client: &Client,
    work: &Work,
    image: &Image,
    states: &[TagState],
) -> eyre::Result<bool> {
    let top = image
        .top()
        .ok_or_else(|| eyre::eyre!("the image of {} has no manifest", work.service))?;
    let mut is_new = false;
    for (tag, state) in work.tags.iter().zip(states) {
        if *state == TagState::Equal {
            continue;
        }
        let moving = if tag.moving {
            Moving::Allow
        } else {
            Moving::Refuse
        };
        let tagged = client.push_tag(&named(work, tag)?, top, moving).await;
        let tagged = tagged.map_err(|error| refused(work, error))?;
        is_new |= tagged != Tagged::Already;
    }
    Ok(is_new)
}

fn named(work: &Work, tag: &Tag) -> eyre::Result<Reference> {
    Ok(work.repository.clone().with_tag(&tag.text)?)
}

fn refused(work: &Work, error: Error) -> eyre::Report {
    failed(&format!("cannot push {}", work.service), error)
}
