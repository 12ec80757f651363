//! Images: from containers to manifests and blobs in the store, and as one file, an OCI image layout in a tar archive.

mod layout;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use ci_oci::archive::Content;
use ci_oci::{Descriptor, Digest, Platform, archive, assembly};

use crate::Group;
use crate::container::Container;
use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::lazy::Lazy;
use crate::progress::Outcome;
use crate::session::Session;

/// An image for one or several platforms, as a file that is written when it is needed.
#[derive(Debug)]
pub(crate) struct Archive {
    image: Lazy<Arc<Assembled>>,
}

/// An image with all its documents.
#[derive(Debug)]
pub(crate) struct Assembled {
    /// Points at the manifest, or at the index of several.
    pub(crate) descriptor: Descriptor,
    /// Documents by descriptor: index, manifests, configs.
    documents: Vec<(Descriptor, Vec<u8>)>,
    /// Layers, each once; blobs in the store.
    layers: Vec<Descriptor>,
}

impl Archive {
    /// The image of `containers`, which differ in their platforms.
    pub(crate) fn new(containers: Vec<Arc<Container>>, group: Group) -> Self {
        let image = Lazy::new(move |session| {
            let (containers, group) = (containers.clone(), group.clone());
            async move { assemble(&session, &containers, &group).await.map(Arc::new) }
        });
        Self { image }
    }

    /// The image.
    pub(crate) async fn image(&self, session: &Arc<Session>) -> Result<Arc<Assembled>> {
        self.image.get(session).await
    }

    /// Writes the archive to a host file, atomically.
    pub(crate) async fn export(&self, session: &Arc<Session>, dest: &Path) -> Result<()> {
        let image = self.image(session).await?;
        let (session, dest) = (session.clone(), dest.to_owned());
        tokio::task::spawn_blocking(move || {
            let parent = dest.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(parent)?;
            let mut file = tempfile::NamedTempFile::new_in(parent)?;
            image.write(&session, file.as_file_mut())?;
            file.as_file().sync_data()?;
            file.persist(&dest).map_err(|error| error.error)?;
            Ok(())
        })
        .await?
    }

    /// The archive as a file of a root file system, for calls that put it into a directory.
    pub(crate) async fn as_file(&self, session: &Arc<Session>) -> Result<(Rootfs, String)> {
        let image = self.image(session).await?;
        let (staging, layer) = session.stage()?;
        let (writer, path) = (session.clone(), layer.dir.join("image.tar"));
        tokio::task::spawn_blocking(move || image.write(&writer, &mut File::create(path)?))
            .await??;
        let layer = session
            .commit(staging, ci_rootfs::op::Op::Hash { layer })
            .await?;
        Ok((Rootfs::default().with(layer), "/image.tar".into()))
    }
}

impl Assembled {
    fn write(&self, session: &Session, out: &mut File) -> Result<()> {
        let paths: Vec<_> = self
            .layers
            .iter()
            .map(|layer| session.store.blob_path(&layer.digest))
            .collect();
        let layers = self
            .layers
            .iter()
            .cloned()
            .zip(paths.iter().map(|path| Content::File(path)));
        let documents = self
            .documents
            .iter()
            .map(|(descriptor, content)| (descriptor.clone(), Content::Bytes(content)));
        let mut out = BufWriter::with_capacity(1 << 18, out);
        archive::write_blobs(
            vec![self.descriptor.clone().named("latest")],
            documents.chain(layers),
            &mut out,
        )?;
        out.flush()?;
        Ok(())
    }
}

async fn assemble(
    session: &Arc<Session>,
    containers: &[Arc<Container>],
    group: &Group,
) -> Result<Assembled> {
    let mut documents = Vec::new();
    let mut manifests: Vec<(Platform, Descriptor)> = Vec::new();
    let mut layers: BTreeMap<Digest, Descriptor> = BTreeMap::new();
    for container in containers {
        let blobs = compress(session, container, group).await?;
        let created = created(session.options.source_date_epoch)?;
        let mut config = container.image.clone();
        for step in config
            .history
            .iter_mut()
            .filter(|step| step.created.is_none())
        {
            step.created = Some(created.clone());
        }
        config.created = Some(created);
        let pairs: Vec<_> = blobs
            .into_iter()
            .zip(container.rootfs.layers.iter().copied())
            .collect();
        let image = assembly::assemble(&config, &pairs, &container.annotations)?;
        layers.extend(pairs.into_iter().map(|(blob, _)| (blob.digest, blob)));
        documents.push((image.config_descriptor, image.config));
        documents.push((image.descriptor.clone(), image.manifest));
        if manifests
            .iter()
            .any(|(platform, _)| *platform == config.platform())
        {
            return Err(Error::new(format!(
                "two variants of the image are for the platform {}",
                config.platform()
            )));
        }
        manifests.push((config.platform(), image.descriptor));
    }
    let layers = layers.into_values().collect();
    if let [(_, only)] = &manifests[..] {
        return Ok(Assembled {
            descriptor: only.clone(),
            documents,
            layers,
        });
    }
    let annotations = shared(containers.iter().map(|container| &container.annotations));
    let (index, descriptor) = assembly::index(&manifests, &annotations)?;
    documents.push((descriptor.clone(), index));
    Ok(Assembled {
        descriptor,
        documents,
        layers,
    })
}

/// What is said of all alike holds for the whole.
fn shared<'a>(
    mut each: impl Iterator<Item = &'a BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut shared = each.next().cloned().unwrap_or_default();
    for other in each {
        shared.retain(|name, value| other.get(name) == Some(value));
    }
    shared
}

/// Blobs of all layers, those missing compressed in parallel. Layers of a base image are the blobs they came as.
async fn compress(
    session: &Arc<Session>,
    container: &Container,
    group: &Group,
) -> Result<Vec<Descriptor>> {
    let layers = &container.rootfs.layers;
    let is_ready = layers.iter().all(|layer| {
        container.blobs.contains_key(layer) || session.store.compressed(layer).is_some()
    });
    let step = (!is_ready).then(|| {
        session
            .options
            .progress
            .start(group, "compress layers", None)
    });
    let blobs = layers.iter().map(|layer| async {
        match container.blobs.get(layer) {
            Some(blob) => Ok(blob.clone()),
            None => session.compressed(layer).await,
        }
    });
    let blobs = futures::future::try_join_all(blobs).await?;
    if let Some(step) = step {
        step.finish(Outcome::Done);
    }
    Ok(blobs)
}

/// RFC 3339 in UTC.
pub(crate) fn created(epoch: i64) -> Result<String> {
    jiff::Timestamp::from_second(epoch)
        .map(|time| time.to_string())
        .map_err(|error| Error::new(format!("SOURCE_DATE_EPOCH {epoch}: {error}")))
}
