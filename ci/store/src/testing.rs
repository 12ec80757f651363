//! What the tests of this crate have in common: a store in a folder of its own, and a toy way to
//! pack layers.

use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ci_oci::Digest;
use tempfile::TempDir;

use crate::{LayerPaths, Options, Report, Result, Store};

/// A folder with a store in it, removed at the end.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.root()).unwrap()
    }

    /// As the machine would open it that was booted as `boot`.
    pub(crate) fn open_at(&self, boot: &str) -> Store {
        let options = Options {
            boot: Some(boot.to_owned()),
            ..Options::default()
        };
        Store::open_with(&self.root(), options, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    /// The store is closed as a SIGKILL would close it: nothing is flushed, nothing removed, the
    /// locks are gone.
    pub(crate) fn kill(store: Store) {
        store.inner.forget_duties();
    }

    /// Files and folders in `tmp`.
    pub(crate) fn leftovers(&self) -> usize {
        fs::read_dir(self.root().join("tmp")).unwrap().count()
    }
}

/// The diff id of a layer that holds one file, `file`, with this content.
pub(crate) fn diff_id(content: &str) -> Digest {
    Digest::of(format!("file={content}"))
}

/// Makes that layer.
pub(crate) fn put_layer(store: &Store, content: &str) -> Digest {
    let staging = store.stage().unwrap();
    fs::write(staging.fs.join("file"), content).unwrap();
    staging.commit(&diff_id(content)).unwrap();
    diff_id(content)
}

/// Computes its diff id.
pub(crate) fn pack(layer: &LayerPaths) -> Result<Digest, Box<dyn Error + Send + Sync>> {
    Ok(diff_id(&fs::read_to_string(layer.dir.join("file"))?))
}

pub(crate) fn verify(store: &Store) -> Report {
    store.verify(&pack, &mut |_, _| ()).unwrap()
}

/// Makes a result look as if it had last been used this long ago.
pub(crate) fn age(path: &Path, age: Duration) {
    let file = fs::File::open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}
