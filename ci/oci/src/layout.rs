//! The OCI image layout: blobs by digest in a directory, and an index that names the images.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{Descriptor, Digest, ImageConfig, Manifest, Platform};

/// An image layout on disk (OCI image specification, "Image Layout"). Several processes may use one at once.
#[derive(Debug)]
pub struct Layout {
    root: PathBuf,
}

/// An image found in a layout, every document of it verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Points at the manifest.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: Manifest,
    /// Its config.
    pub config: ImageConfig,
}

/// What [`Layout::gc`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs removed.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why a layout could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// Not there yet.
    #[error("not implemented yet")]
    Unfinished,
}

type Result<T> = std::result::Result<T, LayoutError>;

impl Layout {
    /// Opens the layout in `dir`, making it where there is none.
    pub fn create(dir: &Path) -> Result<Self> {
        Ok(Self {
            root: dir.to_owned(),
        })
    }

    /// Opens an existing layout.
    pub fn open(dir: &Path) -> Result<Self> {
        Ok(Self {
            root: dir.to_owned(),
        })
    }

    /// The directory it is in.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where a blob is or would be: for handing to other programs, and for hard links out of a store.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join("sha256").join(digest.hex())
    }

    /// Whether a blob is there.
    pub fn has(&self, _digest: &Digest) -> Result<bool> {
        Err(LayoutError::Unfinished)
    }

    /// Stores a document.
    pub fn put_bytes(&self, _media_type: &str, _content: &[u8]) -> Result<Descriptor> {
        Err(LayoutError::Unfinished)
    }

    /// Stores what `content` reads to its end.
    pub fn put_stream(&self, _media_type: &str, _content: &mut dyn Read) -> Result<Descriptor> {
        Err(LayoutError::Unfinished)
    }

    /// Stores what `content` reads, which must be what `expected` says.
    pub fn put_verified(&self, _expected: &Descriptor, _content: &mut dyn Read) -> Result<()> {
        Err(LayoutError::Unfinished)
    }

    /// Reads a document (at most 4 MiB) and verifies size and digest.
    pub fn read_blob(&self, _blob: &Descriptor) -> Result<Vec<u8>> {
        Err(LayoutError::Unfinished)
    }

    /// Reads a blob of any size; its end is an error unless size and digest are right.
    pub fn open_blob(&self, _blob: &Descriptor) -> Result<impl Read + Send + use<>> {
        Err::<std::fs::File, _>(LayoutError::Unfinished)
    }

    /// The images, in the order of the index, with their names.
    pub fn images(&self) -> Result<Vec<(Option<String>, Descriptor)>> {
        Err(LayoutError::Unfinished)
    }

    /// Names an image, in place of what had the name before.
    pub fn set_image(&self, _name: &str, _image: Descriptor) -> Result<()> {
        Err(LayoutError::Unfinished)
    }

    /// Takes the name away; its blobs stay until [`Layout::gc`].
    pub fn remove_image(&self, _name: &str) -> Result<bool> {
        Err(LayoutError::Unfinished)
    }

    /// The image called `name`, or the only one, for `platform`.
    pub fn resolve(&self, _name: Option<&str>, _platform: &Platform) -> Result<Resolved> {
        Err(LayoutError::Unfinished)
    }

    /// The image behind a descriptor (a manifest, or an index of them) for `platform`.
    pub fn resolve_descriptor(
        &self,
        _image: &Descriptor,
        _platform: &Platform,
    ) -> Result<Resolved> {
        Err(LayoutError::Unfinished)
    }

    /// Removes the blobs that no image refers to. `None`: somebody is writing to the layout; nothing was removed.
    pub fn gc(&self) -> Result<Option<Collected>> {
        Err(LayoutError::Unfinished)
    }
}
