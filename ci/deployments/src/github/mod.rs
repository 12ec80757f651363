//! Deployments repositories on GitHub, through its REST interface: nothing is cloned, and what an App commits is signed by GitHub.
//!
//! One branch for each environment and release unit, `promote/ENVIRONMENT/UNIT`, and never a second pull request for it. The branch
//! only ever moves forward, which the server checks, so two runs at once cannot overwrite each other; what an open pull request
//! already promotes counts like what is pinned, so the older of them gives way. Every step finds what an earlier run that was
//! killed left behind, and goes on from there.

mod api;
mod auth;
mod branch;
mod error;
mod finish;
mod history;
mod objects;
mod pulls;
mod repository;
mod writer;

pub use auth::Auth;
pub use error::GitHubError;
pub use repository::{InvalidRepository, Repository};
pub use writer::{PullOutcome, PullRequestRef, PullRequestWriter};
