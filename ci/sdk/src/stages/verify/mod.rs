//! `verify`: who signed an image, and what else that signer says of it.
//!
//! Others ask here, too, before they let an image in: [`Verification`] answers in the form that policies are checked with. Signatures are
//! [`ci_signing`]'s business; a program that was built without it says so.

mod demand;
#[cfg(feature = "sign")]
mod signed;
#[cfg(not(feature = "sign"))]
#[path = "without.rs"]
mod signed;

use std::collections::BTreeMap;

#[cfg(feature = "sign")]
pub(crate) use demand::read;
pub(crate) use demand::{Demand, Who, nobody};
pub(crate) use signed::Verification;
#[cfg(feature = "sign")]
pub(crate) use signed::failure;
#[cfg(not(feature = "sign"))]
pub(crate) use signed::missing;

/// What was checked of an image. Whether that is enough is for others to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Who signed it, or why no signature counts.
    pub(crate) signature: Result<String, String>,
    /// By type of predicate, those that were asked for: who attested it, or why nothing counts.
    pub(crate) attestations: BTreeMap<String, Result<String, String>>,
}
