//! What `test` holds a running HTTP service to: it comes alive, gets ready, says what it is, and leaves in good order.
//!
//! Here a service is an address that may or may not answer, and a future that asks it to stop. Which engine runs it, and
//! from which image, is decided in [`super::service`].

mod http;
mod shutdown;
mod start;
#[cfg(test)]
mod testing;
mod version;

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

pub(crate) use version::Expected;

use crate::units;

/// The variable that tells a service the digest of the image it runs from.
pub(crate) const IMAGE_DIGEST: &str = "IMAGE_DIGEST";

/// One thing that was held to the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    /// What it is: `livez`, `version.sha`.
    pub(crate) name: String,
    pub(crate) passed: bool,
    /// In one line, what was seen.
    pub(crate) detail: String,
    /// What to do about it, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Point {
    pub(crate) fn passed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            passed: true,
            detail: detail.into(),
            hint: None,
        }
    }

    pub(crate) fn failed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            passed: false,
            ..Self::passed(name, detail)
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A service that has been started.
pub(crate) struct Service<'a> {
    pub(crate) address: SocketAddr,
    /// Whether it is known to have ended. An engine that cannot tell says no.
    pub(crate) has_ended: &'a (dyn Fn() -> bool + Sync),
}

/// What an HTTP service promised.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// Path that answers while the process is up.
    pub(crate) livez: String,
    /// Path that answers 200 while it wants requests.
    pub(crate) readyz: Option<String>,
    /// Path that tells what was built, and what it has to tell.
    pub(crate) version: Option<(String, Expected)>,
    /// How long until it is alive, and from then on until it is ready.
    pub(crate) start_timeout: Duration,
    /// What of the first has passed already.
    pub(crate) elapsed: Duration,
    /// How long it may take to end.
    pub(crate) grace_period: Duration,
}

/// Holds a service to its terms. `stop` asks it to end with SIGTERM, and is ready when it has ended or why it did not; it is
/// dropped when the grace period is over.
pub(crate) async fn hold(
    service: &Service<'_>,
    terms: &Terms,
    stop: impl Future<Output = Result<(), String>>,
) -> Vec<Point> {
    let mut points = Vec::new();
    let limit = terms.start_timeout.saturating_sub(terms.elapsed);
    match start::until_ok(service, &terms.livez, limit).await {
        Ok(answered) => {
            let after = time(terms.elapsed + answered);
            points.push(Point::passed("livez", format!("200 after {after}")));
        }
        Err(problem) => {
            let limit = units::duration(terms.start_timeout);
            points.push(problem.point("livez", &terms.livez, &limit));
            return points;
        }
    }
    let mut is_ready = false;
    if let Some(readyz) = &terms.readyz {
        match start::until_ok(service, readyz, terms.start_timeout).await {
            Ok(answered) => {
                let after = time(answered);
                points.push(Point::passed("readyz", format!("200, {after} after livez")));
                is_ready = true;
            }
            Err(problem) => {
                let limit = units::duration(terms.start_timeout);
                points.push(problem.point("readyz", readyz, &limit));
            }
        }
    }
    if let Some((path, expected)) = &terms.version {
        match http::get(service.address, path, http::ANSWER_LIMIT).await {
            Ok(response) => points.extend(version::check(&response, expected)),
            Err(error) => points.push(Point::failed("version", format!("GET {path}: {error}"))),
        }
    }
    if (service.has_ended)() {
        let what = "the program ended by itself, before it was asked to";
        points.push(Point::failed("exit", what));
        return points;
    }
    // A service that never was ready has nothing to drain.
    let readyz = terms.readyz.as_deref().filter(|_| is_ready);
    points.extend(shutdown::observe(service, &terms.livez, readyz, terms.grace_period, stop).await);
    points
}

/// A span of time to the millisecond where that says something.
pub(super) fn time(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else {
        units::duration(span)
    }
}

#[cfg(test)]
mod tests;
