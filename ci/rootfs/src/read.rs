//! Reading: contents, listings, and users' names.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::merged::{Kind, Merged, Metadata};

/// What a listing says of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name; not necessarily UTF-8 on disk, shown with replacement characters then.
    pub name: String,
    /// Whether it is a directory (a link to one is not).
    pub is_dir: bool,
}

/// What is at a path, following links within the root.
///
/// # Errors
/// When the system fails otherwise than by "not there".
pub fn stat(source: &Merged, path: &Path, follow: bool) -> Result<Option<Metadata>> {
    let canonical = if follow {
        source.resolve(path)?
    } else {
        source.resolve_parents(path)?
    };
    source.lstat(&canonical)
}

/// The content of a file of at most `limit` bytes.
///
/// # Errors
/// When it is not there, not a file, or larger.
pub fn file(source: &Merged, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let canonical = source.resolve(path)?;
    let metadata = file_metadata(source, path, &canonical)?;
    if metadata.size > limit {
        return Err(Error::unsuitable(
            path.display().to_string(),
            format!(
                "is {} bytes, more than the {limit} that can be read at once",
                metadata.size
            ),
        ));
    }
    let mut content = Vec::new();
    std::fs::File::from(source.open_read(&canonical)?)
        .take(limit)
        .read_to_end(&mut content)
        .context("read", path)?;
    Ok(content)
}

/// The content of a file of at most `limit` bytes; `None` if there is no regular file at the path.
///
/// # Errors
/// When it is larger or cannot be read.
pub fn optional(source: &Merged, path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    match stat(source, path, true)? {
        Some(metadata) if metadata.kind == Kind::File => file(source, path, limit).map(Some),
        _ => Ok(None),
    }
}

pub(crate) fn file_metadata(source: &Merged, path: &Path, canonical: &Path) -> Result<Metadata> {
    match source.lstat(canonical)? {
        Some(metadata) if metadata.kind == Kind::File => Ok(metadata),
        Some(_) => Err(Error::unsuitable(
            path.display().to_string(),
            "is not a regular file",
        )),
        None => Err(Error::NotFound {
            path: path.display().to_string(),
            hint: String::new(),
        }),
    }
}

/// What is in a directory, sorted by name.
///
/// # Errors
/// When it is not there or not a directory.
pub fn entries(source: &Merged, path: &Path) -> Result<Vec<Listed>> {
    let canonical = source.resolve(path)?;
    match source.lstat(&canonical)? {
        Some(metadata) if metadata.kind == Kind::Directory => {}
        Some(_) => {
            return Err(Error::unsuitable(
                path.display().to_string(),
                "is not a directory",
            ));
        }
        None => {
            return Err(Error::NotFound {
                path: path.display().to_string(),
                hint: String::new(),
            });
        }
    }
    let mut listed = Vec::new();
    for name in source.list(&canonical)? {
        let kind = source
            .lstat(&canonical.join(OsStr::from_bytes(&name)))?
            .map(|metadata| metadata.kind);
        listed.push(Listed {
            name: String::from_utf8_lossy(&name).into_owned(),
            is_dir: kind == Some(Kind::Directory),
        });
    }
    Ok(listed)
}

/// Paths below a directory that match a pattern of the ignore syntax, sorted; directories end in `/`.
///
/// # Errors
/// When it is not a directory or cannot be read.
pub fn glob(source: &Merged, path: &Path, pattern: &str) -> Result<Vec<String>> {
    let patterns = crate::copy::patterns(&[pattern.to_owned()])?;
    let root = source.resolve(path)?;
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(dir) = todo.pop() {
        for name in source.list(&root.join(&dir))? {
            let child = dir.join(OsStr::from_bytes(&name));
            let is_dir = source
                .lstat(&root.join(&child))?
                .is_some_and(|metadata| metadata.kind == Kind::Directory);
            let shown = child.to_string_lossy().into_owned();
            if patterns.matches(&shown) {
                found.push(if is_dir { format!("{shown}/") } else { shown });
            }
            if is_dir {
                todo.push(child);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
