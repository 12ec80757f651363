//! The content-addressed store

mod blobs;
mod durability;
mod error;
mod files;
mod inventory;
mod layers;
mod lock;
mod prune;
mod record;
mod remove;
mod results;
mod session;
mod stat;
mod store;
mod usage;
mod verify;
mod volumes;

pub use blobs::BlobWriter;
pub use error::{Error, Result};
pub use layers::{LayerPaths, Staging};
pub use lock::{Waiting, patience};
pub use prune::{Policy, Pruned};
pub use remove::{Remover, remove_tree};
pub use results::Refs;
pub use stat::{Stat, StatCache};
pub use store::{Options, Store};
pub use usage::{Space, Usage};
pub use verify::{Fault, Pack, Problem, Progress, Report};
pub use volumes::{CacheLease, Sharing};
