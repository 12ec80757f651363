//! A small HTTP/1.1 client (RFC 9112) for services that may be broken in any way: nothing they answer, or fail to, takes
//! longer than a limit, needs more memory than a limit, or ends in anything but a value. No redirects, no pipelining, one
//! request per connection.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::units;

/// How long an answer may take in all. The probes of an orchestrator give one or two seconds.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Longest status line and headers together, and longest framing between two chunks, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// Longest body, in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// Most header fields of an answer.
const FIELDS_LIMIT: usize = 100;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// Nobody listens. Behind a tunnel that is a connection that ends before anything came.
    #[error("no connection is accepted")]
    Closed,
    /// This machine has no way to the tunnel: its loopback interface is down, or a limit is reached.
    #[error("this machine cannot connect to {0}: {1}")]
    Unreachable(SocketAddr, ErrorKind),
    #[error("the connection was closed in the middle of an answer")]
    Cut,
    #[error("no answer within {}", units::duration(*.0))]
    TimedOut(Duration),
    #[error("the answer is no HTTP/1.1: {0}")]
    Malformed(&'static str),
    #[error("the answer has {0}")]
    TooLong(&'static str),
}

/// Asks for a path.
pub(crate) async fn get(
    address: SocketAddr,
    path: &str,
    limit: Duration,
) -> Result<Response, HttpError> {
    let exchange = async { Exchange::open(address, path).await?.receive().await };
    timeout(limit, exchange)
        .await
        .unwrap_or(Err(HttpError::TimedOut(limit)))
}

/// A request that has been begun: all of it was sent but the line that ends it.
pub(crate) struct Exchange {
    stream: TcpStream,
}

impl Exchange {
    /// Connects and sends all of the request that the service cannot yet answer.
    pub(crate) async fn begin(address: SocketAddr, path: &str) -> Result<Self, HttpError> {
        timeout(ANSWER_LIMIT, Self::open(address, path))
            .await
            .unwrap_or(Err(HttpError::TimedOut(ANSWER_LIMIT)))
    }

    /// Ends the request and reads the answer.
    pub(crate) async fn finish(self) -> Result<Response, HttpError> {
        timeout(ANSWER_LIMIT, self.receive())
            .await
            .unwrap_or(Err(HttpError::TimedOut(ANSWER_LIMIT)))
    }

    async fn open(address: SocketAddr, path: &str) -> Result<Self, HttpError> {
        let connected = TcpStream::connect(address).await;
        let mut stream = connected.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => HttpError::Closed,
            other => HttpError::Unreachable(address, other),
        })?;
        // By this name a program may be asked even if it looks at the name.
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: pipeline\r\nAccept: */*\r\nConnection: close\r\n"
        );
        // A server may answer and close before it has read everything: what counts is what can be read.
        let _ = stream.write_all(head.as_bytes()).await;
        Ok(Self { stream })
    }

    async fn receive(mut self) -> Result<Response, HttpError> {
        let _ = self.stream.write_all(b"\r\n").await;
        let mut input = Input {
            stream: self.stream,
            bytes: Vec::new(),
        };
        loop {
            let head = input.head().await?;
            // An interim answer, after which the real one comes; switching protocols (101) was not asked for.
            if !(100..200).contains(&head.status) {
                let body = input.body(&head).await?;
                return Ok(Response {
                    status: head.status,
                    body,
                });
            }
        }
    }
}

/// What decides how the body is read.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    framing: Framing,
}

/// How the end of a body is found.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// What was received and not yet used.
struct Input {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Input {
    /// Waits for more; whether there was any.
    async fn more(&mut self) -> bool {
        // A connection that breaks has ended.
        matches!(self.stream.read_buf(&mut self.bytes).await, Ok(1..))
    }

    async fn head(&mut self) -> Result<Head, HttpError> {
        loop {
            if let Some((head, length)) = parse_head(&self.bytes)? {
                self.bytes.drain(..length);
                return Ok(head);
            }
            if self.bytes.len() > HEAD_LIMIT {
                return Err(HttpError::TooLong("more than 16 kB of headers"));
            }
            if !self.more().await {
                return Err(if self.bytes.is_empty() {
                    HttpError::Closed
                } else {
                    HttpError::Cut
                });
            }
        }
    }

    async fn body(&mut self, head: &Head) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        match head.framing {
            Framing::Length(length) => self.take(length, &mut body).await?,
            Framing::Chunked => loop {
                let size = self.chunk_size().await?;
                if size == 0 {
                    break;
                }
                self.take(size, &mut body).await?;
                let mut end = Vec::new();
                self.take(2, &mut end).await?;
                if end != b"\r\n" {
                    return Err(HttpError::Malformed("a chunk is longer than it says"));
                }
            },
            Framing::UntilClose => {
                while self.more().await {
                    within_limit(self.bytes.len())?;
                }
                body = std::mem::take(&mut self.bytes);
            }
        }
        within_limit(body.len())?;
        Ok(body)
    }

    /// Moves `count` bytes to `to`.
    async fn take(&mut self, count: usize, to: &mut Vec<u8>) -> Result<(), HttpError> {
        within_limit(to.len().saturating_add(count))?;
        while self.bytes.len() < count {
            if !self.more().await {
                return Err(HttpError::Cut);
            }
        }
        to.extend(self.bytes.drain(..count));
        Ok(())
    }

    async fn chunk_size(&mut self) -> Result<usize, HttpError> {
        loop {
            let parsed = httparse::parse_chunk_size(&self.bytes);
            let parsed = parsed.map_err(|_| HttpError::Malformed("no size of a chunk"))?;
            if let httparse::Status::Complete((length, size)) = parsed {
                self.bytes.drain(..length);
                return Ok(usize::try_from(size).unwrap_or(usize::MAX));
            }
            if self.bytes.len() > HEAD_LIMIT {
                return Err(HttpError::TooLong("more than 16 kB between two chunks"));
            }
            if !self.more().await {
                return Err(HttpError::Cut);
            }
        }
    }
}

fn within_limit(length: usize) -> Result<(), HttpError> {
    if length > BODY_LIMIT {
        return Err(HttpError::TooLong("more than 64 kB"));
    }
    Ok(())
}

/// The head of an answer and its length in bytes; nothing if it is not complete.
fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, HttpError> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(HttpError::TooLong("more than 100 header fields"));
        }
        Err(httparse::Error::Version) => {
            return Err(HttpError::Malformed("it does not begin with HTTP/1"));
        }
        Err(_) => {
            return Err(HttpError::Malformed(
                "its status line or headers are broken",
            ));
        }
    };
    let status = response.code.unwrap_or_default();
    let framing = framing(status, response.headers)?;
    Ok(Some((Head { status, framing }, length)))
}

/// RFC 9112, section 6.3.
fn framing(status: u16, fields: &[httparse::Header<'_>]) -> Result<Framing, HttpError> {
    let values = |name: &'static str| {
        let named = fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| field.value.trim_ascii())
    };
    if matches!(status, 100..200 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    if let Some(coding) = values("transfer-encoding").next_back() {
        return Ok(if coding.eq_ignore_ascii_case(b"chunked") {
            Framing::Chunked
        } else {
            Framing::UntilClose
        });
    }
    let mut lengths = values("content-length");
    let Some(first) = lengths.next() else {
        return Ok(Framing::UntilClose);
    };
    let length = std::str::from_utf8(first).ok().and_then(|text| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(usize::MAX))
    });
    match length {
        Some(length) if lengths.all(|other| other == first) => Ok(Framing::Length(length)),
        _ => Err(HttpError::Malformed("its Content-Length is no length")),
    }
}

#[cfg(test)]
mod tests;
