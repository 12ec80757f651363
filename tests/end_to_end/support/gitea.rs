//! A real Gitea behind a proxy that checks every request against Gitea's description of its interface: that which `ci-deployments` is
//! tested with.

#![allow(dead_code, reason = "its own suite needs more of them")]

#[path = "../../../ci/deployments/tests/gitea/proxy.rs"]
mod proxy;
#[path = "../../../ci/deployments/tests/gitea/server.rs"]
mod server;

use std::sync::LazyLock;

use serde_json::Value;

pub(crate) use server::Gitea;

use super::{description, http};

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../ci/deployments/tests/gitea/swagger.json");
    serde_json::from_str(text).unwrap()
});
