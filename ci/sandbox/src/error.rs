//! What can go wrong, told apart the way callers need it: the machine, the execution's set-up, the command.
//! The command's own failure is no error but an [`Exit`](crate::Exit).

use std::io;

/// Why an execution could not be started, or a handler could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A step of the set-up was refused.
    #[error("cannot {step}: {source}{}", .hint.as_deref().map(|h| format!(" ({h})")).unwrap_or_default())]
    Setup {
        /// What was tried, such as `mount /proc`.
        step: String,
        /// The kernel's answer.
        source: io::Error,
        /// What to do about it, where it is known.
        hint: Option<String>,
    },
    /// The command is not there, or cannot be executed.
    #[error("{message}")]
    Command {
        /// Names the command and the reason.
        message: String,
        /// What a shell would exit with: 127 (not found) or 126 (found, not executable).
        code: i32,
    },
    /// A handler refused its payload.
    #[error("{handler}: {message}")]
    Handler {
        /// Its registered name.
        handler: String,
        /// Its own words.
        message: String,
    },
    /// A process of ours ended without a word: killed from outside, or `init` was not called first in `main`.
    #[error("the {process} ended unexpectedly{}", .detail.as_deref().map(|d| format!(": {d}")).unwrap_or_default())]
    Lost {
        /// Which process.
        process: &'static str,
        /// How it ended.
        detail: Option<String>,
    },
}

/// Result with [`Error`] unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Wraps a failed system call with what it was for.
    pub(crate) fn setup(step: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Setup {
            step: step.into(),
            source: source.into(),
            hint: None,
        }
    }
}
