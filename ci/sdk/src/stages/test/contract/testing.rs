//! A server that does what a test tells it to, and a way to read results that does not depend on the clock.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Point, Service};

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Sends this and closes the connection.
    Bytes(Vec<u8>),
    /// Sends this and then nothing, with the connection open.
    Stall(Vec<u8>),
    /// Sends this again and again.
    Flood(Vec<u8>),
}

impl Answer {
    pub(super) fn of(status: u16, body: &str) -> Self {
        let length = body.len();
        let text =
            format!("HTTP/1.1 {status} Some Reason\r\nContent-Length: {length}\r\n\r\n{body}");
        Self::Bytes(text.into_bytes())
    }

    pub(super) fn raw(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

type Handler = dyn Fn(&str) -> Answer + Send + Sync;

/// A server on a port of its own.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    handler: Arc<Mutex<Arc<Handler>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(handler: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let handler: Arc<Mutex<Arc<Handler>>> = Arc::new(Mutex::new(Arc::new(handler)));
        let shared = handler.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self {
            address,
            handler,
            accepting,
        }
    }

    /// Answers otherwise from now on.
    pub(super) fn change(&self, handler: impl Fn(&str) -> Answer + Send + Sync + 'static) {
        *self.handler.lock().unwrap() = Arc::new(handler);
    }

    /// Takes no more connections; those that are open stay.
    pub(super) fn close(&self) {
        self.accepting.abort();
    }

    pub(super) fn service(&self) -> Service<'_> {
        Service {
            address: self.address,
            has_ended: &|| false,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

async fn serve(mut stream: TcpStream, handler: Arc<Mutex<Arc<Handler>>>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
            return;
        }
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap();
    let handler = handler.lock().unwrap().clone();
    match handler(path) {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Answer::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            std::future::pending().await
        }
        Answer::Flood(bytes) => while stream.write_all(&bytes).await.is_ok() {},
    }
}

/// The points as people see them, with `N` for every time.
pub(super) fn render(points: &[Point]) -> String {
    let lines = points.iter().map(|point| {
        let mark = if point.passed { "✔" } else { "✗" };
        let hint = point.hint.iter().map(|hint| format!("\n    {hint}"));
        format!(
            "{mark} {}: {}{}",
            point.name,
            without_times(&point.detail),
            hint.collect::<String>()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn without_times(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    for i in 0..words.len() {
        if words.get(i + 1).is_some_and(|unit| unit.starts_with("ms")) {
            words[i] = "N";
        }
    }
    words.join(" ")
}
