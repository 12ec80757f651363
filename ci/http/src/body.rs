//! Bodies of requests that are made on the way.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{Stream, StreamExt};
use http_body::{Body, Frame, SizeHint};

/// A body of known length.
pub struct Upload {
    length: u64,
    rest: u64,
    pieces: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>,
    taken: Arc<AtomicU64>,
}

/// The body's source failed, not the connection.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SourceError(#[from] io::Error);

impl Upload {
    /// A body of `length` bytes. Pieces that make more or fewer fail the request.
    pub fn new(
        length: u64,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            length,
            rest: length,
            pieces: Box::pin(pieces),
            taken: Arc::default(),
        }
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Bytes the connection has taken.
    pub(crate) fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }
}

/// A body for one address: a redirect does not take it along, whatever its status. For bodies that hold a secret (R1).
pub fn once(bytes: impl Into<Bytes>) -> reqwest::Body {
    let bytes = bytes.into();
    let length = bytes.len() as u64;
    reqwest::Body::wrap(Upload::new(length, futures::stream::iter([Ok(bytes)])))
}

impl Body for Upload {
    type Data = Bytes;
    type Error = SourceError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SourceError>>> {
        let wrong = |what: &str| {
            SourceError(io::Error::other(format!(
                "the source has {what} bytes than it should"
            )))
        };
        self.pieces
            .poll_next_unpin(context)
            .map(|piece| match piece {
                Some(Ok(piece)) => {
                    let length = piece.len() as u64;
                    let Some(rest) = self.rest.checked_sub(length) else {
                        return Some(Err(wrong("more")));
                    };
                    self.rest = rest;
                    self.taken.fetch_add(length, Ordering::Relaxed);
                    Some(Ok(Frame::data(piece)))
                }
                Some(Err(error)) => Some(Err(error.into())),
                None if self.rest > 0 => Some(Err(wrong("fewer"))),
                None => None,
            })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
