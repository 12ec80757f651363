//! What a prune deletes, decided before anything is touched.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ci_oci::Digest;

use super::{Policy, Pruned};
use crate::error::Result;
use crate::files;
use crate::inventory::{Inventory, Item};
use crate::results::{Refs, refs_of};
use crate::store::Inner;
use crate::usage::{Kind, Space};

/// What is to go.
#[derive(Debug, Default)]
pub(super) struct Plan {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    pruned: Pruned,
    /// Boots that something left was written in.
    boots: HashSet<String>,
}

/// Something that can be forgotten on its own.
#[derive(Debug)]
struct Entry {
    kind: Kind,
    path: PathBuf,
    size: u64,
    used: SystemTime,
    refs: Refs,
}

/// A layer or blob, which stays for as long as an entry refers to it.
#[derive(Debug)]
struct Content {
    kind: Kind,
    path: PathBuf,
    size: u64,
    users: usize,
}

/// Layers by diff id and blobs by digest.
type Contents = HashMap<(Kind, Digest), Content>;

impl Plan {
    pub(super) fn new(store: &Inner, policy: Policy) -> Result<Self> {
        let inventory = Inventory::take(store)?;
        let mut plan = Self {
            pruned: Pruned {
                left: inventory.usage(),
                ..Pruned::default()
            },
            ..Self::default()
        };
        let (mut entries, mut contents) = plan.sort(store, inventory);
        for entry in &entries {
            for key in keys(&entry.refs) {
                contents.entry(key).and_modify(|content| content.users += 1);
            }
        }
        for content in contents.values().filter(|content| content.users == 0) {
            plan.condemn(content.kind, &content.path, content.size);
        }
        entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        let old = policy
            .older_than
            .and_then(|age| SystemTime::now().checked_sub(age));
        for entry in &entries {
            let too_old = old.is_some_and(|old| entry.used < old);
            let too_much = policy
                .max_bytes
                .is_some_and(|max| plan.pruned.left.total().bytes > max);
            if policy.all || too_old || too_much {
                plan.condemn(entry.kind, &entry.path, entry.size);
                plan.release(&entry.refs, &mut contents);
            }
        }
        Ok(plan)
    }

    /// Parts what can be forgotten from what it refers to; what is damaged goes at once.
    fn sort(&mut self, store: &Inner, inventory: Inventory) -> (Vec<Entry>, Contents) {
        // Nobody has the store open, so nobody goes on with these now.
        for Item { path, size, .. } in inventory.partial {
            self.condemn(Kind::Blob, &path, size);
        }
        let mut contents = Contents::new();
        for Item {
            path,
            size,
            what: digest,
            ..
        } in inventory.blobs
        {
            contents.insert(
                (Kind::Blob, digest),
                Content {
                    kind: Kind::Blob,
                    path,
                    size,
                    users: 0,
                },
            );
        }
        for Item {
            path, size, what, ..
        } in inventory.layers
        {
            let Some(record) = what.whole() else {
                self.condemn(Kind::Layer, &path, size);
                continue;
            };
            self.boots.insert(record.stamp.boot);
            contents.insert(
                (Kind::Layer, record.diff_id),
                Content {
                    kind: Kind::Layer,
                    path,
                    size,
                    users: 0,
                },
            );
        }
        let mut entries = Vec::new();
        for Item {
            path, size, used, ..
        } in inventory.results
        {
            match refs_of(&path).filter(|refs| store.has_all(refs)) {
                Some(refs) => entries.push(Entry {
                    kind: Kind::Result,
                    path,
                    size,
                    used,
                    refs,
                }),
                None => self.condemn(Kind::Result, &path, size),
            }
        }
        for Item {
            path,
            size,
            used,
            what,
        } in inventory.volumes
        {
            let Some(record) = what.whole() else {
                self.condemn(Kind::Volume, &path, size);
                continue;
            };
            self.boots.insert(record.stamp.boot);
            entries.push(Entry {
                kind: Kind::Volume,
                path,
                size,
                used,
                refs: Refs::default(),
            });
        }
        for Item {
            path, size, used, ..
        } in inventory.stats
        {
            entries.push(Entry {
                kind: Kind::Stat,
                path,
                size,
                used,
                refs: Refs::default(),
            });
        }
        (entries, contents)
    }

    fn condemn(&mut self, kind: Kind, path: &Path, size: u64) {
        match kind {
            Kind::Layer | Kind::Volume => self.folders.push(path.to_owned()),
            Kind::Blob | Kind::Result | Kind::Stat => self.files.push(path.to_owned()),
        }
        *self.pruned.freed.of(kind) += size;
        let left = self.pruned.left.of(kind);
        *left = Space {
            count: left.count.saturating_sub(1),
            bytes: left.bytes.saturating_sub(size),
        };
    }

    /// Drops what had no user but the one that is going.
    fn release(&mut self, refs: &Refs, contents: &mut Contents) {
        for key in keys(refs) {
            let Some(content) = contents.get_mut(&key) else {
                continue;
            };
            content.users -= 1;
            if content.users == 0 {
                self.condemn(content.kind, &content.path, content.size);
            }
        }
    }

    /// Deletes, and returns the folders that are still to be emptied.
    pub(super) fn carry_out(mut self, store: &Inner) -> Result<(Pruned, Vec<PathBuf>)> {
        // Results before blobs, whatever the order of their names: a result without its blob would
        // be a lie for a moment.
        self.files
            .sort_by_key(|path| path.starts_with(store.root.join("blobs")));
        for path in &self.files {
            files::remove_file(path)?;
        }
        let mut aside = Vec::new();
        for path in &self.folders {
            aside.extend(store.set_aside(path)?);
            if let (true, Some(volume)) =
                (path.starts_with(store.root.join("caches")), path.parent())
            {
                files::remove_file(&path.with_extension("lock"))?;
                // Until its last copy has gone, this fails.
                drop(std::fs::remove_dir(volume));
            }
        }
        store
            .durability
            .forget_except(&|boot| self.boots.contains(boot))?;
        Ok((self.pruned, aside))
    }
}

/// What these references point at, each once.
fn keys(refs: &Refs) -> BTreeSet<(Kind, Digest)> {
    let layers = refs.layers.iter().map(|layer| (Kind::Layer, *layer));
    layers
        .chain(refs.blobs.iter().map(|blob| (Kind::Blob, *blob)))
        .collect()
}
