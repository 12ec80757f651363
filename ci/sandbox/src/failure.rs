//! A failed step as it travels from a helper process to the caller: what was tried, the kernel's answer, what to do about it.

use std::io;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::Error;

/// A refusal inside a helper process, in a form that can be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// See [`Error::Setup`].
    Setup {
        step: String,
        errno: Option<i32>,
        reason: String,
        hint: Option<String>,
    },
    /// See [`Error::Command`].
    Command { message: String, code: i32 },
}

impl Failure {
    /// A step that failed for a reason of our own.
    pub(crate) fn new(step: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setup {
            step: step.into(),
            errno: None,
            reason: reason.into(),
            hint: None,
        }
    }

    /// Adds advice.
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Setup { hint, .. } = &mut self {
            *hint = Some(text.into());
        }
        self
    }

    /// The kernel's error number, if it was the kernel that refused.
    pub(crate) fn errno(&self) -> Option<Errno> {
        match self {
            Self::Setup {
                errno: Some(errno), ..
            } => Some(Errno::from_raw_os_error(*errno)),
            _ => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Setup {
                step,
                errno,
                reason,
                hint,
            } => Self::Setup {
                step,
                source: errno
                    .map_or_else(|| io::Error::other(reason), io::Error::from_raw_os_error),
                hint,
            },
            Failure::Command { message, code } => Self::Command { message, code },
        }
    }
}

/// Names the step a system call belonged to.
pub(crate) trait During<T> {
    /// `step` completes the sentence "cannot …".
    fn during(self, step: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, step: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| {
            let error: io::Error = error.into();
            Failure::Setup {
                step: step(),
                errno: error.raw_os_error(),
                reason: error.to_string(),
                hint: None,
            }
        })
    }
}
