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

/// Makes the image of `config` and `layers`, lowest first, each with its diff id. The diff ids in `config` are replaced;
/// `annotations` are those of the manifest.
pub fn assemble(
    config: &ImageConfig,
    layers: &[(Descriptor, Digest)],
    annotations: &BTreeMap<String, String>,
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
        annotations: annotations.clone(),
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
    let images = images.into_iter().map(|(platform, image)| Descriptor {
        platform: Some(platform.clone()),
        ..image.clone()
    });
    let index = serde_json::to_vec(&Index {
        annotations: annotations.clone(),
        ..Index::of(images.collect())
    })?;
    let descriptor = Descriptor::of(media_type::OCI_INDEX, &index);
    Ok((index, descriptor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::History;

    fn layer(content: &str) -> (Descriptor, Digest) {
        (
            Descriptor::of(media_type::OCI_LAYER_GZIP, content.as_bytes()),
            Digest::of([b"tar of ", content.as_bytes()].concat()),
        )
    }

    fn step(empty_layer: bool) -> History {
        History {
            empty_layer,
            ..History::default()
        }
    }

    #[test]
    fn documents_refer_to_each_other() {
        let mut config = ImageConfig::new(&Platform::new("linux", "arm64", None));
        config.rootfs.diff_ids = vec![Digest::of("replaced")];
        config.history = vec![step(true), step(false), step(false)];
        let layers = [layer("a"), layer("b")];
        let image = assemble(&config, &layers, &BTreeMap::new()).unwrap();
        let manifest: Manifest = serde_json::from_slice(&image.manifest).unwrap();
        assert_eq!(
            manifest.config,
            Descriptor::of(media_type::OCI_CONFIG, &image.config)
        );
        assert_eq!(manifest.layers, [layers[0].0.clone(), layers[1].0.clone()]);
        assert_eq!(
            ImageConfig::parse(&image.config).unwrap().rootfs.diff_ids,
            [layers[0].1, layers[1].1]
        );
        assert_eq!(image.descriptor.digest, Digest::of(&image.manifest));
        assert_eq!(
            image.descriptor.platform,
            Some(Platform::new("linux", "arm64", None))
        );
    }

    #[test]
    fn a_history_that_tells_of_other_layers_is_an_error() {
        let mut config = ImageConfig::new(&Platform::new("linux", "amd64", None));
        config.history = vec![step(false), step(true)];
        assert!(assemble(&config, &[layer("a")], &BTreeMap::new()).is_ok());
        insta::assert_snapshot!(assemble(&config, &[], &BTreeMap::new()).unwrap_err(), @"the history tells of 1 layers, but the image has 0");
        config.history.clear();
        assert!(assemble(&config, &[layer("a"), layer("b")], &BTreeMap::new()).is_ok());
    }

    #[test]
    fn an_index_is_the_same_in_whatever_order_the_platforms_were_built() {
        let image = |name: &str| Descriptor::of(media_type::OCI_MANIFEST, name.as_bytes());
        let [amd64, arm64, arm] =
            ["amd64", "arm64", "arm"].map(|name| (Platform::new("linux", name, None), image(name)));
        let one = index(
            &[arm64.clone(), amd64.clone(), arm.clone()],
            &BTreeMap::new(),
        )
        .unwrap();
        let two = index(&[arm, amd64, arm64], &BTreeMap::new()).unwrap();
        assert_eq!(one, two);
        let read: Index = serde_json::from_slice(&one.0).unwrap();
        let platforms: Vec<_> = read
            .manifests
            .iter()
            .flat_map(|image| &image.platform)
            .map(Platform::to_string)
            .collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm/v7", "linux/arm64"]);
    }
}
