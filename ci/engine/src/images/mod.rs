//! Images that others made: from an OCI image layout on the host or a registry into the store, and the containers of them.
//!
//! Documents and layers are blobs of the store and verified before anything uses them. How images leave is `archive`'s.

mod layer;
mod layout;
mod registry;

use std::sync::Arc;

use ci_oci::config::History;
use ci_oci::layout::Resolved;
use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, Platform};

use crate::container::Container;
use crate::error::Result;
use crate::layers::Rootfs;
use crate::session::Session;
use crate::stacking::Traits;

pub(crate) use layout::import;

/// The kind of the results that say which blob a layer of others came as.
const FOREIGN: &str = "foreign-blob";

impl Session {
    /// The container of an image whose layers are in the store, as (blob, diff id, traits).
    async fn container_of_image(
        self: &Arc<Self>,
        image: Resolved,
        traits: Vec<Traits>,
        platform: &Platform,
    ) -> Result<Container> {
        let diff_ids = image.config.rootfs.diff_ids.clone();
        let layers: Vec<_> = diff_ids.iter().copied().zip(traits).collect();
        self.stack(&layers).await?;
        let mut container = Container::scratch(platform);
        for (blob, diff_id) in image.manifest.layers.into_iter().zip(&diff_ids) {
            let blob = as_pushed(blob);
            self.remember_foreign(diff_id, &blob)?;
            container.blobs.insert(*diff_id, blob);
        }
        container.image = image.config;
        container.rootfs = Rootfs { layers: diff_ids };
        complete_history(&mut container);
        Ok(container)
    }

    /// The blob that a layer of others came as, for root file systems that lost the image they belong to. A layer may have come
    /// in several; the first counts.
    pub(crate) fn foreign_blob(&self, layer: &Digest) -> Option<Descriptor> {
        self.store.result(FOREIGN, layer)
    }

    fn remember_foreign(&self, layer: &Digest, blob: &Descriptor) -> Result<()> {
        if self.foreign_blob(layer).is_none() {
            let refs = ci_store::Refs {
                layers: Vec::new(),
                blobs: vec![blob.digest],
            };
            self.store.put_result(FOREIGN, layer, blob, refs)?;
        }
        Ok(())
    }
}

/// A layer's blob is pushed again as it came, under the OCI name of its media type.
fn as_pushed(blob: Descriptor) -> Descriptor {
    let media_type = match blob.media_type.as_str() {
        media_type::DOCKER_LAYER => media_type::OCI_LAYER,
        media_type::DOCKER_LAYER_GZIP => media_type::OCI_LAYER_GZIP,
        media_type::DOCKER_LAYER_ZSTD => media_type::OCI_LAYER_ZSTD,
        oci => oci,
    };
    Descriptor::new(media_type, blob.digest, blob.size)
}

/// A history that does not tell of every layer is of no use for what is built on top; then each layer gets an empty entry.
fn complete_history(container: &mut Container) {
    let told = container
        .image
        .history
        .iter()
        .filter(|step| !step.empty_layer)
        .count();
    if told != container.rootfs.layers.len() {
        container.image.history = vec![History::default(); container.rootfs.layers.len()];
    }
}
