//! From a config and layers to an image: manifest, config and index as bytes, under the assembly profile.

use std::collections::BTreeMap;

use crate::manifest::media_type;
use crate::{Descriptor, Digest, ImageConfig, Index, Manifest, Platform};

pub use crate::profile::PROFILE;

/// An image but for its layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The manifest, as it is stored and pushed.
    pub manifest: Vec<u8>,
    /// Points at the manifest, with the platform.
    pub descriptor: Descriptor,
    /// The config, as it is stored and pushed.
    pub config: Vec<u8>,
    /// Points at the config.
    pub config_descriptor: Descriptor,
}

/// Why there is no image of this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssemblyError {
    /// The documents cannot be written.
    #[error("cannot write the image's documents: {0}")]
    Json(#[from] serde_json::Error),
    /// History and layers disagree.
    #[error("the history tells of {history} layers, but the image has {layers}")]
    History {
        /// Steps of the history that made a layer.
        history: usize,
        /// Layers given.
        layers: usize,
    },
}

/// Makes the image of `config` and `layers`, lowest first, each with its diff id. The diff ids in `config` are replaced.
pub fn assemble(
    config: &ImageConfig,
    layers: &[(Descriptor, Digest)],
) -> Result<Image, AssemblyError> {
    let told = config
        .history
        .iter()
        .filter(|step| !step.empty_layer)
        .count();
    if !config.history.is_empty() && told != layers.len() {
        return Err(AssemblyError::History {
            history: told,
            layers: layers.len(),
        });
    }
    let mut config = config.clone();
    config.rootfs.diff_ids = layers.iter().map(|(_, diff_id)| *diff_id).collect();
    let platform = config.platform();
    let config = serde_json::to_vec(&config)?;
    let config_descriptor = Descriptor::of(media_type::OCI_CONFIG, &config);
    let manifest = serde_json::to_vec(&Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: None,
        config: config_descriptor.clone(),
        layers: layers.iter().map(|(layer, _)| layer.clone()).collect(),
        subject: None,
        annotations: BTreeMap::new(),
    })?;
    let descriptor = Descriptor {
        platform: Some(platform),
        ..Descriptor::of(media_type::OCI_MANIFEST, &manifest)
    };
    Ok(Image {
        manifest,
        descriptor,
        config,
        config_descriptor,
    })
}

/// Makes the index of one image for several platforms, in the order of the platforms.
pub fn index(
    images: &[(Platform, Descriptor)],
    annotations: &BTreeMap<String, String>,
) -> Result<(Vec<u8>, Descriptor), AssemblyError> {
    let mut images: Vec<_> = images.iter().collect();
    images.sort_by_key(|(platform, image)| (platform.clone(), image.digest));
    let index = serde_json::to_vec(&Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: images
            .into_iter()
            .map(|(platform, image)| Descriptor {
                platform: Some(platform.clone()),
                ..image.clone()
            })
            .collect(),
        subject: None,
        annotations: annotations.clone(),
    })?;
    let descriptor = Descriptor::of(media_type::OCI_INDEX, &index);
    Ok((index, descriptor))
}
