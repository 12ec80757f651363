//! One image: its blobs, its manifests, and last its index, under their digests. Tags are the unit's business.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ci_engine::Progress;
use ci_engine::progress::{Outcome, Step};
use ci_oci::manifest::Document;
use ci_oci::{Descriptor, Layout};
use ci_registry::{Client, Manifest, Pushed, Source};
use futures::future::try_join_all;

use super::blobs::Blobs;
use super::work::Work;
use super::{Transferred, failed};

/// How often the documents of an image are pushed when the registry says that it lacks what they point at.
const ATTEMPTS: u32 = 4;

/// How long to wait before.
const PAUSE: Duration = Duration::from_millis(250);

/// An image of the layout, read.
#[derive(Debug)]
pub(super) struct Image {
    /// Manifests, then the index if there is one; what points at others comes after them.
    manifests: Vec<Manifest>,
    /// Layers and configs, each once.
    blobs: Vec<Descriptor>,
}

impl Image {
    /// An image that its registry has: there is nothing to send but tags.
    pub(super) async fn of_registry(client: &Client, work: &Work) -> eyre::Result<Self> {
        let reference = work.repository.clone().with_digest(work.image.digest);
        let found = client.resolve(&reference).await;
        let what = format!("{} is not where it was found", work.service);
        Ok(Self {
            manifests: vec![found.map_err(|error| failed(&what, error))?],
            blobs: Vec::new(),
        })
    }

    /// Reads an image's documents.
    pub(super) fn read(layout: &Layout, image: &Descriptor) -> eyre::Result<Self> {
        let mut read = Self {
            manifests: Vec::new(),
            blobs: Vec::new(),
        };
        match read.document(layout, image)? {
            Document::Manifest(_) => {}
            Document::Index(index) => {
                let top = read.manifests.pop();
                for manifest in &index.manifests {
                    read.document(layout, manifest)?;
                }
                read.manifests.extend(top);
            }
        }
        read.blobs.sort_by_key(|blob| blob.digest);
        read.blobs.dedup_by_key(|blob| blob.digest);
        Ok(read)
    }

    fn document(&mut self, layout: &Layout, descriptor: &Descriptor) -> eyre::Result<Document> {
        let bytes = layout.read_blob(descriptor)?;
        let document = Document::parse(&descriptor.media_type, &bytes)?;
        if let Document::Manifest(manifest) = &document {
            self.blobs.push(manifest.config.clone());
            self.blobs.extend(manifest.layers.iter().cloned());
        }
        let manifest = Manifest::new(&descriptor.media_type, bytes);
        self.manifests.push(manifest);
        Ok(document)
    }

    /// What tags name: the index, or the only manifest.
    pub(super) fn top(&self) -> Option<&Manifest> {
        self.manifests.last()
    }

    /// Brings it into its repository.
    pub(super) async fn push(
        &self,
        client: &Client,
        layout: &Layout,
        blobs: &Blobs,
        progress: &Progress,
        work: &Work,
    ) -> eyre::Result<Transferred> {
        let name = work.repository.name();
        let step = progress.start(&work.service.as_str().into(), format!("push {name}"), None);
        let meter = Arc::new(Meter {
            step,
            total: self.blobs.iter().map(|blob| blob.size).sum(),
            done: AtomicU64::new(0),
        });
        let outcome = self.send(client, layout, blobs, work, &meter).await;
        if let Some(meter) = Arc::into_inner(meter) {
            meter.step.finish(match &outcome {
                Ok(transferred) if transferred.sent == 0 => Outcome::Cached,
                Ok(_) => Outcome::Done,
                Err(error) => Outcome::Failed(error.to_string()),
            });
        }
        outcome.map_err(|error| failed(&format!("cannot push {} to {name}", work.service), error))
    }

    async fn send(
        &self,
        client: &Client,
        layout: &Layout,
        blobs: &Blobs,
        work: &Work,
        meter: &Arc<Meter>,
    ) -> Result<Transferred, ci_registry::Error> {
        let sending = self.blobs.iter().map(|blob| {
            let source = Arc::new(Metered {
                path: layout.blob_path(&blob.digest),
                meter: meter.clone(),
            });
            async move {
                let pushed = blobs
                    .push(client, &work.repository, blob, source, &work.mounts)
                    .await?;
                if pushed != Pushed::Uploaded {
                    meter.advance(blob.size);
                }
                Ok::<_, ci_registry::Error>((pushed, blob.size))
            }
        });
        let mut transferred = Transferred::default();
        for (pushed, size) in try_join_all(sending).await? {
            match pushed {
                Pushed::Uploaded => {
                    transferred.sent += 1;
                    transferred.bytes += size;
                }
                Pushed::Existed | Pushed::Mounted => transferred.found += 1,
            }
        }
        let mut attempts = ATTEMPTS;
        while let Err(error) = self.describe(client, work).await {
            attempts -= 1;
            if attempts == 0 || !lacks_blobs(&error) {
                return Err(error);
            }
            // Others who push the same meanwhile may have been in the way.
            tokio::time::sleep(PAUSE).await;
            for blob in &self.blobs {
                let source = Arc::new(layout.blob_path(&blob.digest));
                client
                    .push_blob(&work.repository, blob, source, None)
                    .await?;
            }
        }
        Ok(transferred)
    }

    /// Pushes the documents, for which the blobs have to be there.
    async fn describe(&self, client: &Client, work: &Work) -> Result<(), ci_registry::Error> {
        for manifest in &self.manifests {
            client.push_manifest(&work.repository, manifest).await?;
        }
        Ok(())
    }
}

/// Whether a registry says that it lacks what a manifest points at, though it took all of it: some are confused by two who send the
/// same at once.
fn lacks_blobs(error: &ci_registry::Error) -> bool {
    matches!(error, ci_registry::Error::Status { status, .. } if matches!(status.as_u16(), 400 | 404))
        || error.is_not_found()
}

/// Shows how much of an image is there.
struct Meter {
    step: Step,
    total: u64,
    done: AtomicU64,
}

impl Meter {
    fn advance(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        let hundredth = |done: u64| done.saturating_mul(100) / self.total.max(1);
        if hundredth(before) != hundredth(before + bytes) {
            // What is sent again is counted again.
            self.step
                .advance((before + bytes).min(self.total), self.total);
        }
    }
}

/// A blob of the layout that counts what is read of it.
struct Metered {
    path: PathBuf,
    meter: Arc<Meter>,
}

impl Source for Metered {
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let content = self.path.open(offset)?;
        let meter = self.meter.clone();
        Ok(Box::new(Counted { content, meter }))
    }
}

struct Counted {
    content: Box<dyn Read + Send>,
    meter: Arc<Meter>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.meter.advance(count as u64);
        Ok(count)
    }
}
