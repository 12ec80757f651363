//! Where redirects are followed to (R1, R3).
//!
//! That `Authorization`, cookies and their like stay behind when scheme, host or port change is the library's doing; a test holds
//! it to that. Falling from TLS to plain HTTP is refused here.

use reqwest::redirect::{Attempt, Policy};

/// How many redirects are followed.
const MAX: usize = 10;

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// From `https` to `http`.
    #[error("it redirects to plain HTTP")]
    Downgrade,
    /// A loop, most likely.
    #[error("it redirects more than {MAX} times")]
    TooMany,
}

pub(crate) fn policy() -> Policy {
    Policy::custom(|attempt| match refused(&attempt) {
        Some(refused) => attempt.error(refused),
        None => attempt.follow(),
    })
}

fn refused(attempt: &Attempt<'_>) -> Option<Refused> {
    let secure = attempt.previous().iter().any(|url| url.scheme() == "https");
    if secure && attempt.url().scheme() != "https" {
        Some(Refused::Downgrade)
    } else if attempt.previous().len() > MAX {
        Some(Refused::TooMany)
    } else {
        None
    }
}
