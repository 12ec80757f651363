//! Waits until a service answers 200, and keeps why it did not.

use std::time::{Duration, Instant};

use super::http::{self, ANSWER_LIMIT, HttpError};
use super::{Point, Service};

/// The pause between the first attempts; each further one is longer by half.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What the last attempt met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    Status(u16),
    NoAnswer(HttpError),
    Ended,
}

impl Problem {
    pub(super) fn point(&self, name: &str, path: &str, limit: &str) -> Point {
        match self {
            Self::Status(status) => Point::failed(
                name,
                format!("not 200 within {limit}: {path} answers {status}"),
            ),
            Self::NoAnswer(error) => {
                let point = Point::failed(name, format!("not 200 within {limit}: {error}"));
                match error {
                    HttpError::Closed => {
                        point.hint("`port` and `env` of [contract] say where it is to listen")
                    }
                    HttpError::Unreachable(..) => {
                        point.hint("tunnels need the loopback interface: `ip link set lo up`")
                    }
                    _ => point,
                }
            }
            Self::Ended => Point::failed(
                name,
                format!("the program ended before {path} answered 200"),
            ),
        }
    }
}

/// Asks for a path until it answers 200; how long that took.
pub(super) async fn until_ok(
    service: &Service<'_>,
    path: &str,
    limit: Duration,
) -> Result<Duration, Problem> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        // The last attempt gets a chance, however late it begins.
        let left = limit.saturating_sub(began.elapsed());
        let patience = left.clamp(FIRST_PAUSE, ANSWER_LIMIT);
        let problem = match http::get(service.address, path, patience).await {
            Ok(response) if response.status == 200 => return Ok(began.elapsed()),
            Ok(response) => Problem::Status(response.status),
            Err(error) => Problem::NoAnswer(error),
        };
        if (service.has_ended)() {
            return Err(Problem::Ended);
        }
        if began.elapsed() + pause >= limit {
            return Err(problem);
        }
        tokio::time::sleep(pause).await;
        pause = (pause + pause / 2).min(LONGEST_PAUSE);
    }
}
