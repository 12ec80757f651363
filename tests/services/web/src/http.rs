//! HTTP/1.1 (RFC 9112) as far as a service without uploads needs it: the head of a request, and responses of known length.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A longer head of a request is refused.
const MAX_HEAD: usize = 8 << 10;

/// How long a head may take from its first byte on.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may wait for its next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The head of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// The connection can take another request after this one.
    pub(crate) persistent: bool,
}

/// A request that cannot be answered as asked: the status that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) u16);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: format!("{body}\n"),
        }
    }
}

/// A connection, and what has been received but not yet looked at.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        Ok(Self {
            stream,
            received: Vec::new(),
        })
    }

    /// Waits for the first byte of a request: `false` if the client has none.
    pub(crate) fn wait(&mut self) -> io::Result<bool> {
        Ok(!self.received.is_empty() || self.receive(IDLE_TIMEOUT)?)
    }

    /// Reads the head of a request that has begun.
    pub(crate) fn read(&mut self) -> io::Result<Result<Request, Refused>> {
        let deadline = Instant::now() + HEAD_TIMEOUT;
        loop {
            if let Some(end) = self
                .received
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n")
            {
                let head: Vec<u8> = self.received.drain(..end + 4).collect();
                return Ok(parse(&head[..end]));
            }
            if self.received.len() > MAX_HEAD {
                return Ok(Err(Refused(431)));
            }
            // Not each byte has this time, but all of them together.
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Err(Refused(408)));
            }
            match self.receive(left) {
                Ok(true) => {}
                Ok(false) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn receive(&mut self, timeout: Duration) -> io::Result<bool> {
        self.stream.set_read_timeout(Some(timeout))?;
        let mut bytes = [0; 1024];
        let length = self.stream.read(&mut bytes)?;
        self.received.extend_from_slice(&bytes[..length]);
        Ok(length > 0)
    }

    /// Sends a response, without its body for HEAD.
    pub(crate) fn write(
        &mut self,
        response: &Response,
        head_only: bool,
        close: bool,
    ) -> io::Result<()> {
        let Response {
            status,
            content_type,
            body,
        } = response;
        let mut message = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\n",
            reason(*status),
            body.len(),
        );
        if *status == 405 {
            message.push_str("Allow: GET, HEAD\r\n");
        }
        if close {
            message.push_str("Connection: close\r\n");
        }
        message.push_str("\r\n");
        if !head_only {
            message.push_str(body);
        }
        self.stream.write_all(message.as_bytes())
    }
}

/// Reads a head without the empty line at its end.
fn parse(head: &[u8]) -> Result<Request, Refused> {
    let head = str::from_utf8(head).map_err(|_| Refused(400))?;
    let mut lines = head.split("\r\n");
    let mut parts = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refused(400));
    };
    let mut persistent = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        other if other.starts_with("HTTP/") => return Err(Refused(505)),
        _ => return Err(Refused(400)),
    };
    if method.is_empty() || !target.starts_with('/') {
        return Err(Refused(400));
    }
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Refused(400))?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(Refused(400));
        }
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "connection" => {
                let close = value
                    .split(',')
                    .any(|token| token.trim().eq_ignore_ascii_case("close"));
                persistent &= !close;
            }
            // A body is not read, so that what follows the head is not the next request.
            "content-length" if value == "0" => {}
            "content-length" | "transfer-encoding" => persistent = false,
            _ => {}
        }
    }
    let path = target.split(['?', '#']).next().unwrap_or_default();
    Ok(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        persistent,
    })
}

/// The reason phrase of a status this server gives.
pub(crate) const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, persistent: bool) -> Result<Request, Refused> {
        Ok(Request {
            method: "GET".to_owned(),
            path: path.to_owned(),
            persistent,
        })
    }

    #[test]
    fn reads_the_head_of_a_request() {
        assert_eq!(
            parse(b"GET /a?b=c HTTP/1.1\r\nHost: x"),
            request("/a", true)
        );
        assert_eq!(
            parse(b"GET / HTTP/1.1\r\nConnection: Keep-Alive, CLOSE"),
            request("/", false)
        );
        assert_eq!(parse(b"GET / HTTP/1.0\r\nHost: x"), request("/", false));
    }

    #[test]
    fn a_connection_with_a_body_on_it_is_not_used_again() {
        assert_eq!(
            parse(b"GET / HTTP/1.1\r\ncontent-length: 5"),
            request("/", false)
        );
        assert_eq!(
            parse(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked"),
            request("/", false)
        );
        assert_eq!(
            parse(b"GET / HTTP/1.1\r\nContent-Length: 0"),
            request("/", true)
        );
    }

    #[test]
    fn refuses_what_is_no_request() {
        for head in [
            "",
            "GET /",
            "GET  / HTTP/1.1",
            "GET x HTTP/1.1",
            "GET / HTTP/1.1\r\nno colon",
            "GET / FTP/1",
            "GET / HTTP/1.1\r\n a: b",
        ] {
            assert_eq!(parse(head.as_bytes()), Err(Refused(400)), "{head:?}");
        }
        assert_eq!(parse(b"GET /\xff HTTP/1.1"), Err(Refused(400)));
        assert_eq!(parse(b"GET / HTTP/2.0"), Err(Refused(505)));
    }
}
