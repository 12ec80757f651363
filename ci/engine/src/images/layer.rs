//! One layer from a registry: downloaded, verified and unpacked at the same time; resumed where an earlier run stopped.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;

use ci_http::Bytes;
use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::{Client, Resume};
use ci_store::Download;
use futures::future::{Either, join, select};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::stacking::Traits;

/// Chunks that wait to be unpacked; they are as large as the connection gives them, some 10 KiB.
const WAITING: usize = 32;

/// Where blobs come from, and who wants to know how many bytes have come.
pub(super) struct Origin<'a> {
    pub(super) client: &'a Client,
    /// Names the repository.
    pub(super) reference: &'a Reference,
    pub(super) arrived: &'a (dyn Fn(usize) + Sync),
}

impl Session {
    /// Brings a layer into the store: its blob, and its files.
    pub(super) async fn bring_layer(
        self: &Arc<Self>,
        origin: &Origin<'_>,
        blob: &Descriptor,
        diff_id: &Digest,
    ) -> Result<Traits> {
        let transfer = self.transfers.acquire().await?;
        if let Some(download) = self.begin_download(blob).await? {
            // Unpacked while it arrives, unless as much as allowed is going on: it would keep the connection waiting.
            match self.try_permit() {
                Some(permit) if self.unpacked(diff_id).is_none() => {
                    let staging = self.store.stage()?;
                    let fifo = staging.work.join("layer");
                    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
                    // For reading too, so that it opens before there is a reader.
                    let pipe = pipe::OpenOptions::new()
                        .read_write(true)
                        .open_sender(&fifo)?;
                    let (tap, chunks) = mpsc::channel(WAITING);
                    let unpacking = self.unpack_with(permit, fifo, blob.size, diff_id);
                    let unpacking = fed(unpacking, blob.size, chunks, pipe);
                    let receiving = receive(origin, blob, download, Some(tap));
                    let (received, unpacked) = join(receiving, unpacking).await;
                    // Why the download is bad says more than what unpacking made of it.
                    return received.and(unpacked);
                }
                _ => receive(origin, blob, download, None).await?,
            }
        }
        drop(transfer);
        self.unpack(blob, diff_id).await
    }

    /// Brings a small blob into the store and reads it.
    pub(super) async fn bring_document(
        self: &Arc<Self>,
        origin: &Origin<'_>,
        blob: &Descriptor,
    ) -> Result<Vec<u8>> {
        if let Some(download) = self.begin_download(blob).await? {
            receive(origin, blob, download, None).await?;
        }
        Ok(tokio::fs::read(self.store.blob_path(&blob.digest)).await?)
    }

    async fn begin_download(&self, blob: &Descriptor) -> Result<Option<Download>> {
        if self.store.has_blob(&blob.digest) {
            return Ok(None);
        }
        let (store, digest, size) = (self.store.clone(), blob.digest, blob.size);
        let begun = tokio::task::spawn_blocking(move || {
            store.download(digest, size, &mut |_| ControlFlow::Continue(()))
        });
        Ok(begun.await??)
    }
}

/// Receives what is missing of a blob. All of it, what earlier runs received too, also goes through the tap for as long as
/// somebody is at its other end.
async fn receive(
    origin: &Origin<'_>,
    blob: &Descriptor,
    mut download: Download,
    mut tap: Option<mpsc::Sender<Bytes>>,
) -> Result<()> {
    if download.arrived() > 0 {
        (origin.arrived)(usize::try_from(download.arrived()).unwrap_or(usize::MAX));
        if let Some(tap) = &tap {
            replay(&download, tap).await?;
        }
    }
    let resume = Resume {
        offset: download.arrived(),
        hash: download.hash().clone(),
    };
    let mut body = origin
        .client
        .blob(origin.reference, blob, Some(resume))
        .await?;
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) => {
                download.append(&chunk)?;
                (origin.arrived)(chunk.len());
                if let Some(open) = &tap
                    && open.send(chunk).await.is_err()
                {
                    tap = None;
                }
            }
            Ok(None) => break,
            Err(error) => {
                use ci_registry::Error::{Mismatch, Size};
                if matches!(error, Mismatch { .. } | Size { .. }) {
                    // Where it went wrong is not known: nothing of it is kept.
                    download.restart()?;
                }
                return Err(error.into());
            }
        }
    }
    drop(tap);
    Ok(tokio::task::spawn_blocking(move || download.finish()).await??)
}

/// Sends what earlier runs received.
async fn replay(download: &Download, tap: &mpsc::Sender<Bytes>) -> Result<()> {
    let file = tokio::fs::File::from_std(download.reader()?);
    let mut earlier = file.take(download.arrived());
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = earlier.read(&mut buffer).await?;
        if count == 0
            || tap
                .send(Bytes::copy_from_slice(&buffer[..count]))
                .await
                .is_err()
        {
            return Ok(());
        }
    }
}

/// What `unpacking` gives, which reads `size` bytes from the other end of the pipe: those that come through the channel.
async fn fed(
    unpacking: impl Future<Output = Result<Traits>>,
    size: u64,
    mut chunks: mpsc::Receiver<Bytes>,
    mut pipe: pipe::Sender,
) -> Result<Traits> {
    let feeding = async move {
        let mut left = size;
        while let Some(chunk) = chunks.recv().await {
            pipe.write_all(&chunk).await?;
            left = left.saturating_sub(chunk.len() as u64);
        }
        // What nobody has read yet, or even opened, is lost with the last end of the pipe. But if something is missing, closing
        // it is how the reader learns that no more will come.
        Ok::<_, Error>((left == 0).then_some(pipe))
    };
    match select(pin!(unpacking), pin!(feeding)).await {
        Either::Left((unpacked, _)) => unpacked,
        Either::Right((fed, unpacking)) => {
            let _open = fed?;
            unpacking.await
        }
    }
}
