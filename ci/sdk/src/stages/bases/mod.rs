//! The images of registries that builds stand on: which the Dockerfiles name (`find`), with which content they go into a build
//! (`pin`), what `pipeline.lock` lacks of them (`review`), and how it is written (`lock`).
//!
//! Images that only the triggers (`ONBUILD`) of other images name are not known before those are pulled, and in none of it; the engine warns
//! of them.

mod ask;
mod find;
pub(crate) mod lock;
mod pin;
mod review;

use ci_oci::{Digest, Reference};

pub(crate) use ask::{Answers, ask};
pub(crate) use find::{arguments, of, of_service};
pub(crate) use pin::{Pinned, pin};
pub(crate) use review::{familiar, review};

/// An image of a registry that a build stands on or takes files from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Base {
    /// What the Dockerfile calls it: the reference as written, variables replaced, or the name of a context.
    pub(crate) name: String,
    /// The image: with a tag, or a digest, or both.
    pub(crate) reference: Reference,
    /// Needed for this platform.
    pub(crate) platform: String,
    /// Where it is written, and what else may have been meant.
    pub(crate) place: String,
}

impl Base {
    /// What `pipeline.lock` has it under; nothing if it is pinned where it is written.
    pub(crate) fn key(&self) -> Option<&Reference> {
        self.written_digest().is_none().then_some(&self.reference)
    }

    /// The digest that is written with it.
    pub(crate) fn written_digest(&self) -> Option<Digest> {
        self.reference.digest()
    }
}
