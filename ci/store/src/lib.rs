//! The content-addressed store

mod blobs;
mod durability;
mod error;
mod files;
mod layers;
mod lock;
mod record;
mod remove;
mod results;
mod session;
mod store;
mod usage;

pub use blobs::BlobWriter;
pub use error::{Error, Result};
pub use layers::{LayerPaths, Staging};
pub use lock::{Waiting, patience};
pub use remove::{Remover, remove_tree};
pub use results::Refs;
pub use store::{Options, Store};
