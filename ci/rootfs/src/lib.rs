//! File operations on root file systems made of layers: import, copy, read, list, export.
//!
//! A root file system is a list of *layer directories* (lowest first, overlay format). Nothing here changes a layer that
//! exists: an operation reads the merged view of some layers and writes the difference into a new, empty layer directory
//! (the *upper*), which the caller then packs, names by its digest and puts into the store. Running programs on a root
//! file system is the sandbox's work, deciding what to copy is the engine's.
//!
//! Paths inside a root file system never leave it: every look-up goes through [`Merged`], which resolves symbolic links
//! within the root, and what is written is created by name in directories opened without following links.

pub mod adopt;
mod ahead;
pub mod copy;
pub mod error;
pub mod export;
mod gitignore;
pub mod import;
pub mod merged;
pub mod op;
pub mod read;
mod restate;
mod unpack;
mod upper;
pub mod write;

pub use error::{Error, Result};
pub use merged::{Kind, Merged, Metadata};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One layer on disk: its directory in overlay format and the sidecar with the ownership the disk could not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDir {
    /// The directory.
    pub dir: PathBuf,
    /// The sidecar; need not exist.
    pub owners: PathBuf,
}
