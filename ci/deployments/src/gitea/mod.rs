//! Deployments repositories on Gitea and Forgejo. Their interface makes no commits on several parents and moves no branch by
//! compare-and-swap in all versions, so branches go through git, with the same token; pull requests go through the interface. The rules
//! of promotions by pull request are in `pull`.

mod forge;
mod repository;
mod writer;

pub use repository::{InvalidRepository, Repository};
pub use writer::PullRequestWriter;

use crate::rest::Dialect;

const DIALECT: Dialect = Dialect {
    name: "Gitea",
    accept: "application/json",
    version: None,
    // What servers allow that nobody configured.
    page: ("limit", "50"),
    workflows: &["gitea-actions", "forgejo-actions"],
};
