//! Verification of signatures and attestations against an exact policy.
//!
//! The cryptography of Sigstore is `sigstore-verify`'s: certificate chains at every proven time, certificate transparency, inclusion
//! proofs, checkpoints, promises of the log, RFC 3161 timestamps, and that a log entry is of this very signature. Here is what that
//! leaves open: that there is a statement at all and its type, whose claims the certificate makes, that *every* log entry is proven
//! (one would do there), keys without a log, and cosign's legacy signatures, which are brought into the shape of a bundle
//! first. Nothing here asks anybody: what is to be verified and what is trusted are at hand.

mod bundle;
mod legacy;
mod policy;
mod rejection;
mod trust;

pub use bundle::{MAX_BUNDLE, bundle};
pub use legacy::{Layer, legacy};
pub use policy::{Claims, Policy, Signer};
pub use rejection::Rejection;
pub use trust::Trust;

use serde::Serialize;
use serde_json::Value;

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Who signed: the identity in the certificate, or the fingerprint of the key.
    pub signer: String,
    /// Who vouches for the identity; a key needs nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What the certificate says of the build, by the names of [`Claims`].
    #[serde(skip_serializing_if = "Claims::is_empty")]
    pub claims: Claims,
    /// When it was signed, as a log or a timestamp authority says, the earliest first (RFC 3339).
    pub times: Vec<String>,
    /// Whether a transparency log has it.
    pub logged: bool,
    /// Whether that log says when, as Rekor v1 does and v2 does not.
    pub log_time: bool,
    /// The type of what is stated; legacy signatures state nothing but the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// What is stated.
    #[serde(skip)]
    pub content: Value,
}

#[cfg(test)]
pub(crate) mod tests;
