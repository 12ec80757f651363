//! Images of registries: which image a reference means, and the container of it.
//!
//! What a tag points at is asked for once in a session, and everything after that goes by digest, so that a tag that moves
//! meanwhile changes nothing (R4). Whatever has been pulled once is there without the registry.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use ci_oci::layout::Resolved;
use ci_oci::manifest::{MAX_DOCUMENT, Selected, Selection, image_of_any_platform};
use ci_oci::{Descriptor, Digest, Platform, Reference};
use ci_store::Refs;

use super::layer::Origin;
use crate::Group;
use crate::container::Container;
use crate::error::{Error, Result};
use crate::layers::key_of;
use crate::progress::{Outcome, Step};
use crate::session::Session;

/// The kind of the results that say what a reference pointed at when it was last asked for.
const POINTED_AT: &str = "reference";

/// The kind of the results that keep an image's parts from being pruned before it.
const IMAGE: &str = "image";

impl Session {
    /// The container of an image in a registry, for a platform.
    pub(crate) async fn pull(
        self: &Arc<Self>,
        reference: &Reference,
        platform: &Platform,
        group: &Group,
    ) -> Result<Arc<Container>> {
        let key = key_of("pull", &(reference.to_string(), platform.to_string()))?;
        let (session, reference) = (self.clone(), reference.clone().or_latest());
        let (platform, group) = (platform.clone(), group.clone());
        let work = async move {
            let pulled = session.pull_now(&reference, &platform, &group).await;
            let pulled = pulled.map_err(|error| error.context(&reference))?;
            Ok(Arc::new(pulled))
        };
        self.pulls.join(key, work).await
    }

    async fn pull_now(
        self: &Arc<Self>,
        reference: &Reference,
        platform: &Platform,
        group: &Group,
    ) -> Result<Container> {
        let top = self.resolve(reference, group).await?;
        let pinned = reference.clone().with_digest(top.digest);
        let mut selection = Selection::new(platform.clone());
        let mut documents = vec![top.clone()];
        let mut descriptor = top;
        let manifest = loop {
            let content = self.document(&pinned, &descriptor).await?;
            match selection.read(&descriptor, &content)? {
                Selected::Manifest(manifest) => break manifest,
                Selected::Descriptor(next) => {
                    documents.push(next.clone());
                    descriptor = next;
                }
            }
        };
        let pulling = Pulling::new(self, &pinned, &manifest.layers, group);
        let client = self.registry()?;
        let origin = Origin {
            client,
            reference: &pinned,
            arrived: &|bytes| pulling.arrived(bytes),
        };
        let outcome = async {
            if manifest.config.size > MAX_DOCUMENT {
                return Err(Error::new(format!(
                    "its config has {} bytes; {MAX_DOCUMENT} are allowed",
                    manifest.config.size
                )));
            }
            let config = self.bring_document(&origin, &manifest.config).await?;
            // One that is for another platform is used all the same, as BuildKit does: builds warn of it, and what cannot run says so.
            let config = image_of_any_platform(&descriptor, &manifest, &config)?;
            let diff_ids = config.rootfs.diff_ids.iter();
            let layers = manifest.layers.iter().zip(diff_ids);
            let bringing = layers.map(|(blob, diff_id)| self.bring_layer(&origin, blob, diff_id));
            Ok((
                futures::future::try_join_all(bringing).await?,
                config.clone(),
            ))
        }
        .await;
        pulling.finish(&outcome);
        let (traits, config) = outcome?;
        documents.push(manifest.config.clone());
        self.keep(&descriptor.digest, &documents, &manifest.layers, &config)?;
        let resolved = Resolved {
            descriptor,
            manifest,
            config,
        };
        let mut container = self.container_of_image(resolved, traits, platform).await?;
        container.image_ref = Some(pinned.to_string());
        Ok(container)
    }

    /// What a reference points at.
    async fn resolve(self: &Arc<Self>, reference: &Reference, group: &Group) -> Result<Descriptor> {
        let known = || {
            self.references
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(descriptor) = known().get(reference) {
            return Ok(descriptor.clone());
        }
        let key = key_of(POINTED_AT, &reference.to_string())?;
        let remembered: Option<Descriptor> = self.store.result(POINTED_AT, &key);
        let descriptor = match remembered.clone() {
            // A digest always points at the same.
            Some(remembered) if reference.digest().is_some() => remembered,
            remembered => match (self.registry()?.digest(reference).await, remembered) {
                (Ok(descriptor), _) => descriptor,
                (Err(error), Some(remembered)) if is_unreachable(&error) => {
                    let message = format!(
                        "{}: {error}; going on with {} as it was pulled last: {}",
                        reference.registry(),
                        reference.familiar(),
                        remembered.digest
                    );
                    let progress = &self.options.progress;
                    progress.warn(group, "RegistryUnreachable", message, None);
                    remembered
                }
                (Err(error), _) => return Err(error.into()),
            },
        };
        // A build that finds all as it was writes nothing.
        if remembered.as_ref() != Some(&descriptor) {
            self.store
                .put_result(POINTED_AT, &key, &descriptor, Refs::default())?;
        }
        let mut references = known();
        // Who was first counts, so that all of a session mean the same.
        let descriptor = references.entry(reference.clone()).or_insert(descriptor);
        Ok(descriptor.clone())
    }

    /// A manifest or index.
    async fn document(&self, image: &Reference, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let path = self.store.blob_path(&descriptor.digest);
        if self.store.has_blob(&descriptor.digest) {
            return Ok(tokio::fs::read(path).await?);
        }
        let manifest = self.registry()?.manifest(image, descriptor).await?;
        let (store, bytes) = (self.store.clone(), manifest.bytes);
        let stored = tokio::task::spawn_blocking(move || {
            store.put_bytes(&bytes)?;
            Ok::<_, Error>(bytes.to_vec())
        });
        stored.await?
    }

    /// Keeps the parts of an image together.
    fn keep(
        &self,
        image: &Digest,
        documents: &[Descriptor],
        layers: &[Descriptor],
        config: &ci_oci::ImageConfig,
    ) -> Result<()> {
        if self.store.result::<()>(IMAGE, image).is_some() {
            return Ok(());
        }
        let refs = Refs {
            layers: config.rootfs.diff_ids.clone(),
            blobs: documents
                .iter()
                .chain(layers)
                .map(|blob| blob.digest)
                .collect(),
        };
        Ok(self.store.put_result(IMAGE, image, &(), refs)?)
    }
}

/// Whether the registry could not be asked, as opposed to having said no.
fn is_unreachable(error: &ci_registry::Error) -> bool {
    use ci_registry::Error;
    match error {
        Error::Http(_) | Error::RateLimited { .. } => true,
        Error::Status { status, .. } => status.is_server_error(),
        Error::Everywhere(errors) => errors.iter().any(|(_, error)| is_unreachable(error)),
        _ => false,
    }
}

/// The step that shows a pull, if anything has to be transferred.
struct Pulling {
    step: Option<Step>,
    total: u64,
    arrived: AtomicU64,
    /// Reported last, in hundredths of the whole.
    shown: AtomicU64,
}

impl Pulling {
    fn new(session: &Session, image: &Reference, layers: &[Descriptor], group: &Group) -> Self {
        let missing = layers
            .iter()
            .filter(|layer| !session.store.has_blob(&layer.digest));
        let total = missing.map(|layer| layer.size).sum();
        let progress = &session.options.progress;
        let name = || format!("pull {}", image.familiar());
        Self {
            step: (total > 0).then(|| progress.start(group, name(), None)),
            total,
            arrived: AtomicU64::new(0),
            shown: AtomicU64::new(0),
        }
    }

    fn arrived(&self, bytes: usize) {
        let arrived = self.arrived.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let shown = arrived.saturating_mul(100) / self.total.max(1);
        if let Some(step) = &self.step
            && self.shown.swap(shown, Ordering::Relaxed) != shown
        {
            step.advance(arrived.min(self.total), self.total);
        }
    }

    fn finish<T>(self, outcome: &Result<T>) {
        if let Some(step) = self.step {
            step.finish(match outcome {
                Ok(_) => Outcome::Done,
                Err(error) => Outcome::Failed(error.to_string()),
            });
        }
    }
}
