//! From a name and a platform to an image, everything on the way verified.

use std::collections::HashSet;

use super::files::Result;
use super::{Layout, LayoutError};
use crate::manifest::{Document, media_type};
use crate::{Descriptor, Digest, ImageConfig, Manifest, Platform};

/// Indexes between the layout's index and a manifest (L16).
const MAX_DEPTH: usize = 2;

/// An image found in a layout, every document of it verified. Its layers are verified when they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Points at the manifest.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: Manifest,
    /// Its config, with one diff id for each layer.
    pub config: ImageConfig,
}

impl Layout {
    /// The image called `name`, or the only one, for `platform`.
    pub fn resolve(&self, name: Option<&str>, platform: &Platform) -> Result<Resolved> {
        let mut images = self.index()?.manifests;
        let mut names: Vec<String> = images
            .iter()
            .filter_map(|image| image.name().map(str::to_owned))
            .collect();
        names.sort();
        names.dedup();
        if let Some(name) = name {
            images.retain(|image| image.name() == Some(name));
            if images.is_empty() {
                return Err(LayoutError::NoSuchImage {
                    name: name.to_owned(),
                    names,
                });
            }
        } else if images.len() > 1 {
            // Several entries are one image only if nothing but their platforms tells them apart.
            let one = images
                .iter()
                .all(|image| image.platform.is_some() && image.name() == images[0].name());
            if !one {
                return Err(LayoutError::SeveralImages { names });
            }
        }
        self.resolve_descriptor(choose(&images, platform)?, platform)
    }

    /// The image behind a descriptor (a manifest, or an index of them) for `platform`.
    pub fn resolve_descriptor(&self, image: &Descriptor, platform: &Platform) -> Result<Resolved> {
        let mut descriptor = image.clone();
        for _ in 0..=MAX_DEPTH {
            match self.document(&descriptor)? {
                Document::Index(index) => descriptor = choose(&index.manifests, platform)?.clone(),
                Document::Manifest(manifest) => return self.image(descriptor, manifest, platform),
            }
        }
        Err(LayoutError::TooDeep(descriptor.digest))
    }

    fn image(
        &self,
        descriptor: Descriptor,
        manifest: Manifest,
        platform: &Platform,
    ) -> Result<Resolved> {
        let not_an_image = |why| LayoutError::NotAnImage {
            digest: descriptor.digest,
            why,
        };
        let foreign = manifest
            .layers
            .iter()
            .map(|layer| &layer.media_type)
            .find(|media_type| !media_type::is_layer(media_type));
        if !media_type::is_config(&manifest.config.media_type) {
            return Err(not_an_image(format!(
                "its config is of type {:?}",
                manifest.config.media_type
            )));
        }
        if let Some(media_type) = foreign {
            return Err(not_an_image(format!(
                "it has a layer of type {media_type:?}"
            )));
        }
        let digest = manifest.config.digest;
        let config = self.read_blob(&manifest.config)?;
        let config =
            ImageConfig::parse(&config).map_err(|source| LayoutError::Config { digest, source })?;
        let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if layers != diff_ids {
            return Err(not_an_image(format!(
                "it has {layers} layers, but its config tells of {diff_ids}"
            )));
        }
        let offered = config.platform();
        if platform.accepts(&offered).is_none() {
            return Err(LayoutError::NoPlatform {
                wanted: platform.clone(),
                offered: offered.to_string(),
            });
        }
        Ok(Resolved {
            descriptor,
            manifest,
            config,
        })
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Document> {
        let content = self.read_blob(descriptor)?;
        Document::parse(&descriptor.media_type, &content).map_err(|source| LayoutError::Document {
            digest: Some(descriptor.digest),
            source,
        })
    }

    /// Everything that can be reached from these: descriptors in the order they are found, each blob once.
    pub(crate) fn reachable(&self, images: &[Descriptor]) -> Result<Vec<Descriptor>> {
        let mut walk = Walk {
            layout: self,
            seen: HashSet::new(),
            blobs: HashSet::new(),
            found: Vec::new(),
        };
        images.iter().try_for_each(|image| walk.visit(image, 0))?;
        Ok(walk.found)
    }
}

struct Walk<'a> {
    layout: &'a Layout,
    /// With the type: what is content here could be a manifest there.
    seen: HashSet<(Digest, String)>,
    blobs: HashSet<Digest>,
    found: Vec<Descriptor>,
}

impl Walk<'_> {
    fn visit(&mut self, descriptor: &Descriptor, depth: usize) -> Result<()> {
        if !self
            .seen
            .insert((descriptor.digest, descriptor.media_type.clone()))
        {
            return Ok(());
        }
        if self.blobs.insert(descriptor.digest) {
            self.found.push(descriptor.clone());
        }
        if !media_type::is_index(&descriptor.media_type)
            && !media_type::is_manifest(&descriptor.media_type)
        {
            return Ok(());
        }
        match self.layout.document(descriptor)? {
            Document::Index(_) if depth >= MAX_DEPTH => {
                Err(LayoutError::TooDeep(descriptor.digest))
            }
            Document::Index(index) => index
                .manifests
                .iter()
                .try_for_each(|manifest| self.visit(manifest, depth + 1)),
            Document::Manifest(manifest) => {
                let blobs = [manifest.config].into_iter().chain(manifest.layers);
                blobs.into_iter().for_each(|blob| self.leaf(blob));
                Ok(())
            }
        }
    }

    fn leaf(&mut self, blob: Descriptor) {
        if self.blobs.insert(blob.digest) {
            self.found.push(blob);
        }
    }
}

/// The best of several for a platform; one that names no platform is taken at its word.
fn choose<'a>(images: &'a [Descriptor], platform: &Platform) -> Result<&'a Descriptor> {
    let best = platform.choose(images.iter().map(|image| image.platform.as_ref()));
    best.map(|at| &images[at]).ok_or_else(|| {
        let mut offered: Vec<String> = images
            .iter()
            .flat_map(|image| &image.platform)
            .map(Platform::to_string)
            .collect();
        offered.dedup();
        LayoutError::NoPlatform {
            wanted: platform.clone(),
            offered: offered.join(", "),
        }
    })
}
