//! Builds images.

use std::time::Duration;

use dagger_sdk::Container;

use super::Request;
use crate::context::Context;
use crate::error::{Exit, UserError};

/// A built image.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The service it is of.
    pub(crate) service: String,
    /// Repository and tag.
    pub(crate) reference: String,
    /// Digest of its manifest, or of its index if it has several platforms.
    pub(crate) digest: String,
    /// Bytes a registry holds of it: its blobs.
    pub(crate) size: u64,
    /// How long the build took.
    pub(crate) elapsed: Duration,
}

/// What a build did.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// The images that were built, also when others failed.
    pub(crate) images: Vec<Image>,
    /// Why services were not built, in the order of their names.
    pub(crate) failures: Vec<eyre::Report>,
    /// The release record.
    pub(crate) record: serde_json::Value,
}

/// Builds the services of `request` and writes images and record to the state folder.
pub(crate) async fn run(_ctx: &Context, _request: &Request) -> eyre::Result<Built> {
    Err(UserError::new(Exit::Infrastructure, "building is not implemented").into())
}

/// The image of one service.
pub(crate) async fn image(_ctx: &Context, _service: &str) -> eyre::Result<Container> {
    Err(UserError::new(Exit::Infrastructure, "building is not implemented").into())
}
