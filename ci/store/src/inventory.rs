//! Everything the store holds, as found on the disk: what account, prune and verification have in
//! common.

use std::fs::{self, Metadata};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use ci_oci::Digest;

use crate::durability::Standing;
use crate::error::Result;
use crate::files;
use crate::layers::LayerRecord;
use crate::store::Inner;
use crate::usage::{Space, Usage, tree_size};
use crate::volumes::VolumeRecord;

#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) blobs: Vec<Item<Digest>>,
    /// Blobs of which a part has been downloaded.
    pub(crate) partial: Vec<Item<()>>,
    pub(crate) layers: Vec<Item<Standing<LayerRecord>>>,
    pub(crate) results: Vec<Item<()>>,
    /// Every copy of every volume.
    pub(crate) volumes: Vec<Item<Standing<VolumeRecord>>>,
    pub(crate) stats: Vec<Item<()>>,
    /// What the store did not put there.
    pub(crate) strangers: Vec<PathBuf>,
}

#[derive(Debug)]
pub(crate) struct Item<T> {
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) size: u64,
    /// Last use, where it is known.
    pub(crate) used: SystemTime,
    pub(crate) what: T,
}

impl Inventory {
    pub(crate) fn take(store: &Inner) -> Result<Self> {
        let mut found = Self::default();
        found.take_blobs(store)?;
        found.take_layers(store)?;
        found.take_results(store)?;
        found.take_volumes(store)?;
        for path in files::list(&store.root.join("partial"))? {
            found.partial.extend(Item::of_file(path, ()));
        }
        for path in files::list(&store.root.join("stat"))? {
            found.stats.extend(Item::of_file(path, ()));
        }
        Ok(found)
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            blobs: space(&self.blobs) + space(&self.partial),
            layers: space(&self.layers),
            results: space(&self.results),
            volumes: space(&self.volumes),
            stats: space(&self.stats),
        }
    }

    fn take_blobs(&mut self, store: &Inner) -> Result<()> {
        for shard in files::list(&store.root.join("blobs/sha256"))? {
            for path in self.inside(shard)? {
                match Digest::from_hex(files::name(&path)) {
                    Ok(digest) if path == store.blob_path(&digest) => {
                        self.blobs.extend(Item::of_file(path, digest))
                    }
                    _ => self.strangers.push(path),
                }
            }
        }
        Ok(())
    }

    fn take_layers(&mut self, store: &Inner) -> Result<()> {
        for path in files::list(&store.root.join("layers"))? {
            if Digest::from_hex(files::name(&path)).is_err() {
                self.strangers.push(path);
                continue;
            }
            let record: Standing<LayerRecord> = store.durability.standing(&path);
            let known = record.as_ref().whole().map(|record| record.size);
            let size = known.unwrap_or_else(|| tree_size(&path));
            self.layers.push(Item {
                path,
                size,
                used: UNIX_EPOCH,
                what: record,
            });
        }
        Ok(())
    }

    fn take_results(&mut self, store: &Inner) -> Result<()> {
        for kind in files::list(&store.root.join("results"))? {
            for shard in self.inside(kind)? {
                for path in self.inside(shard)? {
                    match Digest::from_hex(files::name(&path)) {
                        Ok(_) => self.results.extend(Item::of_file(path, ())),
                        Err(_) => self.strangers.push(path),
                    }
                }
            }
        }
        Ok(())
    }

    fn take_volumes(&mut self, store: &Inner) -> Result<()> {
        for volume in files::list(&store.root.join("caches"))? {
            for path in self.inside(volume)? {
                if files::name(&path).parse::<u32>().is_ok() {
                    let record: Standing<VolumeRecord> = store.durability.standing(&path);
                    let known = record.as_ref().whole().and_then(|record| record.size);
                    let size = known.unwrap_or_else(|| tree_size(&path));
                    let used =
                        fs::metadata(path.join("record")).map_or(UNIX_EPOCH, |m| last_use(&m));
                    self.volumes.push(Item {
                        path,
                        size,
                        used,
                        what: record,
                    });
                } else if path.extension().is_none_or(|extension| extension != "lock") {
                    self.strangers.push(path);
                }
            }
        }
        Ok(())
    }

    /// The entries of a folder of the layout; a file in its place is a stranger.
    fn inside(&mut self, dir: PathBuf) -> Result<Vec<PathBuf>> {
        if dir.is_dir() {
            return files::list(&dir);
        }
        self.strangers.push(dir);
        Ok(Vec::new())
    }
}

impl<T> Item<T> {
    /// `None` if it has gone meanwhile.
    fn of_file(path: PathBuf, what: T) -> Option<Self> {
        let metadata = fs::symlink_metadata(&path).ok()?;
        Some(Self {
            size: metadata.len(),
            used: last_use(&metadata),
            path,
            what,
        })
    }
}

fn last_use(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(UNIX_EPOCH)
}

fn space<T>(items: &[Item<T>]) -> Space {
    items.iter().map(|item| item.size).collect()
}
