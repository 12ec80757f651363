//! Promotions as pull requests, whatever the forge: the branch of a release unit, its one pull request, and what becomes of both.
//!
//! One branch for each environment and release unit, `promote/ENVIRONMENT/UNIT`, and never a second pull request for it. The branch
//! only ever moves forward, which the server checks, so two runs at once cannot overwrite each other; what an open pull request
//! already promotes counts like what is pinned, so the older of them gives way. Every step finds what an earlier run that was
//! killed left behind, and goes on from there. How a forge is spoken to is a [`Forge`]'s concern.

mod branch;
mod error;
mod forge;
mod writer;

pub use error::PullRequestError;
pub(crate) use forge::{Branches, Commit, Forge, Proposal, Pull};
pub use writer::{PullOutcome, PullRequestRef};
pub(crate) use writer::{Terms, read, write};
