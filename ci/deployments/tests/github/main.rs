//! Promotions by pull request, against a stand-in for GitHub that keeps its state in a real repository and checks every request and
//! answer against GitHub's published description of its interface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::sync::LazyLock;

use serde_json::Value;

mod app;
#[path = "../shared/description.rs"]
mod description;
mod description_tests;
mod git;
mod history;
#[path = "../shared/http.rs"]
mod http;
mod lifecycle;
mod limits;
#[path = "../shared/outcome.rs"]
mod outcome;
#[path = "../shared/promotion.rs"]
mod promotion;
mod pulls;
mod races;
mod source;
mod standin;
mod world;

/// GitHub's description of its interface, cut down by `openapi.js`.
static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("openapi.json")).unwrap());
