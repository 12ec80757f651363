//! Responses: their head, and their bodies piece by piece or whole, but never larger than the caller expects.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{StatusCode, Url};

use crate::clock::Clock;
use crate::error::Error;
use crate::{idle, retry};

/// A response whose head has come.
#[derive(Debug)]
pub struct Response {
    inner: reqwest::Response,
    idle: Duration,
}

impl Response {
    pub(crate) fn new(inner: reqwest::Response, idle: Duration) -> Self {
        Self { inner, idle }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// A header's value, if it is there and text.
    pub fn header(&self, name: impl Into<HeaderName>) -> Option<&str> {
        self.inner.headers().get(name.into())?.to_str().ok()
    }

    /// Who answered: the last address after redirects.
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// What the head says the body's length is, in bytes.
    pub fn content_length(&self) -> Option<u64> {
        self.header(header::CONTENT_LENGTH)?.parse().ok()
    }

    /// How long the server asks to wait before the next attempt.
    pub fn retry_after(&self, clock: &dyn Clock) -> Option<Duration> {
        retry::parse_retry_after(self.header(header::RETRY_AFTER)?, clock.now())
    }

    /// Whether the server may answer otherwise when it is asked again later: 429, 500, 502, 503, 504.
    pub fn may_pass(&self) -> bool {
        retry::may_pass(self.status())
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`Kind::Interrupted`](crate::Kind::Interrupted) when the connection ends before the body,
    /// [`Kind::Stalled`](crate::Kind::Stalled) when nothing comes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match idle::watched(self.inner.chunk(), self.idle, || false).await {
            Some(Ok(chunk)) => Ok(chunk),
            Some(Err(error)) => Err(Error::of(Some(self.inner.url()), error)),
            None => Err(Error::stalled(self.inner.url(), self.idle)),
        }
    }

    /// The whole body, which may have `limit` bytes.
    ///
    /// # Errors
    /// As [`Response::chunk`]; [`Kind::TooLarge`](crate::Kind::TooLarge), as soon as that is known.
    pub async fn bytes(mut self, limit: u64) -> Result<Bytes, Error> {
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(Error::too_large(self.url(), limit));
        }
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if (whole.len() + chunk.len()) as u64 > limit {
                return Err(Error::too_large(self.url(), limit));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}
