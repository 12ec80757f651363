//! Promotions by pull request, against a stand-in for GitHub that keeps its state in a real repository and checks every request and
//! answer against GitHub's published description of its interface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod app;
mod description;
mod git;
mod history;
#[path = "../shared/http.rs"]
mod http;
mod lifecycle;
mod limits;
mod pulls;
mod races;
mod source;
mod standin;
mod world;
