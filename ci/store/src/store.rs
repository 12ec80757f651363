//! Opening and closing: the layout on disk, the lock that keeps a prune away from running builds,
//! the leftovers of the dead.

use std::collections::HashSet;
use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ci_oci::Digest;

use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::files;
use crate::location::{check_version, refuse_foreign, root_from};
use crate::lock::{self, Mode, Waiting};
use crate::remove::{Remover, remove_tree};
use crate::session::{self, Session};

/// A store, shared by all who open its folder. Cheap to clone; the folder is released when the last
/// clone, [`crate::Staging`], [`crate::BlobWriter`] and [`crate::CacheLease`] is dropped.
///
/// All calls block on the file system, none for long except where a [`Waiting`] is asked for.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) root: PathBuf,
    pub(crate) session: Session,
    pub(crate) durability: Durability,
    remover: Option<Remover>,
    /// Layers seen to be whole. Nobody removes one while we hold the shared lock, so seen once is
    /// enough.
    pub(crate) whole: Mutex<HashSet<Digest>>,
    /// Whether something was written that is not yet known to be on the disk.
    dirty: AtomicBool,
    /// Whether anything was written at all.
    grown: AtomicBool,
    /// Shared while the store is open; exclusive to prune and repair.
    lock: File,
}

/// How to open a store.
#[derive(Clone, Default)]
pub struct Options {
    /// Asked to remove folders that [`remove_tree`] is not permitted to.
    pub remover: Option<Remover>,
    /// The boot id to take for the running one; tests reboot with it.
    pub(crate) boot: Option<String>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in the folder `root`, creating it where it does not exist.
    ///
    /// # Errors
    /// The folder is a store of another format, or has other content, or cannot be written to.
    /// While a prune runs, it waits.
    pub fn open(root: &Path) -> Result<Self> {
        Self::open_with(root, Options::default(), &mut |_| ControlFlow::Continue(()))
    }

    /// As [`Store::open`], with a say in how folders are removed and how long a running prune is
    /// waited for.
    ///
    /// # Errors
    /// As [`Store::open`], and [`Error::Busy`] when `waiting` gives up.
    pub fn open_with(root: &Path, options: Options, waiting: Waiting<'_>) -> Result<Self> {
        files::create_dir_all(root)?;
        let root = fs::canonicalize(root).map_err(Error::io("resolve", root))?;
        refuse_foreign(&root)?;

        let path = root.join("lock");
        let lock = files::open_lock(&path)?;
        lock::lock(&lock, &path, Mode::Shared, waiting)?;
        check_version(&root)?;
        for dir in [
            "tmp",
            "blobs",
            "blobs/sha256",
            "partial",
            "layers",
            "results",
            "caches",
            "stat",
            "durable",
        ] {
            files::create_dir(&root.join(dir))?;
        }
        let leftovers = session::leftovers(&root)?;
        let durable = root.join("durable");
        let durability = match options.boot {
            Some(boot) => Durability::at_boot(durable, &boot),
            None => Durability::new(durable)?,
        };
        let inner = Inner {
            session: Session::new(&root),
            root,
            durability,
            remover: options.remover,
            whole: Mutex::default(),
            // The dead could not say that what they wrote is on the disk: we do, for them.
            dirty: AtomicBool::new(!leftovers.is_empty()),
            grown: AtomicBool::new(false),
            lock,
        };
        for leftover in leftovers {
            // It may still be in use by a process that is about to die with its parent. Then the
            // next one removes it.
            drop(inner.remove(&leftover.path));
        }
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Where the store is kept unless told otherwise: `$PIPELINE_CACHE_DIR`,
    /// `$XDG_CACHE_HOME/pipeline` or `~/.cache/pipeline`.
    ///
    /// # Errors
    /// [`Error::NoRoot`] if the environment says nothing.
    pub fn default_root() -> Result<PathBuf> {
        root_from(&|name| env::var_os(name))
    }

    /// The folder the store is in; absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Brings what was written to the disk, so that it survives a power loss, and says so (see [the
    /// crate's documentation](crate#power-loss)). Dropping the last clone does the same, but cannot
    /// report failure.
    ///
    /// # Errors
    /// The file system could not be flushed: what was written counts until the next reboot.
    pub fn close(self) -> Result<()> {
        self.inner.sync()
    }
}

impl Store {
    /// Runs `work` while nobody else has the store open: neither another process, nor (hence
    /// `&mut`) another clone in this one.
    pub(crate) fn exclusively<T>(
        &mut self,
        waiting: Waiting<'_>,
        work: impl FnOnce(&Inner) -> Result<T>,
    ) -> Result<T> {
        let path = self.inner.root.join("lock");
        let Some(inner) = Arc::get_mut(&mut self.inner) else {
            return Err(Error::Busy {
                path,
                by: "this process itself".into(),
                waited: Duration::ZERO,
            });
        };
        let outcome =
            lock::lock(&inner.lock, &path, Mode::Exclusive, waiting).and_then(|()| work(inner));
        // Converting releases for a moment, and others may have been exclusive meanwhile.
        inner.forget_layers();
        lock::lock_briefly(&inner.lock, &path, Mode::Shared)?;
        outcome
    }
}

impl Inner {
    /// To be called after something has become visible. `unsynced` is what a power loss could take
    /// back.
    pub(crate) fn wrote(&self, unsynced: bool) {
        self.grown.store(true, Ordering::Relaxed);
        self.dirty.fetch_or(unsynced, Ordering::Relaxed);
    }

    pub(crate) fn has_written(&self) -> bool {
        self.grown.load(Ordering::Relaxed)
    }

    /// From now on layers are looked at again.
    fn forget_layers(&self) {
        self.whole
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Moves a folder to where it is no longer found: half removed, it must not be where it was.
    /// `None` if it is not there.
    pub(crate) fn set_aside(&self, path: &Path) -> Result<Option<PathBuf>> {
        let aside = self.session.path()?;
        self.forget_layers();
        match fs::rename(path, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("remove", path)(e)),
        }
    }

    /// Removes a folder in the temporary folder.
    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        remove_tree(path)
            .or_else(|error| match &self.remover {
                Some(remover) if error.kind() == io::ErrorKind::PermissionDenied => remover(path),
                _ => Err(error),
            })
            .map_err(Error::io("remove", path))
    }

    /// Removes a folder from anywhere in the store.
    pub(crate) fn discard(&self, path: &Path) -> Result<()> {
        self.set_aside(path)?
            .map_or(Ok(()), |aside| self.remove(&aside))
    }

    pub(crate) fn sync(&self) -> Result<()> {
        if self.dirty.swap(false, Ordering::Relaxed) {
            let sync = || self.durability.sync(&self.session.path()?);
            sync().inspect_err(|_| self.dirty.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Inner {
    /// What a SIGKILL does: nothing is flushed or removed; the kernel drops the locks.
    pub(crate) fn forget_duties(&self) {
        self.dirty.store(false, Ordering::Relaxed);
        drop(self.session.take());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.sync());
        if let Some(held) = self.session.take() {
            drop(self.remove(&held.path));
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
