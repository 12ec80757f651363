//! Digests of files and folders of this machine: of names, contents, execute bits and links, and of nothing else.

use std::path::Path;

use ci_oci::Digest;
use ci_rootfs::import::{self, Digests, Filter, Tree};
use ci_sandbox::{Privilege, Sandbox};
use ci_store::Store;
use rustix::fs::Stat;

/// Reads what is there. With a store, files that did not change since somebody read them are not read again.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    store: Option<Store>,
}

/// Remembers nothing.
struct Anew;

impl Digests for Anew {
    fn known(&self, _: &Stat) -> Option<Digest> {
        None
    }

    fn learn(&mut self, _: &Stat, _: Digest) {}
}

impl Contents {
    pub(crate) fn new(store: Option<Store>) -> Self {
        Self { store }
    }

    /// With the store of this user, if there is one that can be used: none is made for it.
    pub(crate) async fn of_this_user() -> Self {
        let root = Store::default_root().ok().filter(|root| root.is_dir());
        let store = match root {
            Some(root) => ci_engine::open_store(&root, Sandbox::new(Privilege::detect()))
                .await
                .ok(),
            None => None,
        };
        Self { store }
    }

    /// Of what a folder holds, through a filter.
    pub(super) fn folder(&self, folder: &Path, filter: &Filter) -> eyre::Result<Digest> {
        let tree: Tree = match &self.store {
            Some(store) => ci_engine::scan_directory(store, folder, filter)?,
            None => import::scan(folder, filter, &mut Anew)?,
        };
        Ok(tree.digest())
    }

    /// Of a file, or of everything in a folder. That a path is a link counts for nothing, since it leads to the same.
    pub(super) fn path(&self, path: &Path) -> eyre::Result<Digest> {
        if path.is_dir() {
            return self.folder(path, &Filter::default());
        }
        Ok(Digest::of(std::fs::read(path)?))
    }
}
