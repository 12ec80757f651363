//! Tests of the crate through its public interface, one module per concern.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod checks;
mod copy;
mod corpus;
mod errors;
mod expansion;
mod fixtures;
mod hostile;
mod ignore;
mod metadata;
mod plan;
mod properties;
mod run;
mod support;
