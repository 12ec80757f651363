//! What goes wrong with a repository.

use std::path::PathBuf;

use crate::{InvalidPlace, Refused};

/// What goes wrong with a repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The program is missing or cannot be started.
    #[error("git cannot be started ({0}); it is needed to reach deployments repositories")]
    Start(std::io::Error),
    /// The cache cannot be used.
    #[error("the cache of deployments repositories at {}: {error}", .path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Git says no.
    #[error("git {command} of {address} failed: {message}")]
    Failed {
        /// The command.
        command: &'static str,
        /// The repository.
        address: String,
        /// What git said.
        message: String,
    },
    /// Git answers what it never should.
    #[error("git {command} of {address} gave an answer that cannot be read")]
    Answer {
        /// The command.
        command: &'static str,
        /// The repository.
        address: String,
    },
    /// Not a name of a branch.
    #[error("{0:?} is not a name of a branch")]
    Branch(String),
    /// The branch does not exist, or no more.
    #[error("{address} has no branch {branch}")]
    NoBranch {
        /// The repository.
        address: String,
        /// The branch.
        branch: String,
    },
    /// The server does not take the commit.
    #[error("{address} does not take the promotion onto {branch}: {message}")]
    Rejected {
        /// The repository.
        address: String,
        /// The branch.
        branch: String,
        /// What the server said.
        message: String,
    },
    /// Others were faster every time.
    #[error("{branch} of {address} moved {attempts} times while the promotion was made; try again")]
    Contended {
        /// The repository.
        address: String,
        /// The branch.
        branch: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The plan says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A place that is not well-formed.
    #[error(transparent)]
    Declaration(#[from] InvalidPlace),
}
