//! The client against registries, real ones and bad ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

mod debian;
mod fixture;
mod real;
