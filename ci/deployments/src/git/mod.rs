//! Deployments repositories through the `git` of this machine: what a plan needs is read from a bare cache, a commit is made of
//! objects, and it reaches the branch by compare-and-swap. No work tree exists, so nothing of a repository is checked out or run (P2).

mod address;
mod blobs;
mod branches;
mod cache;
mod command;
mod error;
mod history;
mod identity;
mod objects;
mod push;
mod source;

pub(crate) use address::is_branch;
pub use address::{Address, InvalidAddress};
pub(crate) use branches::Remote;
pub use error::GitError;
pub use identity::{Identity, InvalidIdentity};
pub use push::{Outcome, PushWriter};
pub use source::SourceHistory;

/// What is shown to a server over HTTP.
#[derive(Clone)]
pub struct Credential {
    /// Servers that take tokens take any name, or say which.
    pub user: String,
    /// The password or token.
    pub secret: String,
}

/// The secret stays out of messages (S1).
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
