//! Programs that `tests/tools/install-peers` brings, and where they are.

use std::path::{Path, PathBuf};

/// A program of that name: in the folder that `INTEROP_PEERS` names, in `target/peers`, or on PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let given = std::env::var_os("INTEROP_PEERS").map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    let path = std::env::var_os("PATH").unwrap_or_default();
    given
        .into_iter()
        .chain([installed])
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// The same, or why there is none.
///
/// # Errors
/// It is not installed.
pub fn need(name: &str) -> Result<PathBuf, String> {
    find(name).ok_or_else(|| {
        format!("{name} is not installed: tests/tools/install-peers builds or fetches it")
    })
}
