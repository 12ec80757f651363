//! Promotions by push, with the real git: over paths, over HTTP with a password, and many at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod concurrency;
mod figures;
mod history;
mod hostile;
#[path = "../shared/http.rs"]
mod http;
#[path = "../shared/promotion.rs"]
mod promotion;
mod repository;
mod server;
mod writing;
