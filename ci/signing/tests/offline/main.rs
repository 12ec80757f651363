//! Signing with keys against a registry of the tests' own, and services that fail. Nothing but this process takes part.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../../../http/tests/http/clock.rs"]
#[allow(dead_code, reason = "shared with other suites")]
mod clock;
mod discovery;
mod failures;
mod person;
mod registry;
#[path = "../../../http/tests/http/server.rs"]
#[allow(dead_code, reason = "shared with other suites")]
mod server;
mod signatures;
mod transport;
mod writers;
