//! A proxy before a registry without TLS, which passes everything on and knows what was asked for and sent. Told to, it holds what is sent
//! back, so that whoever sends can be killed in the middle.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Longer than any line of a request is.
const LINE: usize = 4096;
/// What a request line ends with.
const END: &[u8] = b" HTTP/1.1\r\n";
/// What one begins with.
const METHODS: [&str; 6] = ["GET /", "HEAD /", "PUT /", "POST /", "PATCH /", "DELETE /"];

/// A proxy; it lasts as long as the process.
#[derive(Debug)]
pub struct Proxy {
    /// Host and port.
    pub host: String,
    seen: Arc<Seen>,
}

/// What went through a proxy to its registry.
#[derive(Debug, Default)]
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<String>,
    bytes: u64,
    /// No more bytes than these are passed on.
    limit: Option<u64>,
}

impl Proxy {
    /// Starts one before `to`, host and port.
    #[track_caller]
    pub fn start(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Seen::default());
        let (to, state) = (to.to_owned(), seen.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&to) else {
                    continue;
                };
                let (from, into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let state = state.clone();
                thread::spawn(move || {
                    let mut last = Vec::new();
                    pass(from, into, |bytes| state.see(&mut last, bytes));
                });
                thread::spawn(move || pass(server, client, |_| {}));
            }
        });
        Self { host, seen }
    }

    /// The requests so far, as `PUT /v2/…`.
    pub fn requests(&self) -> Vec<String> {
        self.seen.state().requests.clone()
    }

    /// Bytes sent to the registry so far, requests included.
    pub fn bytes(&self) -> u64 {
        self.seen.state().bytes
    }

    /// Forgets what was seen, and passes no more on than `limit` bytes from now on.
    pub fn reset(&self, limit: Option<u64>) {
        let mut state = self.seen.state();
        *state = State {
            limit,
            ..State::default()
        };
        self.seen.changed.notify_all();
    }

    /// Waits until the limit is reached.
    #[track_caller]
    pub fn wait_for_limit(&self) {
        let is_open = |state: &mut State| state.limit.is_none_or(|limit| state.bytes < limit);
        let patience = Duration::from_secs(60);
        let state = self.seen.state();
        let waited = self
            .seen
            .changed
            .wait_timeout_while(state, patience, is_open);
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "so much was not sent");
    }
}

impl Seen {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the bytes of a connection; `last` is the end of what came before. Returns when they may be passed on.
    fn see(&self, last: &mut Vec<u8>, bytes: &[u8]) {
        last.extend_from_slice(bytes);
        let mut state = self.state();
        state.bytes += bytes.len() as u64;
        let mut from = 0;
        while let Some(end) = find(&last[from..], END) {
            let end = from + end;
            let line = String::from_utf8_lossy(&last[end.saturating_sub(LINE).max(from)..end]);
            let begins = METHODS.iter().filter_map(|method| line.rfind(method)).max();
            state
                .requests
                .extend(begins.map(|at| line[at..].to_owned()));
            from = end + END.len();
        }
        // A request line may go on in what comes next.
        last.drain(..from.max(last.len().saturating_sub(LINE)));
        self.changed.notify_all();
        let is_held = |state: &mut State| state.limit.is_some_and(|limit| state.bytes >= limit);
        let state = self.changed.wait_while(state, is_held);
        drop(state);
    }
}

/// Where `part` begins.
fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let mut from = 0;
    // Few bytes of a blob are a blank before the rest.
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == part[0]) {
        if bytes[from + at..].starts_with(part) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        see(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
