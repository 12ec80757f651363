//! From a name and a platform to an image, everything on the way verified.

use std::collections::HashSet;

use super::files::Result;
use super::{Layout, LayoutError};
use crate::manifest::{Document, MAX_DEPTH, SelectError, Selected, Selection, choose, media_type};
use crate::{Descriptor, Digest, ImageConfig, Manifest, Platform};

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
        let mut selection = Selection::new(platform.clone());
        let mut descriptor = image.clone();
        let manifest = loop {
            let content = self.read_blob(&descriptor)?;
            match selection.read(&descriptor, &content)? {
                Selected::Descriptor(next) => descriptor = next,
                Selected::Manifest(manifest) => break manifest,
            }
        };
        let config = self.read_blob(&manifest.config)?;
        let config = selection.image(&descriptor, &manifest, &config)?;
        Ok(Resolved {
            descriptor,
            manifest,
            config,
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
        let content = self.layout.read_blob(descriptor)?;
        let document = Document::parse(&descriptor.media_type, &content);
        match document.map_err(|source| SelectError::Document {
            digest: descriptor.digest,
            source,
        })? {
            Document::Index(_) if depth >= MAX_DEPTH => {
                Err(SelectError::TooDeep(descriptor.digest).into())
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
