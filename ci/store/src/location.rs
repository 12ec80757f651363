//! Where the store is, and whether the folder there is one.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;
use crate::session;

/// The format of the layout on disk; another one is refused.
const FORMAT: u32 = 1;

/// The folder that the environment asks for; see [`crate::Store::default_root`].
pub(crate) fn root_from(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let path = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(root) = path("PIPELINE_CACHE_DIR") {
        return std::path::absolute(&root).map_err(Error::io("resolve", &root));
    }
    // The XDG base directory specification: relative paths are to be ignored.
    let cache = path("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = cache.or_else(|| {
        path("HOME")
            .filter(|path| path.is_absolute())
            .map(|home| home.join(".cache"))
    });
    cache
        .map(|cache| cache.join("pipeline"))
        .ok_or(Error::NoRoot)
}

/// A folder that is in use for something else must not become a store by a slip in a variable. A
/// store killed at its birth holds nothing but its lock; an empty volume of some file systems has a
/// `lost+found`.
pub(crate) fn refuse_foreign(root: &Path) -> Result<()> {
    if root.join("version").exists() {
        return Ok(());
    }
    let found = files::list(root)?;
    let foreign = found
        .iter()
        .map(|path| files::name(path))
        .find(|name| !matches!(*name, "lock" | "lost+found") && !name.starts_with("version."));
    // Another process may just have set it up.
    if let Some(found) = foreign.filter(|_| !root.join("version").exists()) {
        return Err(Error::NotAStore {
            path: root.to_owned(),
            found: found.to_owned(),
        });
    }
    Ok(())
}

pub(crate) fn check_version(root: &Path) -> Result<()> {
    let path = root.join("version");
    let read = || match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", &path)(e)),
    };
    let mut found = read()?;
    if found.is_none() {
        let _setup = session::setup(root)?;
        found = read()?;
        if found.is_none() {
            let temporary = root.join("version.new");
            files::remove_file(&temporary)?;
            return files::replace(&path, &temporary, format!("{FORMAT}\n").as_bytes(), true);
        }
    }
    let found = found.unwrap_or_default();
    if found.trim() != FORMAT.to_string() {
        let found = found.trim().chars().take(40).collect();
        return Err(Error::Format {
            path: root.to_owned(),
            found,
            known: FORMAT,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
