//! What each verifier finds at an image, and what it makes of it.
//!
//! [`find`] reads everything that is attached to an image, [`judge`] verifies it, and [`Matrix`] says what each verifier would make of
//! that: which of it each looks at, and what it asks for besides, differs, while the verification itself is one.

mod find;
mod judge;
mod matrix;

pub use find::{Content, Found, Referrer, find};
pub use judge::{Attached, Judged, judge};
pub use matrix::{Matrix, Row, Verifier};

#[cfg(test)]
mod tests;
