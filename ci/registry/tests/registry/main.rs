//! The client against registries: a real one, and bad ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

#[path = "../../../http/tests/http/clock.rs"]
mod clock;
mod debian;
mod fixture;
mod pulls;
mod pushes;
mod real;
mod referrers;
mod rights;
#[path = "../../../http/tests/http/server.rs"]
mod server;
mod token_server;
mod uploads;
