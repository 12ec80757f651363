//! What the test suites of this workspace share: images and file trees as values, base images, the cases of `tests/dockerfiles`, and
//! the servers that suites start. The suites themselves are beside this crate; no product code depends on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub mod archive;
pub mod base;
pub mod case;
pub mod events;
pub mod git;
pub mod image;
pub mod layers;
pub mod peers;
mod program;
pub mod proxy;
pub mod referrers;
pub mod registry;
pub mod replicas;
pub mod report;
pub mod server;
pub mod sigstore;
pub mod tree;
