//! Blobs that several images of a push share: each is sent to a registry once, and mounted by the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::{Client, Error, Pushed, Source};
use tokio::sync::{OnceCell, Semaphore};

/// How many blobs are on their way at once: more make a fast connection no faster, and a slow one stall.
const TRANSFERS: usize = 6;

/// The repository that got a blob first.
type First = Arc<OnceCell<String>>;

/// Blobs of a push.
#[derive(Debug)]
pub(super) struct Blobs {
    transfers: Semaphore,
    /// By registry.
    firsts: Mutex<HashMap<(String, Digest), First>>,
}

impl Default for Blobs {
    fn default() -> Self {
        Self {
            transfers: Semaphore::new(TRANSFERS),
            firsts: Mutex::default(),
        }
    }
}

impl Blobs {
    /// Brings a blob into a repository. `mounts` are others of its registry that may have it.
    pub(super) async fn push(
        &self,
        client: &Client,
        repository: &Reference,
        blob: &Descriptor,
        source: Arc<dyn Source>,
        mounts: &[String],
    ) -> Result<Pushed, Error> {
        let first = self.first(repository, blob.digest);
        let mut outcome = None;
        let name = first
            .get_or_try_init(|| async {
                let mount = mounts.first().map(String::as_str);
                let pushed = self
                    .transfer(client, repository, blob, source.clone(), mount)
                    .await?;
                outcome = Some(pushed);
                Ok::<_, Error>(repository.repository().to_owned())
            })
            .await?;
        match outcome {
            Some(pushed) => Ok(pushed),
            // Somebody else of this push brought it to the registry.
            None => {
                self.transfer(client, repository, blob, source, Some(name))
                    .await
            }
        }
    }

    async fn transfer(
        &self,
        client: &Client,
        repository: &Reference,
        blob: &Descriptor,
        source: Arc<dyn Source>,
        mount: Option<&str>,
    ) -> Result<Pushed, Error> {
        // It is never closed.
        let _permit = self.transfers.acquire().await.ok();
        client.push_blob(repository, blob, source, mount).await
    }

    fn first(&self, repository: &Reference, digest: Digest) -> First {
        let mut firsts = self.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (repository.registry().to_owned(), digest);
        firsts.entry(key).or_default().clone()
    }
}
