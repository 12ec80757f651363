//! What goes wrong with a forge.

use std::time::Duration;

use crate::git::GitError;
use crate::{InvalidPlace, Refused};

/// What goes wrong with a forge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullRequestError {
    /// No answer.
    #[error(transparent)]
    Http(#[from] ci_http::Error),
    /// What goes through git.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The private key of the App is none.
    #[error("the App's private key cannot be used: {0}")]
    Key(&'static str),
    /// Not allowed.
    #[error("{call}: {message}{}", .needed.as_ref().map_or_else(String::new, |it| format!(" (the token needs {it})")))]
    Denied {
        /// Method and path.
        call: String,
        /// The forge's message.
        message: String,
        /// The permissions it asks for.
        needed: Option<String>,
    },
    /// Too many requests, for longer than anybody waits here.
    #[error("{forge} takes no more requests{}", .wait.map_or_else(String::new, |it| format!(" for {} s", it.as_secs())))]
    RateLimited {
        /// Who.
        forge: &'static str,
        /// How long.
        wait: Option<Duration>,
    },
    /// Any other answer than expected.
    #[error("{call}: status {status}: {message}")]
    Answer {
        /// Method and path.
        call: String,
        /// HTTP status.
        status: u16,
        /// The forge's message.
        message: String,
    },
    /// An answer that is not what the interface's description says.
    #[error("{call}: the answer cannot be read: {message}")]
    Unreadable {
        /// Method and path.
        call: String,
        /// Why.
        message: String,
    },
    /// Not a name of a branch.
    #[error("{0:?} is not a name of a branch")]
    Branch(String),
    /// The branch does not exist, or no more.
    #[error("{repository} has no branch {branch}")]
    NoBranch {
        /// Owner and name.
        repository: String,
        /// The branch.
        branch: String,
    },
    /// Somebody else worked on our branch.
    #[error(
        "the branch {branch} has commits that no promotion made; merge or delete it, and promote again"
    )]
    Foreign {
        /// The branch.
        branch: String,
    },
    /// An open pull request promotes something newer.
    #[error("the open promotion on {branch} stays: {refused}")]
    Newer {
        /// Its branch.
        branch: String,
        /// Why.
        refused: Box<Refused>,
    },
    /// Others were faster every time.
    #[error("the promotion was overtaken {attempts} times; try again")]
    Contended {
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
