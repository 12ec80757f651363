//! Deployments repositories on GitHub, through its REST interface: nothing is cloned, and what an App commits is signed by GitHub.
//! The rules of promotions by pull request are in `pull`.

mod auth;
mod branches;
mod forge;
mod history;
mod objects;
mod repository;
mod source;
mod writer;

pub use auth::Auth;
pub use repository::{InvalidRepository, Repository};
pub use source::SourceRepository;
pub use writer::PullRequestWriter;

use crate::rest::Dialect;

const DIALECT: Dialect = Dialect {
    name: "GitHub",
    accept: "application/vnd.github+json",
    version: Some(("x-github-api-version", "2022-11-28")),
    page: ("per_page", "100"),
    workflows: &["github-actions[bot]"],
};
