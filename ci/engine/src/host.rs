//! Directories of the host: read once in a session, copied into the store only when something needs their files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ci_oci::Digest;
use ci_rootfs::import::{self, Digests, Filter, Tree};
use ci_rootfs::op::Op;
use ci_store::{Stat, StatCache, Store};

use crate::Group;
use crate::error::Result;
use crate::lazy::Lazy;
use crate::progress::Outcome;
use crate::session::Session;

/// A directory of the host, through a filter.
#[derive(Debug)]
pub(crate) struct HostDirectory {
    /// Absolute path.
    pub(crate) root: PathBuf,
    /// What of it is taken.
    pub(crate) filter: Filter,
    group: Group,
    tree: Lazy<Arc<Tree>>,
    layer: Lazy<Option<Digest>>,
}

impl HostDirectory {
    /// A directory that is read when it is first needed.
    pub(crate) fn new(root: PathBuf, filter: Filter, group: Group) -> Arc<Self> {
        let (path, what) = (root.clone(), filter.clone());
        let tree = Lazy::new(move |session| scan(session, path.clone(), what.clone()));
        Arc::new_cyclic(|this: &std::sync::Weak<Self>| {
            let this = this.clone();
            let layer = Lazy::new(move |session| {
                let this = this.clone();
                async move {
                    match this.upgrade() {
                        Some(this) => this.materialise(session).await,
                        None => Ok(None),
                    }
                }
            });
            Self {
                root,
                filter,
                group,
                tree,
                layer,
            }
        })
    }

    /// What is in it, as read once.
    pub(crate) async fn tree(&self, session: &Arc<Session>) -> Result<Arc<Tree>> {
        self.tree.get(session).await
    }

    /// Its files as a layer; `None` if there are none.
    pub(crate) async fn layer(&self, session: &Arc<Session>) -> Result<Option<Digest>> {
        self.layer.get(session).await
    }

    async fn materialise(&self, session: Arc<Session>) -> Result<Option<Digest>> {
        let tree = self.tree(&session).await?;
        if tree.entries.is_empty() {
            return Ok(None);
        }
        let key = tree.digest();
        // What was read decides, so this holds whatever `no_cache` says: it saves copying, not running.
        if let Some(layer) = session.store.result::<Digest>("import", &key) {
            return Ok(Some(layer));
        }
        let _permit = session.permit().await?;
        // A single file is no step worth showing.
        let is_one_file = tree.entries.len() == 1;
        let step = (!is_one_file).then(|| {
            let name = format!("read {}", self.shown(&session));
            session.options.progress.start(&self.group, name, None)
        });
        let place = Digest::of(format!("{} {:?}", self.root.display(), self.filter));
        let earlier = session
            .store
            .result::<Digest>("import-place", &place)
            .and_then(|layer| session.store.layer(&layer));
        let (staging, layer) = session.stage()?;
        let (into, root) = (layer.dir.clone(), self.root.clone());
        tokio::task::spawn_blocking(move || {
            import::materialise(
                &tree,
                &root,
                &into,
                earlier.as_ref().map(|layer| layer.dir.as_path()),
            )
        })
        .await??;
        let layer = session.commit(staging, Op::Hash { layer }).await?;
        session.record_layer("import", &key, layer)?;
        session.record_layer("import-place", &place, layer)?;
        if let Some(step) = step {
            step.finish(Outcome::Done);
        }
        Ok(Some(layer))
    }

    fn shown(&self, session: &Session) -> String {
        let path = self
            .root
            .strip_prefix(&session.options.workdir)
            .unwrap_or(&self.root);
        if path.as_os_str().is_empty() {
            ".".into()
        } else {
            path.display().to_string()
        }
    }
}

async fn scan(session: Arc<Session>, root: PathBuf, filter: Filter) -> Result<Arc<Tree>> {
    let tree = tokio::task::spawn_blocking(move || read(&session.store, &root, &filter));
    Ok(Arc::new(tree.await??))
}

fn read(store: &Store, root: &Path, filter: &Filter) -> Result<Tree> {
    let mut known = Known {
        cache: StatCache::load(store, root),
        seen: now(),
    };
    let tree = import::scan(root, filter, &mut known)?;
    known.cache.save()?;
    Ok(tree)
}

/// What is in a directory of the host, through a filter, as an engine on this store sees it: what is known of unchanged files is not
/// read again.
///
/// # Errors
/// When something cannot be read, or the store cannot be written to.
pub fn scan_directory(store: &Store, root: &Path, filter: &Filter) -> std::io::Result<Tree> {
    read(store, root, filter).map_err(|error| std::io::Error::other(error.to_string()))
}

/// Digests remembered from earlier runs.
struct Known {
    cache: StatCache,
    /// When the scan began: before anything was read.
    seen: i64,
}

impl Known {
    fn stat(&self, stat: &rustix::fs::Stat) -> Stat {
        let time = |seconds: i64, nanoseconds: u64| {
            seconds
                .saturating_mul(1_000_000_000)
                .saturating_add_unsigned(nanoseconds)
        };
        Stat {
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: time(stat.st_mtime, stat.st_mtime_nsec),
            ctime: time(stat.st_ctime, stat.st_ctime_nsec),
            seen: self.seen,
        }
    }
}

impl Digests for Known {
    fn known(&self, stat: &rustix::fs::Stat) -> Option<Digest> {
        self.cache.get(&self.stat(stat))
    }

    fn learn(&mut self, stat: &rustix::fs::Stat, digest: Digest) {
        self.cache.insert(&self.stat(stat), digest);
    }
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Reads a file of the host below `root`, which no link in it leaves (E5); `None` if it is not there.
pub(crate) fn read_below(root: &Path, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
    Ok(import::read_below(root, Path::new(path), limit)?)
}
