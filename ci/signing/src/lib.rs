//! Signatures and attestations of images with Sigstore: made, attached where verifiers look for them, and verified.
//!
//! What is signed is always a digest that was computed here; a registry is asked whether it agrees, never what the digest is. Where
//! an image is from and what is in it is said by others: a predicate is any JSON.
//!
//! [`sign_images`] and [`attest`] are all that most callers need: a [`Signer`] of [`Services`] and an [`Identity`], or of a
//! [`KeyPair`]. What is signed already, verified, is not signed again.
//!
//! All cryptography is `ring`'s: [`crypto`] makes it the provider of the Sigstore crates, whose own would be aws-lc, a large C build.

pub mod attach;
mod call;
pub mod crypto;
pub mod discovery;
mod error;
mod existing;
mod identity;
mod key;
mod legacy;
mod log;
pub mod policy;
mod services;
mod sign;
mod signer;
mod stamped;
mod statement;
pub mod verify;

pub use error::{Error, Service};
pub use identity::{Identity, Person};
pub use key::{KeyPair, PublicKey};
pub use legacy::{LAYER, Legacy, annotation};
pub use services::Services;
pub use sign::{Attached, Signed, attest, sign_images};
pub use signer::Signer;
pub use statement::{PAYLOAD_TYPE, Predicate, Statement, predicate};

/// A Sigstore bundle, as the Sigstore crates have it.
pub use sigstore_sign::types::Bundle;
