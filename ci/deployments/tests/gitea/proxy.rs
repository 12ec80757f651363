//! What stands between the writer and Gitea.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use super::DESCRIPTION;
use super::description::{Operation, percent_decoded};
use super::http::{Request, serve};

#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// `METHOD path` of every request that changes something.
    pub(crate) writes: Vec<String>,
    /// What requests were not as described.
    pub(crate) violations: Vec<String>,
    /// After so many more requests that change something, the next one finds nobody; whether it takes effect all the same.
    pub(crate) dies_after: Option<(usize, bool)>,
    is_dead: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    seen: Arc<Mutex<Seen>>,
    pub(crate) address: String,
}

impl Proxy {
    /// In front of the server at `HOST:PORT`.
    pub(crate) fn start(server: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (shared, server) = (Arc::clone(&seen), server.to_owned());
        let address = serve(move |request| {
            let is_answered = shared.lock().unwrap().see(&request)?;
            let answer = exchange(
                &server,
                &request.method,
                &request.target,
                &request.headers,
                &request.body,
            );
            is_answered.then_some(answer)
        });
        Self { seen, address }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

impl Seen {
    /// Whether a request is answered after it took effect; nothing: it never arrives.
    fn see(&mut self, request: &Request) -> Option<bool> {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        if let Some(path) = path.strip_prefix("/api/v1") {
            self.check(request, path, query);
        }
        let is_read = request.method == "GET" || path.ends_with("/git-upload-pack");
        if !is_read {
            self.writes.push(format!("{} {path}", request.method));
        }
        match &mut self.dies_after {
            None => self.is_dead = false,
            Some((left, _)) if *left > 0 => *left -= usize::from(!is_read),
            Some(_) if is_read || self.is_dead => {}
            Some((_, done)) => {
                self.is_dead = true;
                return done.then_some(false);
            }
        }
        (!self.is_dead).then_some(true)
    }

    fn check(&mut self, request: &Request, path: &str, query: &str) {
        let call = format!("{} {path}", request.method);
        let Some(operation) = Operation::find(&DESCRIPTION, &request.method, path) else {
            self.violations.push(format!("{call} is not described"));
            return;
        };
        let query: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (percent_decoded(key), percent_decoded(value)))
            .collect();
        let body: Option<Value> = match request.body.is_empty() {
            true => None,
            false => Some(serde_json::from_slice(&request.body).unwrap()),
        };
        let faults = operation.check_request(&query, body.as_ref());
        let faults = faults.into_iter().map(|it| format!("{call}: {it}"));
        self.violations.extend(faults);
    }
}

/// Sends a request and gives the whole answer. Of the older version of HTTP, so that its end is the connection's.
pub(crate) fn exchange(
    server: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Vec<u8> {
    const OURS: [&str; 5] = [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "expect",
    ];
    let mut head = format!(
        "{method} {target} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers.iter().filter(|(name, _)| !OURS.contains(&&**name)) {
        head += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}
