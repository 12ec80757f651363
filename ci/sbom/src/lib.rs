//! What is in an image: packages of distributions and languages, found in its layers, told as SPDX 2.3 and CycloneDX 1.6.
//!
//! [`of_image`] reads the layers of one image in order and keeps only what names packages. A [`Bom`] is a function of the image's
//! bytes: no clock, no path of this machine and no random number is in it, and [`spdx`] and [`cyclonedx`] write equal bills as equal
//! bytes. [`diff`] compares two. Images are hostile input: everything is bounded, nothing is followed or run, and what could not be
//! read is told in the bill itself.
//!
//! Which image, of which service, and where documents go is left to the crates above.

mod bom;
pub mod cyclonedx;
mod diff;
mod image;
mod license;
mod package;
mod sources;
pub mod spdx;
#[cfg(test)]
mod testing;
mod text;
mod uuid;

pub use bom::{Bom, Image, Subject};
pub use diff::{Change, Inventory, diff};
pub use image::{Programs, ScanError, of_image};
pub use license::License;
pub use package::{Checksum, ChecksumAlgorithm, Ecosystem, Package, Role};
pub use sources::System;

/// The media type of a document as [`spdx::document`] writes it.
pub const SPDX_MEDIA_TYPE: &str = "application/spdx+json";
/// The media type of a document as [`cyclonedx::document`] writes it.
pub const CYCLONEDX_MEDIA_TYPE: &str = "application/vnd.cyclonedx+json";

/// For fuzzing: the first byte chooses a parser, which reads the rest.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    sources::fuzz(data);
}
