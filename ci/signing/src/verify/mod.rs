//! Verification of signatures and attestations against an exact policy.
