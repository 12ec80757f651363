//! When something is tried again: back-off that doubles, spread by chance, or what the server asks for (RFC 9110, section 10.2.3).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;

use crate::clock::Clock;

/// How often and when something is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// How often it is tried in all.
    pub attempts: u32,
    /// The first pause; each further one is twice as long.
    pub first: Duration,
    /// No pause of ours is longer.
    pub longest: Duration,
    /// A server that asks for a longer pause is not waited for: it would be asked in vain before.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            patience: Duration::from_secs(60),
        }
    }
}

impl Retry {
    /// How long to wait after attempt number `attempt` (the first is 1) has failed, or `None` when it was the last.
    ///
    /// `asked` is what the server asks for ([`Response::retry_after`](crate::Response::retry_after)). A pause of ours is half to
    /// one and a half of what doubling says; nobody is asked before the time the server gave.
    pub fn pause(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        clock: &dyn Clock,
    ) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let backoff = self.first.saturating_mul(doubled).min(self.longest);
        let spread = 0.5 + clock.spread().clamp(0.0, 1.0);
        match asked {
            Some(asked) if asked > self.patience => None,
            // All who were told the same time would come back together.
            Some(asked) => Some(asked + self.first.mul_f64(spread - 0.5)),
            None => Some(backoff.mul_f64(spread).min(self.longest)),
        }
    }
}

/// Attempts at one thing.
#[derive(Debug)]
pub struct Attempts {
    retry: Retry,
    clock: Arc<dyn Clock>,
    made: u32,
}

impl Attempts {
    pub(crate) fn new(retry: Retry, clock: Arc<dyn Clock>) -> Self {
        Self {
            retry,
            clock,
            made: 0,
        }
    }

    /// An attempt has failed: waits, and says whether to make another. `asked` is what the server asks for.
    pub async fn again(&mut self, asked: Option<Duration>) -> bool {
        self.made += 1;
        let pause = self.retry.pause(self.made, asked, &*self.clock);
        if let Some(pause) = pause {
            self.clock.sleep(pause).await;
        }
        pause.is_some()
    }

    /// There was progress: the count begins anew.
    pub fn reset(&mut self) {
        self.made = 0;
    }
}

/// Whether a server that answers with this status may answer otherwise later.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// The pause a `Retry-After` asks for: seconds, or a date.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they are no number: long after everybody's patience.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;
