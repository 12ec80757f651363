//! How layers that others packed lie on each other, where the kernel would merge them differently from what they mean.
//!
//! A layer may imply directories without describing them, and may hide everything below it. The first takes another layer right
//! above that repeats those directories as they are below: it is only ever mounted, and no part of any image. The second takes
//! leaving out what is below.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ci_oci::{Digest, chain_id};
use ci_rootfs::op::{Op, Reply};
use ci_store::Refs;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::layers::{Rootfs, unexpected};
use crate::session::Session;

/// What an archive says, or does not say, of what is below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traits {
    /// Directories that it implies without describing them, sorted.
    pub(crate) implied: Vec<Vec<u8>>,
    /// It hides everything below it.
    pub(crate) covers: bool,
}

/// What is known of the layers of this session's images.
#[derive(Debug, Default)]
pub(crate) struct Stacking(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Layers that hide everything below them.
    covering: HashSet<Digest>,
    /// What is mounted right above a layer, by the chain id of the layers up to that one.
    above: HashMap<Digest, Digest>,
}

impl Stacking {
    /// The layers to mount, lowest first, for a root file system of these layers.
    pub(crate) fn mounted(&self, layers: &[Digest]) -> Vec<Digest> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.covering.is_empty() && known.above.is_empty() {
            return layers.to_vec();
        }
        let mut mounted = Vec::new();
        let mut chain = None;
        for layer in layers {
            // The chain id of some layers is that of two: the chain below, and the last one.
            let next = match chain {
                Some(chain) => chain_id(&[chain, *layer]),
                None => *layer,
            };
            if known.covering.contains(layer) {
                mounted.clear();
            }
            mounted.push(*layer);
            mounted.extend(known.above.get(&next));
            chain = Some(next);
        }
        mounted
    }

    fn cover(&self, layer: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.covering.insert(layer);
    }

    fn put_above(&self, chain: Digest, layer: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.above.insert(chain, layer);
    }
}

impl Session {
    /// Finds out what an image's layers, with their traits, need to be mounted right. All of them are in the store.
    pub(crate) async fn stack(self: &Arc<Self>, layers: &[(Digest, Traits)]) -> Result<()> {
        let mut below = Rootfs::default();
        for (layer, traits) in layers {
            if traits.covers {
                self.stacking.cover(*layer);
            }
            let with = below.with(*layer);
            if !traits.implied.is_empty()
                && let Some(above) = self.restated(&below, *layer, &traits.implied).await?
            {
                self.stacking.put_above(with.key(), above);
            }
            below = with;
        }
        Ok(())
    }

    /// The layer that repeats what directories are below a layer that only implies them; `None` if none is needed.
    async fn restated(
        self: &Arc<Self>,
        below: &Rootfs,
        layer: Digest,
        implied: &[Vec<u8>],
    ) -> Result<Option<Digest>> {
        let key = below.with(layer).key();
        if let Some(known) = self.store.result::<Option<Digest>>("restated", &key) {
            return Ok(known);
        }
        let _permit = self.permit().await?;
        let (staging, upper) = self.stage()?;
        let op = Op::Restate {
            below: self.layer_dirs(below)?,
            layer: self.layer_dir(&layer)?,
            implied: implied.to_vec(),
            upper,
        };
        let restated = match self.file_op(&op).await? {
            Reply::Done => None,
            Reply::Layer { diff_id, size } => {
                tokio::task::spawn_blocking(move || staging.sized(size).commit(&diff_id)).await??;
                Some(diff_id)
            }
            _ => return Err(unexpected()),
        };
        let refs = Refs {
            layers: restated.into_iter().chain([layer]).collect(),
            blobs: Vec::new(),
        };
        self.store.put_result("restated", &key, &restated, refs)?;
        Ok(restated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_above_a_layer_depends_on_what_is_below() {
        let [a, b, c, above] = ["a", "b", "c", "above"].map(Digest::of);
        let stacking = Stacking::default();
        assert_eq!(stacking.mounted(&[a, b, c]), [a, b, c]);
        stacking.put_above(chain_id(&[a, b]), above);
        assert_eq!(stacking.mounted(&[a, b, c]), [a, b, above, c]);
        assert_eq!(stacking.mounted(&[c, b, a]), [c, b, a]);
        stacking.cover(c);
        assert_eq!(stacking.mounted(&[a, b, c, b]), [c, b]);
    }
}
