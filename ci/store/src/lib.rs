//! The content-addressed store: what builds have made, kept for the next one, and shared by all
//! processes of a user.
//!
//! It keeps [blobs](Store::put_bytes) (also [downloaded](Store::download) ones), [layers](Store::stage), [results](Store::put_result) of
//! operations, [cache volumes](Store::cache_volume) and [digests of host files](StatCache). What a
//! key means, how a layer is packed and mounted, and who may trust whose results (C3: give those
//! who must not share a root of their own) is left to the crates above.
//!
//! # The file system is the database
//! An embedded database would be single-process or a build of C code, and could still not hold
//! folders. One rename is one transaction: everything is made in a temporary folder and becomes
//! visible whole, or not at all.
//!
//! ```text
//! version                      format of all this: 1
//! lock                         shared while the store is open, exclusive to prune and repair
//! tmp/<pid>-<n>/               unfinished work of one open store, locked while that lives
//! blobs/sha256/<2>/<digest>    bytes; fsynced, read-only
//! partial/<digest>             blobs of which a part has been downloaded; locked while it goes on
//! layers/<diff id>/            fs/ (overlay format), owners (what the disk cannot hold), record
//! results/<kind>/<2>/<key>     records: the value, and the layers and blobs it needs
//! caches/<hash of id>/<n>/     fs/, record; <n>.lock beside it
//! stat/<hash of root>          digests of files on the host
//! durable/<boot id>            up to when layers of that boot are known to be on the disk
//! ```
//!
//! # Crashes
//! A process killed at any point (C6) leaves its temporary folder, and the kernel drops its locks.
//! The next to open the store finds a folder that nobody locks and removes it. What others see was
//! complete before, so there is nothing to repair.
//!
//! Whatever is read is checked: records carry a digest of themselves, and what is damaged, foreign
//! or refers to something missing is absent (C4). Bytes of blobs and layers are not hashed at each
//! use: [`Store::verify`] does that.
//!
//! # Power loss
//! An fsync per file would make large layers slower to keep than to make. So only blobs have it.
//! Layers are flushed together, once, when a run ends ([`Store::close`]), and what was not flushed
//! when the power failed does not count after the reboot. How that is known is told in
//! `durability.rs`. The flush (`syncfs`) writes whatever is dirty in the file system, other
//! programs' files too; a run that adds no layer does not flush. Medians on ext4 on a fast virtual
//! disk, otherwise idle: 3 ms after a small layer, 21 ms after 100 MB, 94 ms after 500 MB. A slow
//! disk takes what writing as much takes (`cargo test -p ci-store --release --test it -- --ignored
//! --nocapture figures` measures it here).
//!
//! # Many processes
//! Nothing but a prune excludes anybody: two builds that make the same thing both succeed, and one
//! copy stays. A prune waits until nobody has the store open, with a [`Waiting`] in which to say
//! so.

mod blobs;
mod download;
mod durability;
mod error;
mod files;
mod inventory;
mod layers;
mod location;
mod lock;
mod prune;
mod record;
mod remove;
mod results;
mod session;
mod stat;
mod store;
#[cfg(test)]
mod testing;
mod usage;
mod verify;
mod volumes;

pub use blobs::BlobWriter;
pub use download::Download;
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
