//! Root file systems as lists of layers in the store, and the file operations that make further layers.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use ci_oci::{Descriptor, Digest, chain_id, manifest::media_type};
use ci_rootfs::LayerDir;
use ci_rootfs::op::{HANDLER, Op, Reply, Status};
use ci_rootfs::read::Listed;
use ci_rootfs::write::Change;
use ci_sandbox::{IdMap, Privilege};
use ci_store::{LayerPaths, Refs, Staging};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::stacking::Traits;

/// A root file system: diff ids of its layers, lowest first. All of them are in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Rootfs {
    /// Diff ids, lowest first.
    pub(crate) layers: Vec<Digest>,
}

impl Rootfs {
    /// One digest for all of it: the chain id of the OCI image specification.
    pub(crate) fn key(&self) -> Digest {
        chain_id(&self.layers)
    }

    /// With one more layer on top.
    pub(crate) fn with(&self, layer: Digest) -> Self {
        let mut layers = self.layers.clone();
        layers.push(layer);
        Self { layers }
    }
}

/// What a digest of a canonical JSON text identifies: an operation and everything its result depends on.
pub(crate) fn key_of(kind: &str, description: &impl Serialize) -> Result<Digest> {
    let description = serde_json::to_string(description)?;
    Ok(Digest::of(format!(
        "{kind} {} {description}",
        ci_oci::profile::PROFILE
    )))
}

impl Session {
    /// Runs a file operation where its privileges are.
    pub(crate) async fn file_op(&self, op: &Op) -> Result<Reply> {
        let answer = self.sandbox.call(HANDLER, serde_json::to_vec(op)?).await;
        match answer {
            Ok(answer) => Ok(serde_json::from_slice(&answer)?),
            Err(ci_sandbox::Error::Handler { message, .. }) => Err(Error::new(message)),
            Err(error) => Err(error.into()),
        }
    }

    /// The directories of a root file system's layers, each once: the kernel merges no directory twice. Of a layer that comes
    /// again only the topmost one shows, since it has all that the lower one has.
    pub(crate) fn layer_dirs(&self, rootfs: &Rootfs) -> Result<Vec<LayerDir>> {
        let mut seen = HashSet::new();
        let mut dirs = self
            .stacking
            .mounted(&rootfs.layers)
            .iter()
            .rev()
            .filter(|layer| seen.insert(**layer))
            .map(|layer| self.layer_dir(layer))
            .collect::<Result<Vec<_>>>()?;
        dirs.reverse();
        Ok(dirs)
    }

    /// The directory of a layer.
    pub(crate) fn layer_dir(&self, layer: &Digest) -> Result<LayerDir> {
        let gone = || {
            Error::new(format!(
                "layer {layer} is no longer in the store; run again"
            ))
        };
        let LayerPaths { dir, owners } = self.store.layer(layer).ok_or_else(gone)?;
        Ok(LayerDir { dir, owners })
    }

    /// A recorded layer, if it is still there.
    pub(crate) fn recorded_layer(&self, kind: &str, key: &Digest) -> Option<Digest> {
        (!self.options.no_cache)
            .then(|| self.store.result::<Digest>(kind, key))
            .flatten()
    }

    /// Records that an operation gave a layer.
    pub(crate) fn record_layer(&self, kind: &str, key: &Digest, layer: Digest) -> Result<()> {
        Ok(self.store.put_result(
            kind,
            key,
            &layer,
            Refs {
                layers: vec![layer],
                blobs: Vec::new(),
            },
        )?)
    }

    /// Names a staged layer that an operation has filled, and puts it into the store.
    pub(crate) async fn commit(&self, staging: Staging, op: Op) -> Result<Digest> {
        let Reply::Layer { diff_id, size } = self.file_op(&op).await? else {
            return Err(unexpected());
        };
        let diff = diff_id;
        tokio::task::spawn_blocking(move || staging.sized(size).commit(&diff)).await??;
        Ok(diff_id)
    }

    /// A staged layer for a file operation.
    pub(crate) fn stage(&self) -> Result<(Staging, LayerDir)> {
        let staging = self.store.stage()?;
        let layer = LayerDir {
            dir: staging.fs.clone(),
            owners: staging.owners.clone(),
        };
        Ok((staging, layer))
    }

    /// Makes small changes on top of a root file system; nothing to change is no layer.
    pub(crate) async fn write(&self, below: &Rootfs, changes: Vec<Change>) -> Result<Digest> {
        let key = key_of("write", &(below.key(), &changes))?;
        if let Some(layer) = self.recorded_layer("write", &key) {
            return Ok(layer);
        }
        let (staging, upper) = self.stage()?;
        let layer = self
            .commit(
                staging,
                Op::Write {
                    below: self.layer_dirs(below)?,
                    upper,
                    changes,
                },
            )
            .await?;
        self.record_layer("write", &key, layer)?;
        Ok(layer)
    }

    /// The contents of files of at most `limit` bytes; `None` for those that are not there.
    pub(crate) async fn read_files(
        &self,
        rootfs: &Rootfs,
        paths: &[&str],
        limit: u64,
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        match self
            .file_op(&Op::ReadFiles {
                layers: self.layer_dirs(rootfs)?,
                paths,
                limit,
            })
            .await?
        {
            Reply::Contents(contents) => Ok(contents),
            _ => Err(unexpected()),
        }
    }

    /// The content of a file of at most `limit` bytes.
    pub(crate) async fn read(&self, rootfs: &Rootfs, path: &str, limit: u64) -> Result<Vec<u8>> {
        let op = Op::ReadFile {
            layers: self.layer_dirs(rootfs)?,
            path: path.to_owned(),
            limit,
        };
        match self.file_op(&op).await? {
            Reply::Content(content) => Ok(content),
            _ => Err(unexpected()),
        }
    }

    /// What is at a path.
    pub(crate) async fn stat(
        &self,
        rootfs: &Rootfs,
        path: &str,
        follow: bool,
    ) -> Result<Option<Status>> {
        let op = Op::Stat {
            layers: self.layer_dirs(rootfs)?,
            path: path.to_owned(),
            follow,
        };
        match self.file_op(&op).await? {
            Reply::Status(status) => Ok(status),
            _ => Err(unexpected()),
        }
    }

    /// What is in a directory.
    pub(crate) async fn entries(&self, rootfs: &Rootfs, path: &str) -> Result<Vec<Listed>> {
        let op = Op::Entries {
            layers: self.layer_dirs(rootfs)?,
            path: path.to_owned(),
        };
        match self.file_op(&op).await? {
            Reply::Entries(entries) => Ok(entries),
            _ => Err(unexpected()),
        }
    }

    /// The blob of a layer's compressed archive, made if it is not there.
    pub(crate) async fn compressed(self: &Arc<Self>, layer: &Digest) -> Result<Descriptor> {
        if let Some(blob) = self.store.compressed(layer) {
            return Ok(blob);
        }
        let _permit = self.permit().await?;
        let dir = self.layer_dir(layer)?;
        let (staging, _) = self.stage()?;
        let out = staging.work.join("layer.tar.gz");
        let Reply::Blob {
            diff_id,
            digest,
            size,
        } = self
            .file_op(&Op::Pack {
                layer: dir,
                out: out.clone(),
            })
            .await?
        else {
            return Err(unexpected());
        };
        if diff_id != *layer {
            // Others pack otherwise.
            if let Some(blob) = self.foreign_blob(layer) {
                return Ok(blob);
            }
            return Err(Error::new(format!(
                "layer {layer} is damaged in the store: its content is {diff_id} (remove it with `cache verify --repair`)"
            )));
        }
        let store = self.store.clone();
        let layer = *layer;
        tokio::task::spawn_blocking(move || {
            let mut writer = store.blob_writer(Some((digest, size)))?;
            std::io::copy(&mut std::fs::File::open(&out)?, &mut writer)?;
            writer.finish()?;
            drop(staging);
            let blob = Descriptor::new(media_type::OCI_LAYER_GZIP, digest, size);
            store.put_compressed(&layer, &blob)?;
            Ok(blob)
        })
        .await?
    }

    /// The traits of a layer of others that is in the store already.
    pub(crate) fn unpacked(&self, diff_id: &Digest) -> Option<Traits> {
        self.store.layer(diff_id)?;
        self.store.result("traits", diff_id)
    }

    /// Unpacks the archive of a layer, a blob of the store, unless the layer is there and its traits are known.
    pub(crate) async fn unpack(&self, blob: &Descriptor, diff_id: &Digest) -> Result<Traits> {
        if let Some(traits) = self.unpacked(diff_id) {
            return Ok(traits);
        }
        let permit = self.permit().await?;
        let archive = self.store.blob_path(&blob.digest);
        self.unpack_with(permit, archive, blob.size, diff_id).await
    }

    /// Unpacks a layer's archive of `size` bytes, which may still be arriving through a pipe.
    pub(crate) async fn unpack_with(
        &self,
        _permit: OwnedSemaphorePermit,
        archive: PathBuf,
        size: u64,
        diff_id: &Digest,
    ) -> Result<Traits> {
        let (staging, into) = self.stage()?;
        let record = matches!(
            self.sandbox.privilege(),
            Privilege::Rootless { ids: IdMap::Single }
        );
        let Reply::Unpacked {
            diff_id: found,
            content,
            size,
            implied,
            covers,
        } = self
            .file_op(&Op::Unpack {
                archive,
                size,
                into,
                record,
            })
            .await?
        else {
            return Err(unexpected());
        };
        if found != *diff_id {
            return Err(Error::new(format!(
                "a layer unpacks to {found}, but its image says {diff_id}"
            )));
        }
        tokio::task::spawn_blocking(move || staging.sized(size).content(content).commit(&found))
            .await??;
        let traits = Traits { implied, covers };
        let refs = Refs {
            layers: vec![found],
            blobs: Vec::new(),
        };
        self.store.put_result("traits", &found, &traits, refs)?;
        Ok(traits)
    }
}

/// An answer of another kind than the operation has.
pub(crate) fn unexpected() -> Error {
    Error::new("a file operation gave an answer of another kind")
}
