//! Paths as the catalog files write them, resolved without asking the file system.

use std::fmt;
use std::path::{Path, PathBuf};

/// A path relative to the file that names it, together with what it means from the catalog root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelativePath {
    written: String,
    resolved: PathBuf,
}

/// Why a path cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum InvalidPath {
    #[error("a path must not be empty")]
    Empty,
    #[error("a path must be relative, not absolute")]
    Absolute,
    #[error("the path leaves the catalog root")]
    LeavesRoot,
    #[error("a path must not hold control characters")]
    Control,
}

impl RelativePath {
    /// Resolves `written` from `folder`, which is relative to the catalog root and normalised.
    pub(crate) fn resolve(folder: &Path, written: &str) -> Result<Self, InvalidPath> {
        if written.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if written.starts_with('/') {
            return Err(InvalidPath::Absolute);
        }
        if written.chars().any(char::is_control) {
            return Err(InvalidPath::Control);
        }
        let mut resolved = folder.to_path_buf();
        // Split by hand: the meaning of a catalog must not depend on the host's path syntax.
        for component in written.split('/') {
            match component {
                "" | "." => {}
                ".." => {
                    if !resolved.pop() {
                        return Err(InvalidPath::LeavesRoot);
                    }
                }
                name => resolved.push(name),
            }
        }
        Ok(Self {
            written: written.to_owned(),
            resolved,
        })
    }

    /// The path as it was written, relative to the folder of its file.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The path from the catalog root: normalised, without `.` and `..`; empty for the root itself.
    #[must_use]
    pub fn from_root(&self) -> &Path {
        &self.resolved
    }

    /// The path below `root`.
    #[must_use]
    pub fn under(&self, root: &Path) -> PathBuf {
        // Joining an empty path would add a final slash.
        if self.resolved.as_os_str().is_empty() {
            root.to_path_buf()
        } else {
            root.join(&self.resolved)
        }
    }
}

/// The path from the catalog root; `.` for the root itself.
impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.resolved.as_os_str().is_empty() {
            f.write_str(".")
        } else {
            self.resolved.display().fmt(f)
        }
    }
}
