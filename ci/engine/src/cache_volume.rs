//! Cache volumes of executions: directories in the store that outlive builds and are part of no image (C5).

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ci_oci::Digest;
use ci_rootfs::op::{HANDLER, Op};
use ci_store::CacheLease;

use crate::error::Result;
use crate::exec::{CacheMount, Exec, Mounted, Sharing};
use crate::session::Session;
use crate::ssh::Forward;

/// What one execution has of the host: cache volumes and sockets, in use as long as this is kept.
pub(crate) struct Leases {
    leases: BTreeMap<String, CacheLease>,
    forwards: Vec<Forward>,
}

impl Leases {
    /// Where a volume is.
    pub(crate) fn path(&self, key: &str) -> Option<PathBuf> {
        self.leases.get(key).map(|lease| lease.path().to_owned())
    }

    /// Keeps a socket open as long.
    pub(crate) fn keep(&mut self, forward: Forward) {
        self.forwards.push(forward);
    }
}

/// Names a volume in the store. Whatever a Dockerfile or a client calls a volume, it is never one of the engine's own, whose files
/// decide what runs on the host.
#[derive(Debug, Clone)]
pub(crate) struct VolumeId(String);

impl VolumeId {
    /// A volume that executions mount.
    fn mount(key: &str) -> Self {
        Self(format!("mount {key}"))
    }

    /// The mirror of a git repository.
    pub(crate) fn git(repository: &Digest) -> Self {
        Self(format!("git {repository}"))
    }
}

/// Tells a thread that waits for a lock that nobody waits for it any more.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Session {
    /// Takes the cache volumes of an execution into use, waiting for those that must not be shared. Each is taken once and
    /// in the order of names, so that two executions never wait for each other (E2).
    pub(crate) async fn lease(self: &Arc<Self>, exec: &Exec) -> Result<Leases> {
        let mut wanted: BTreeMap<&str, &CacheMount> = BTreeMap::new();
        for mount in &exec.mounts {
            if let Mounted::Cache(cache) = &mount.source {
                wanted
                    .entry(&cache.key)
                    .and_modify(|known| {
                        if cache.sharing > known.sharing {
                            *known = cache
                        }
                    })
                    .or_insert(cache);
            }
        }
        let mut leases = BTreeMap::new();
        for (key, cache) in wanted {
            leases.insert(key.to_owned(), self.lease_one(cache).await?);
        }
        Ok(Leases {
            leases,
            forwards: Vec::new(),
        })
    }

    async fn lease_one(self: &Arc<Self>, cache: &CacheMount) -> Result<CacheLease> {
        let sharing = match cache.sharing {
            Sharing::Shared => ci_store::Sharing::Shared,
            Sharing::Private => ci_store::Sharing::Private,
            Sharing::Locked => ci_store::Sharing::Locked,
        };
        let initial = match &cache.initial {
            Some((rootfs, path)) => Some((self.layer_dirs(rootfs)?, path.clone())),
            None => None,
        };
        let (session, owner, mode) = (self.clone(), cache.owner, cache.mode);
        let fill = move |path: &Path| {
            let op = Op::Prepare {
                path: path.to_owned(),
                initial: initial.clone(),
                owner,
                mode,
            };
            let payload = serde_json::to_vec(&op).map_err(std::io::Error::other)?;
            session
                .sandbox
                .call_blocking(HANDLER, &payload)
                .map(drop)
                .map_err(std::io::Error::other)
        };
        self.take_volume(VolumeId::mount(&cache.key), sharing, fill)
            .await
            .map_err(|error| error.context(format!("cache volume {:?}", cache.key)))
    }

    /// Takes a volume into use, filling a new one; waits while others use one that must not be shared.
    pub(crate) async fn take_volume(
        self: &Arc<Self>,
        id: VolumeId,
        sharing: ci_store::Sharing,
        mut fill: impl FnMut(&Path) -> std::io::Result<()> + Send + 'static,
    ) -> Result<CacheLease> {
        let store = self.store.clone();
        let given_up = Arc::new(AtomicBool::new(false));
        let guard = GiveUp(given_up.clone());
        let lease = tokio::task::spawn_blocking(move || {
            let mut waiting = |_| {
                if given_up.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            store.cache_volume(&id.0, sharing, &mut fill, &mut waiting)
        });
        let lease = lease.await?;
        drop(guard);
        Ok(lease?)
    }
}
