//! The OCI image layout: blobs by digest in a directory, and an index that names the images.
//!
//! Several processes may use one at once. Every file appears whole or not at all; the index is replaced under an exclusive lock on
//! the layout's directory. Whoever puts blobs holds a shared lock on the directory of blobs until his [`Layout`] is dropped, and
//! [`Layout::gc`] needs the exclusive one: what was put but is not named yet is never collected under its writer. The locks are on
//! directories, so that nothing is in a layout that the specification does not know.
//!
//! What is read may have been made by anybody: symbolic links are not followed, sizes and digests are verified, documents are bounded.

mod blobs;
mod error;
mod files;
mod gc;
mod index;
mod resolve;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use blobs::BlobReader;
pub use error::LayoutError;
pub(crate) use files::open_blob;
pub use gc::Collected;
pub(crate) use index::{parse as parse_index, sort as sort_images};
pub use resolve::Resolved;

use files::{Result, io, replace};

use crate::{Digest, Index};

pub(crate) const MARKER_NAME: &str = "oci-layout";
pub(crate) const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
pub(crate) const INDEX_NAME: &str = "index.json";

/// An image layout on disk (OCI image specification, "Image Layout").
#[derive(Debug)]
pub struct Layout {
    root: PathBuf,
    /// Held from the first blob put.
    writing: OnceLock<File>,
}

impl Layout {
    /// Opens the layout in `dir`, making it where there is none. A directory with other things in it, but no layout, is refused.
    pub fn create(dir: &Path) -> Result<Self> {
        let layout = Self {
            root: dir.to_owned(),
            writing: OnceLock::new(),
        };
        fs::create_dir_all(dir).map_err(io("make", dir))?;
        let _lock = layout.lock()?;
        let marker = dir.join(MARKER_NAME);
        if !marker.try_exists().map_err(io("examine", &marker))? {
            let foreign = fs::read_dir(dir)
                .map_err(io("list", dir))?
                .flatten()
                .any(|entry| !ours(&entry.file_name()));
            if foreign {
                return Err(LayoutError::NotALayout {
                    path: dir.to_owned(),
                    why: "it holds other files".to_owned(),
                });
            }
            let blobs = layout.blobs();
            fs::create_dir_all(&blobs).map_err(io("make", &blobs))?;
            layout.write_index(&Index::of(Vec::new()))?;
            // Last: only with it is this a layout.
            replace(&layout.root, MARKER_NAME, MARKER)?;
        }
        layout.check()
    }

    /// Opens an existing layout.
    pub fn open(dir: &Path) -> Result<Self> {
        Self {
            root: dir.to_owned(),
            writing: OnceLock::new(),
        }
        .check()
    }

    fn check(self) -> Result<Self> {
        let why = match files::read(&self.root.join(MARKER_NAME)) {
            Ok(marker) => wrong_version(&marker),
            Err(LayoutError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Some("it has no file `oci-layout`".to_owned())
            }
            Err(error) => return Err(error),
        };
        match why {
            Some(why) => Err(LayoutError::NotALayout {
                path: self.root,
                why,
            }),
            None => Ok(self),
        }
    }

    /// The directory it is in.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where a blob is or would be, for other programs to read.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }
}

/// Why a marker is not that of a layout we can read.
pub(crate) fn wrong_version(marker: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Marker {
        image_layout_version: String,
    }
    match serde_json::from_slice::<Marker>(marker) {
        Ok(marker) if marker.image_layout_version == "1.0.0" => None,
        Ok(marker) => Some(format!(
            "its version is {:?}; only \"1.0.0\" is known",
            marker.image_layout_version
        )),
        Err(error) => Some(format!("its file `oci-layout` cannot be read: {error}")),
    }
}

/// What a [`Layout::create`] that was killed may have left.
fn ours(name: &std::ffi::OsStr) -> bool {
    name == "blobs"
        || name == INDEX_NAME
        || name
            .to_str()
            .is_some_and(|name| name.starts_with(files::TEMPORARY))
}

#[cfg(test)]
pub(crate) mod tests;
