//! Signatures and attestations of images with Sigstore: made, attached where verifiers look for them, and verified.
//!
//! What is signed is always a digest that was computed here; a registry is asked whether it agrees, never what the digest is. Where
//! an image is from and what is in it is said by others: a predicate is any JSON.
//!
//! All cryptography is `ring`'s: [`crypto`] makes it the provider of the Sigstore crates, whose own would be aws-lc, a large C build.

pub mod crypto;
pub mod discovery;
pub mod verify;
