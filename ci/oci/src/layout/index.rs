//! The layout's index: which images there are, by name.

use std::fs::File;

use rustix::fs::{FlockOperation, flock};

use super::files::{Result, io, read, replace, sync};
use super::{INDEX_NAME, Layout, LayoutError};
use crate::manifest::{Document, media_type};
use crate::{Descriptor, Index};

impl Layout {
    /// The images with their names, in the order of the index. A name may have several entries, one for each platform.
    pub fn images(&self) -> Result<Vec<(Option<String>, Descriptor)>> {
        let images = self.index()?.manifests.into_iter();
        Ok(images
            .map(|image| (image.name().map(str::to_owned), image))
            .collect())
    }

    /// Names an image, in place of what had the name before.
    pub fn set_image(&self, name: &str, image: Descriptor) -> Result<()> {
        self.set_images([(Some(name.to_owned()), image)])
    }

    /// Adds images with or without names, in one step, in place of what had the names before.
    pub fn set_images(
        &self,
        images: impl IntoIterator<Item = (Option<String>, Descriptor)>,
    ) -> Result<()> {
        let mut added = Vec::new();
        for (name, mut image) in images {
            image.annotations.remove(crate::manifest::REF_NAME);
            added.push(match name {
                Some(name) => image.named(&name),
                None => image,
            });
        }
        for image in &added {
            if !self.has(&image.digest)? {
                return Err(LayoutError::Missing(image.digest));
            }
        }
        self.update(|images| {
            images.retain(|old| {
                !added.iter().any(|new| {
                    if new.name().is_some() {
                        old.name() == new.name()
                    } else {
                        old == new
                    }
                })
            });
            images.extend(added);
        })
    }

    /// Takes a name away and says whether there was one. The blobs stay until [`Layout::gc`].
    pub fn remove_image(&self, name: &str) -> Result<bool> {
        let mut found = false;
        self.update(|images| {
            let before = images.len();
            images.retain(|image| image.name() != Some(name));
            found = images.len() < before;
        })?;
        Ok(found)
    }

    pub(super) fn index(&self) -> Result<Index> {
        parse(&read(&self.path().join(INDEX_NAME))?)
    }

    pub(super) fn write_index(&self, index: &Index) -> Result<()> {
        replace(self.path(), INDEX_NAME, &serde_json::to_vec(index)?)
    }

    fn update(&self, change: impl FnOnce(&mut Vec<Descriptor>)) -> Result<()> {
        // The blobs' names first: no power failure may leave an index without them.
        sync(&self.blobs())?;
        let _lock = self.lock()?;
        let mut index = self.index()?;
        let before = index.clone();
        change(&mut index.manifests);
        sort(&mut index.manifests);
        if index == before {
            Ok(())
        } else {
            self.write_index(&index)
        }
    }

    /// Held by whoever replaces the index.
    pub(super) fn lock(&self) -> Result<File> {
        let root = self.path();
        let lock = File::open(root).map_err(io("open", root))?;
        flock(&lock, FlockOperation::LockExclusive)
            .map_err(|errno| io("lock", root)(errno.into()))?;
        Ok(lock)
    }
}

/// Reads the index of a layout or an archive of one.
pub(crate) fn parse(content: &[u8]) -> Result<Index> {
    match Document::parse(media_type::OCI_INDEX, content) {
        Ok(Document::Index(index)) => Ok(index),
        // Not what was asked for, so it does not come.
        Ok(Document::Manifest(_)) => Ok(Index::of(Vec::new())),
        Err(source) => Err(LayoutError::Index(source)),
    }
}

/// By name, platform and digest: equal images make equal indexes, in whatever order they were added.
pub(crate) fn sort(images: &mut [Descriptor]) {
    images
        .sort_by(|a, b| (a.name(), &a.platform, a.digest).cmp(&(b.name(), &b.platform, b.digest)));
}
