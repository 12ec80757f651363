//! Whether the image that an entry points at is there, whole as far as its documents tell, and for the platforms that are asked for.

use std::collections::BTreeMap;

use ci_catalog::Platform;
use ci_oci::manifest::{Document, MAX_DOCUMENT, Selected, Selection};
use ci_oci::{Descriptor, Digest, Manifest, Reference};
use ci_registry::Client;

use super::Doubt;

/// Reads an image's documents, each verified against what points at it.
pub(super) struct Reading<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a Reference,
}

impl Reading<'_> {
    /// Digest and bytes of the image of each platform, and the bytes of all; exactly these platforms.
    pub(super) async fn image(
        &self,
        image: &Descriptor,
        platforms: &[Platform],
    ) -> Result<(Vec<(Platform, Digest, u64)>, u64), Doubt> {
        let top = self.client.manifest(self.repository, image).await?;
        let mut blobs: BTreeMap<Digest, u64> = BTreeMap::from([(image.digest, image.size)]);
        let document = Document::parse(&image.media_type, &top.bytes)
            .map_err(|error| Doubt::entry(error.to_string()))?;
        let count = match &document {
            Document::Manifest(_) => 1,
            Document::Index(index) => index.manifests.len(),
        };
        if count != platforms.len() {
            let problem = format!("it is for {count} platforms, not for {}", platforms.len());
            return Err(Doubt::entry(problem));
        }
        let mut found = Vec::new();
        for platform in platforms {
            let oci: ci_oci::Platform = platform
                .to_string()
                .parse()
                .map_err(|error| Doubt::entry(format!("{error}")))?;
            let mut selection = Selection::new(oci.clone());
            let mut selected = (image.clone(), top.bytes.clone());
            let manifest = loop {
                let read = selection.read(&selected.0, &selected.1);
                match read.map_err(|error| Doubt::entry(error.to_string()))? {
                    Selected::Manifest(manifest) => break manifest,
                    Selected::Descriptor(next) => {
                        let bytes = self.client.manifest(self.repository, &next).await?.bytes;
                        selected = (next, bytes);
                    }
                }
            };
            let config = self.config(&manifest).await?;
            let config = selection
                .image(&selected.0, &manifest, &config)
                .map_err(|error| Doubt::entry(error.to_string()))?;
            if config.platform() != oci {
                let problem = format!("it is for {}, not for {platform}", config.platform());
                return Err(Doubt::entry(problem));
            }
            let own: BTreeMap<Digest, u64> = manifest
                .layers
                .iter()
                .chain([&manifest.config, &selected.0])
                .map(|blob| (blob.digest, blob.size))
                .collect();
            found.push((platform.clone(), selected.0.digest, own.values().sum()));
            blobs.extend(own);
        }
        Ok((found, blobs.values().sum()))
    }

    async fn config(&self, manifest: &Manifest) -> Result<Vec<u8>, Doubt> {
        let config = &manifest.config;
        if config.size > MAX_DOCUMENT {
            return Err(Doubt::entry(format!(
                "its config has {} bytes",
                config.size
            )));
        }
        let mut blob = self.client.blob(self.repository, config, None).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = blob.chunk().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}
