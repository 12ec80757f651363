//! An image as one of those in an OCI image layout on the host.

use std::path::Path;
use std::sync::Arc;

use ci_oci::Layout;

use super::Archive;
use crate::error::Result;
use crate::session::Session;

impl Archive {
    /// Adds the image to the layout in `dest` under a name. Layers are hard links to the store's blobs where the file system
    /// allows: an image may be gigabytes, of which nothing has to be read or written again.
    pub(crate) async fn export_layout(
        &self,
        session: &Arc<Session>,
        dest: &Path,
        name: &str,
    ) -> Result<()> {
        let image = self.image(session).await?;
        let (session, dest, name) = (session.clone(), dest.to_owned(), name.to_owned());
        tokio::task::spawn_blocking(move || {
            let layout = Layout::create(&dest)?;
            for layer in &image.layers {
                layout.put_file(layer, &session.store.blob_path(&layer.digest))?;
            }
            for (document, content) in &image.documents {
                layout.put_bytes(&document.media_type, content)?;
            }
            layout.set_image(&name, image.descriptor.clone())?;
            Ok(())
        })
        .await?
    }
}
