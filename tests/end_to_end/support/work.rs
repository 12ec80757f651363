//! The folder everything happens in; it is gone when the suite ends.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// Makes it. What it returns removes it.
pub(crate) fn create() -> TempDir {
    let dir = new_in(&std::env::temp_dir(), "end-to-end-");
    // Processes are recognised by this path, which the kernel shows without symbolic links.
    let _ = ROOT.set(dir.path().canonicalize().unwrap());
    dir
}

/// A new folder in it that any user may look into, as the tests of other users must.
pub(crate) fn folder(name: &str) -> TempDir {
    new_in(ROOT.get().unwrap(), &format!("{name}-"))
}

fn new_in(parent: &Path, prefix: &str) -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    builder.permissions(Permissions::from_mode(0o755));
    builder.tempdir_in(parent).unwrap()
}
