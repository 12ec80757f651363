//! An image layout as one tar file: what `skopeo copy oci-archive:` reads and writes.

mod read;
mod write;

pub use read::read;
pub use write::{Content, write, write_blobs};

use crate::layout::LayoutError;

type Result<T> = std::result::Result<T, LayoutError>;

const BLOBS: &str = "blobs/sha256/";

#[cfg(test)]
mod tests;
