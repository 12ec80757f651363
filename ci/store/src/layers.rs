//! Layers: folders in the kernel's overlay format under their diff id, `layers/<hex>/{fs/, owners,
//! record}`.
//!
//! A layer is made in a [`Staging`] and becomes visible by one rename, complete or not at all. The
//! record carries its size and its [`Stamp`]; a layer that a power loss may have damaged counts as
//! absent.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use ci_oci::Digest;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::durability::{Stamp, Stamped};
use crate::error::{Error, Result};
use crate::store::{Inner, Store};
use crate::{files, record, usage};

/// Where a layer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerPaths {
    /// The files, in overlay format.
    pub dir: PathBuf,
    /// The sidecar with what the disk could not hold (`ci_oci::Owners`); often there is none.
    pub owners: PathBuf,
}

impl LayerPaths {
    pub(crate) fn of(layer: &Path) -> Self {
        Self {
            dir: layer.join("fs"),
            owners: layer.join("owners"),
        }
    }
}

/// What is known of a layer besides its files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LayerRecord {
    pub(crate) diff_id: Digest,
    /// Digest of the canonical archive of what is on disk: the diff id itself, except for layers that others have packed.
    pub(crate) content: Digest,
    pub(crate) stamp: Stamp,
    /// Bytes, for the account of space.
    pub(crate) size: u64,
}

impl Stamped for LayerRecord {
    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn belongs(&self, path: &Path) -> bool {
        files::name(path) == self.diff_id.hex()
    }
}

impl Store {
    /// The layer with this diff id, if the store has it whole.
    #[must_use]
    pub fn layer(&self, diff_id: &Digest) -> Option<LayerPaths> {
        self.inner.layer(diff_id)
    }

    /// Begins a layer.
    ///
    /// # Errors
    /// The temporary folder cannot be created.
    pub fn stage(&self) -> Result<Staging> {
        let root = self.inner.session.path()?;
        let layer = root.join("layer");
        let LayerPaths { dir: fs, owners } = LayerPaths::of(&layer);
        let work = root.join("work");
        for dir in [&root, &layer, &fs, &work] {
            files::create_dir(dir)?;
        }
        // This one will be seen: it is the root folder of the layer.
        fs::set_permissions(&fs, Permissions::from_mode(0o755))
            .map_err(Error::io("create", &fs))?;
        Ok(Staging {
            fs,
            work,
            owners,
            size: None,
            content: None,
            root,
            store: self.clone(),
        })
    }
}

impl Inner {
    pub(crate) fn layer_path(&self, diff_id: &Digest) -> PathBuf {
        self.root.join("layers").join(diff_id.hex())
    }

    pub(crate) fn layer(&self, diff_id: &Digest) -> Option<LayerPaths> {
        let path = self.layer_path(diff_id);
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if !whole.contains(diff_id) {
            let _: LayerRecord = self.durability.standing(&path).whole()?;
            whole.insert(*diff_id);
        }
        Some(LayerPaths::of(&path))
    }
}

/// A layer being made. Dropped without [`Staging::commit`], it is removed.
#[derive(Debug)]
pub struct Staging {
    /// The layer's files: an empty folder with mode 0755.
    pub fs: PathBuf,
    /// An empty folder on the same file system, for the kernel (overlayfs `workdir`).
    pub work: PathBuf,
    /// Where the sidecar goes if there is one; does not exist yet.
    pub owners: PathBuf,
    size: Option<u64>,
    content: Option<Digest>,
    root: PathBuf,
    store: Store,
}

impl Staging {
    /// Tells the size of the content in bytes, as the size of its archive does, and saves measuring
    /// it.
    #[must_use]
    pub fn sized(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Tells the digest of the canonical archive of what is on disk, where that is not the diff id: a layer that others have
    /// packed has other times, and another order, in its own archive.
    #[must_use]
    pub fn content(mut self, digest: Digest) -> Self {
        self.content = Some(digest);
        self
    }

    /// Makes it the layer `diff_id`. If the store has that layer already, this one is discarded.
    /// Nothing may be mounted on it, and nothing may write to it any more.
    ///
    /// # Errors
    /// It cannot be recorded or renamed; then it is discarded.
    pub fn commit(self, diff_id: &Digest) -> Result<LayerPaths> {
        let store = &self.store.inner;
        let layer = self.root.join("layer");
        let record = LayerRecord {
            diff_id: *diff_id,
            content: self.content.unwrap_or(*diff_id),
            size: self.size.unwrap_or_else(|| usage::tree_size(&layer)),
            stamp: store.durability.stamp(),
        };
        let path = layer.join("record");
        let bytes = record::encode(&record).map_err(Error::io("write", &path))?;
        files::replace(&path, &layer.join(".record"), &bytes, false)?;

        let target = store.layer_path(diff_id);
        while store.layer(diff_id).is_none() {
            match fs::rename(&layer, &target) {
                Ok(()) => break,
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists
                    ) =>
                {
                    // Another process may have just made it.
                    if store.layer(diff_id).is_none() && self.supersede(&layer, &target)? {
                        break;
                    }
                }
                Err(e) => return Err(Error::io("create", &target)(e)),
            }
        }
        store.wrote(true);
        Ok(LayerPaths::of(&target))
    }

    /// Takes the place of a layer that does not count, or empties that place and returns `false`.
    /// Whoever might use that layer has been told that it does not exist.
    fn supersede(&self, layer: &Path, target: &Path) -> Result<bool> {
        match renameat_with(CWD, layer, CWD, target, RenameFlags::EXCHANGE) {
            // What was there is now in the staging folder, and goes with it.
            Ok(()) => Ok(true),
            // Some file systems cannot exchange.
            Err(Errno::INVAL | Errno::NOSYS) => self.store.inner.discard(target).map(|()| false),
            Err(errno) => Err(Error::io("create", target)(errno)),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is in our temporary folder, and removed with it by whoever
        // comes next.
        drop(self.store.inner.remove(&self.root));
    }
}

#[cfg(test)]
mod tests;
