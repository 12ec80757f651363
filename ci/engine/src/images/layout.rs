//! Images of OCI image layouts on the host.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_oci::{Descriptor, Layout, Platform};

use crate::container::Container;
use crate::error::Result;
use crate::session::Session;

/// The container of an image in a layout: the one of this name, or the only one.
pub(crate) async fn import(
    session: &Arc<Session>,
    dir: &Path,
    name: Option<String>,
    platform: Platform,
) -> Result<Container> {
    let resolved = {
        let (dir, wanted) = (dir.to_owned(), platform.clone());
        tokio::task::spawn_blocking(move || Layout::open(&dir)?.resolve(name.as_deref(), &wanted))
            .await??
    };
    let diff_ids = resolved.config.rootfs.diff_ids.iter().copied();
    let layers = resolved.manifest.layers.iter().cloned().zip(diff_ids);
    let loads = layers.map(|(blob, diff_id)| async move {
        load(session, dir.to_owned(), &blob).await?;
        session.unpack(&blob, &diff_id).await
    });
    let traits = futures::future::try_join_all(loads).await?;
    session
        .container_of_image(resolved, traits, &platform)
        .await
}

/// Brings a blob of a layout into the store.
async fn load(session: &Arc<Session>, dir: PathBuf, blob: &Descriptor) -> Result<()> {
    if session.store.has_blob(&blob.digest) {
        return Ok(());
    }
    let (store, blob) = (session.store.clone(), blob.clone());
    tokio::task::spawn_blocking(move || {
        let mut writer = store.blob_writer(Some((blob.digest, blob.size)))?;
        let mut content = BufReader::new(Layout::open(&dir)?.open_blob(&blob)?);
        std::io::copy(&mut content, &mut writer)?;
        writer.finish()?;
        Ok(())
    })
    .await?
}
