//! From any descriptor to the image for one platform, document by document, wherever the documents come from.
//!
//! Who fetches them is the caller's business: a [`Selection`] is handed each document and says which is next. It checks digest and
//! size, bounds the nesting, and takes nothing but images into account: attestations and other artifacts in an index are no offers.

use super::{Document, ManifestError, media_type};
use crate::config::ConfigError;
use crate::{Descriptor, Digest, ImageConfig, Index, Manifest, Platform};

/// Indexes between what was asked for and a manifest (L16).
pub(crate) const MAX_DEPTH: usize = 2;
/// What an error tells of the platforms there are.
const MAX_LISTED: usize = 20;

/// The walk from a descriptor to the manifest for a platform.
#[derive(Debug, Clone)]
pub struct Selection {
    platform: Platform,
    indexes: usize,
}

/// Where a document led to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and for a moment"
)]
pub enum Selected {
    /// To the end: this is the manifest.
    Manifest(Manifest),
    /// To another document: fetch it and hand it in.
    Descriptor(Descriptor),
}

/// Why there is no image for a platform.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// The content is not what its descriptor says (L13, R5).
    #[error("what came is not {expected}: {found}")]
    Damaged {
        /// The digest it should have.
        expected: Digest,
        /// What it is instead.
        found: String,
    },
    /// A manifest or index is refused.
    #[error("{digest}: {source}")]
    Document {
        /// Its digest.
        digest: Digest,
        /// Why.
        source: ManifestError,
    },
    /// A config is refused.
    #[error("{digest}: {source}")]
    Config {
        /// Its digest.
        digest: Digest,
        /// Why.
        source: ConfigError,
    },
    /// A manifest of something else than an image that can be run.
    #[error("{digest} is not the manifest of an image: {why}")]
    NotAnImage {
        /// The manifest.
        digest: Digest,
        /// What speaks against it.
        why: String,
    },
    /// Nothing for this platform.
    #[error("there is no image for {wanted}; there are: {}", listed(offered))]
    NoPlatform {
        /// The platform asked for.
        wanted: Platform,
        /// The platforms there are, each once.
        offered: Vec<Platform>,
    },
    /// Indexes of indexes of indexes (L16).
    #[error("index {0} is nested too deeply")]
    TooDeep(Digest),
}

impl Selection {
    /// The beginning of a walk.
    pub fn new(platform: Platform) -> Self {
        Self {
            platform,
            indexes: 0,
        }
    }

    /// What it looks for.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Reads the content of `document`, the first descriptor or the one given last, and says where it leads.
    ///
    /// # Errors
    /// When the content is not what the descriptor says, when it is refused, and when it leads nowhere.
    pub fn read(&mut self, document: &Descriptor, content: &[u8]) -> Result<Selected, SelectError> {
        document.verify(content)?;
        let parsed = Document::parse(&document.media_type, content);
        match parsed.map_err(|source| SelectError::Document {
            digest: document.digest,
            source,
        })? {
            Document::Manifest(manifest) => Ok(Selected::Manifest(manifest)),
            Document::Index(_) if self.indexes >= MAX_DEPTH => {
                Err(SelectError::TooDeep(document.digest))
            }
            Document::Index(index) => {
                self.indexes += 1;
                choose(&index.manifests, &self.platform)
                    .map(|next| Selected::Descriptor(next.clone()))
            }
        }
    }

    /// Reads the config of the `manifest` behind `descriptor`: an image that runs on the platform, with one diff id for each layer.
    ///
    /// # Errors
    /// When the config is refused, when the manifest is not one of an image, and when its platform is another.
    pub fn image(
        &self,
        descriptor: &Descriptor,
        manifest: &Manifest,
        config: &[u8],
    ) -> Result<ImageConfig, SelectError> {
        let config = image_of_any_platform(descriptor, manifest, config)?;
        let offered = config.platform();
        match self.platform.accepts(&offered) {
            Some(_) => Ok(config),
            None => Err(SelectError::NoPlatform {
                wanted: self.platform.clone(),
                offered: vec![offered],
            }),
        }
    }
}

/// Reads a config as [`Selection::image`] does, whatever its platform: what an image is said to be for does not keep its files from
/// being used.
///
/// # Errors
/// When the config is refused, and when the manifest is not one of an image.
pub fn image_of_any_platform(
    descriptor: &Descriptor,
    manifest: &Manifest,
    config: &[u8],
) -> Result<ImageConfig, SelectError> {
    let not_an_image = |why| SelectError::NotAnImage {
        digest: descriptor.digest,
        why,
    };
    if !media_type::is_config(&manifest.config.media_type) {
        return Err(not_an_image(format!(
            "its config is of type {:?}",
            manifest.config.media_type
        )));
    }
    let mut types = manifest.layers.iter().map(|layer| &layer.media_type);
    if let Some(foreign) = types.find(|media_type| !media_type::is_layer(media_type)) {
        return Err(not_an_image(format!("it has a layer of type {foreign:?}")));
    }
    manifest.config.verify(config)?;
    let config = ImageConfig::parse(config).map_err(|source| SelectError::Config {
        digest: manifest.config.digest,
        source,
    })?;
    let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
    if layers != diff_ids {
        return Err(not_an_image(format!(
            "it has {layers} layers, but its config tells of {diff_ids}"
        )));
    }
    Ok(config)
}

impl Descriptor {
    /// Whether the content is what this says: size and digest (L13).
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&self, content: &[u8]) -> Result<(), SelectError> {
        let (digest, size) = (Digest::of(content), content.len() as u64);
        let found = match (digest == self.digest, size == self.size) {
            (true, true) => return Ok(()),
            (true, false) => format!("it has {size} bytes instead of {}", self.size),
            (false, _) => format!("its digest is {digest}"),
        };
        Err(SelectError::Damaged {
            expected: self.digest,
            found,
        })
    }

    /// Whether this is, or leads to, an image: neither an artifact of another kind nor an attestation, which BuildKit marks by a
    /// platform that does not exist.
    fn is_offer(&self) -> bool {
        let document =
            media_type::is_index(&self.media_type) || media_type::is_manifest(&self.media_type);
        let nowhere = self
            .platform
            .as_ref()
            .is_some_and(|platform| platform.os == "unknown" || platform.architecture == "unknown");
        document && self.artifact_type.is_none() && !nowhere
    }
}

impl Index {
    /// The platforms there are images for, each once, in order.
    pub fn platforms(&self) -> Vec<Platform> {
        offered(&self.manifests)
    }
}

/// The best of several for a platform, the first of equals; one that names no platform is taken at its word.
pub(crate) fn choose<'a>(
    images: &'a [Descriptor],
    platform: &Platform,
) -> Result<&'a Descriptor, SelectError> {
    let offers: Vec<_> = images.iter().filter(|image| image.is_offer()).collect();
    platform
        .choose(offers.iter().map(|image| image.platform.as_ref()))
        .map(|at| offers[at])
        .ok_or_else(|| SelectError::NoPlatform {
            wanted: platform.clone(),
            offered: offered(images),
        })
}

fn offered(images: &[Descriptor]) -> Vec<Platform> {
    let offers = images.iter().filter(|image| image.is_offer());
    let mut platforms: Vec<Platform> = offers
        .flat_map(|image| &image.platform)
        .map(|platform| {
            Platform::new(
                &platform.os,
                &platform.architecture,
                platform.variant.as_deref(),
            )
        })
        .collect();
    platforms.sort_by_key(Platform::to_string);
    platforms.dedup();
    platforms
}

fn listed(platforms: &[Platform]) -> String {
    let names: Vec<String> = platforms
        .iter()
        .take(MAX_LISTED)
        .map(Platform::to_string)
        .collect();
    match (names.as_slice(), platforms.len().saturating_sub(MAX_LISTED)) {
        ([], _) => "none".to_owned(),
        (names, 0) => names.join(", "),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
