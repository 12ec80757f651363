//! Promotions by pull request on a real Gitea, which `tests/tools/install-peers` builds. Between it and the writer is a proxy that
//! checks every request against Gitea's published description of its interface, and loses connections when a test says so.
//!
//! Skipped where there is none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::sync::LazyLock;

use serde_json::Value;

mod concurrency;
#[path = "../shared/description.rs"]
#[allow(dead_code, reason = "answers are a real server's")]
mod description;
#[path = "../shared/http.rs"]
mod http;
mod lifecycle;
#[path = "../shared/outcome.rs"]
mod outcome;
#[path = "../shared/promotion.rs"]
mod promotion;
mod proxy;
mod refusals;
mod server;
mod world;

/// Gitea's description of its interface, cut down by `swagger.js`.
static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("swagger.json")).unwrap());
