//! OCI images as bytes: references, digests, deterministic layers, configs, manifests, image assembly, the image layout and its archive.
//!
//! Everything here is a function of its input alone: no clock, locale, user, umask or directory order shows in the output. What
//! comes from outside (archives, layouts, JSON documents) is treated as hostile. Where layers are kept, how they are mounted and
//! how they travel to a registry is left to the crates above.

pub mod archive;
pub mod assembly;
pub mod compression;
pub mod config;
mod digest;
mod json;
pub mod layer;
pub mod layout;
pub mod manifest;
mod owners;
mod platform;
pub mod profile;
pub mod reference;
mod tar;

pub use config::ImageConfig;
pub use digest::{Digest, DigestError, DigestReader, DigestWriter, chain_id};
pub use layout::Layout;
pub use manifest::{Descriptor, Index, Manifest};
pub use owners::{Device, DeviceKind, Owner, Owners, OwnersError};
pub use platform::{Platform, PlatformError};
pub use reference::{Reference, ReferenceError, ReferenceProblem};
pub use tar::{ArchiveError, ArchiveProblem};
