//! Requests to Sigstore's services through the clients of the Sigstore crates: bounded in time, tried again where that may help, and
//! told without what is nobody's business.

use std::time::Duration;

use ci_http::Http;
use serde::Deserialize;
use sigstore_sign::{fulcio, rekor, tsa};

use crate::error::{Error, Service};

/// How long one request may take. A Rekor v2 log answers when the entry is in it.
const PATIENCE: Duration = Duration::from_secs(60);
/// So much is told of what a service says, in characters.
const MAX_SAID: usize = 400;

/// Why a service did not give what it was asked for.
pub(crate) trait Failure {
    /// Whether the same may work later.
    fn is_transient(&self) -> bool;
    /// What the service does, as the rest of a sentence about it.
    fn problem(&self) -> String;
}

/// Asks a service, again where it may help. What it says is told without `secret`.
pub(crate) async fn call<T, E: Failure, F: Future<Output = Result<T, E>>>(
    http: &Http,
    (service, url): (Service, &str),
    secret: Option<&str>,
    mut once: impl FnMut() -> F,
) -> Result<T, Error> {
    let mut attempts = http.attempts();
    loop {
        let (again, problem) = match tokio::time::timeout(PATIENCE, once()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => (error.is_transient(), error.problem()),
            Err(_) => (true, format!("does not answer in {PATIENCE:?}")),
        };
        if !again || !attempts.again(None).await {
            return Err(Error::Service {
                service,
                url: url.to_owned(),
                problem: printable(&problem, secret),
            });
        }
    }
}

/// A text of others, cut, without control characters and without `secret`.
pub(crate) fn printable(text: &str, secret: Option<&str>) -> String {
    let text = match secret {
        Some(secret) if !secret.is_empty() => text.replace(secret, "***"),
        _ => text.to_owned(),
    };
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean
        .take(MAX_SAID)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

fn may_pass(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// A request without an answer. The crates tell of it without its cause, and with the address once more.
fn unreachable(why: &str) -> String {
    match why.starts_with("error sending request") {
        true => "cannot be reached".to_owned(),
        false => format!("breaks off: {why}"),
    }
}

/// An answer that is no success: of the body, which follows on the crates' words, the message for people.
fn answers(status: u16, message: &str) -> String {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let body = message.find('{').map(|at| message.split_at(at));
    let told = body.and_then(|(words, body)| {
        let body: Body = serde_json::from_str(body).ok()?;
        Some(format!("{words}{}", body.message))
    });
    format!("answers {status}: {}", told.as_deref().unwrap_or(message))
}

impl Failure for fulcio::Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Http(_) => true,
            Self::Status { status, .. } => may_pass(*status),
            _ => false,
        }
    }

    fn problem(&self) -> String {
        match self {
            Self::Http(why) => unreachable(why),
            Self::Status { status, message } => answers(*status, message),
            other => format!("gives no certificate: {other}"),
        }
    }
}

impl Failure for rekor::Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Http(_) => true,
            Self::Status { status, .. } => may_pass(*status),
            _ => false,
        }
    }

    fn problem(&self) -> String {
        match self {
            Self::Http(why) => unreachable(why),
            Self::Status { status, message } => answers(*status, message),
            other => format!("gives no entry: {other}"),
        }
    }
}

impl Failure for tsa::Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Http(why) => refused(why).is_none_or(|status| status.parse().is_ok_and(may_pass)),
            _ => false,
        }
    }

    fn problem(&self) -> String {
        match self {
            Self::Http(why) => match refused(why) {
                Some(status) => format!("answers {status}"),
                None => unreachable(why),
            },
            other => format!("gives no timestamp: {other}"),
        }
    }
}

/// The number of an answer that is no success, which that crate tells in words only.
fn refused(why: &str) -> Option<&str> {
    why.strip_prefix("TSA returned status ")?.split(' ').next()
}

#[cfg(test)]
mod tests;
