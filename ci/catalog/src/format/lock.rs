//! `pipeline.lock`, which the program writes and people only review.

use schemars::JsonSchema;
use serde::Deserialize;

use super::At;

/// The digest of every base image.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "pipeline.lock")]
pub(crate) struct LockFile {
    /// The version of the file's form.
    #[expect(dead_code, reason = "taken before the rest, which it decides about")]
    pub(crate) version: u32,
    /// The images.
    #[serde(default)]
    pub(crate) image: Vec<LockedImage>,
}

/// An image and its digest.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct LockedImage {
    /// Registry, repository and tag.
    pub(crate) reference: At<String>,
    /// The digest of its index or manifest.
    pub(crate) digest: At<String>,
}
