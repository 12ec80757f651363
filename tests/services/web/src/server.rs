//! Takes connections, each in a thread, and counts the requests under way so that the end can wait for them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::http::{Connection, Refused};
use crate::log;
use crate::routes::State;

/// More connections at once are told to come back.
const MAX_CONNECTIONS: usize = 256;

/// How long the end waits for requests under way.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after the system had no connection to give, as when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Server {
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
    address: SocketAddr,
}

struct Shared {
    state: Arc<State>,
    stopping: AtomicBool,
    connections: AtomicUsize,
    requests: Mutex<usize>,
    request_done: Condvar,
}

impl Server {
    /// Serves until [`Server::stop`].
    pub(crate) fn start(listener: TcpListener, state: Arc<State>) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, listener.local_addr()?.port()));
        let shared = Arc::new(Shared {
            state,
            stopping: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            requests: Mutex::new(0),
            request_done: Condvar::new(),
        });
        let for_thread = Arc::clone(&shared);
        let acceptor = thread::Builder::new().spawn(move || accept(&listener, &for_thread))?;
        Ok(Self {
            shared,
            acceptor,
            address,
        })
    }

    /// Takes no more connections and waits for the requests under way: how many of them did not end in time.
    pub(crate) fn stop(self) -> usize {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // `accept` cannot be interrupted, but it can be given a connection. If that fails, the end comes all the same.
        if TcpStream::connect(self.address).is_ok() {
            let _ = self.acceptor.join();
        }
        let requests = self
            .shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited =
            self.shared
                .request_done
                .wait_timeout_while(requests, FINISH_TIMEOUT, |requests| *requests > 0);
        let (requests, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *requests
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                log::error("accept", &[("reason", &error.to_string())]);
                thread::sleep(ACCEPT_PAUSE);
                continue;
            }
        };
        let open = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let for_thread = Arc::clone(shared);
        let spawned = thread::Builder::new().spawn(move || {
            // Clients come and go; a connection that breaks is their affair.
            let _ = converse(stream, &for_thread, open > MAX_CONNECTIONS);
            for_thread.connections.fetch_sub(1, Ordering::SeqCst);
        });
        if let Err(error) = spawned {
            shared.connections.fetch_sub(1, Ordering::SeqCst);
            log::error(
                "no thread for a connection",
                &[("reason", &error.to_string())],
            );
        }
    }
}

/// Answers the requests of one connection.
fn converse(stream: TcpStream, shared: &Shared, overloaded: bool) -> io::Result<()> {
    let mut connection = Connection::new(stream)?;
    if overloaded {
        return connection.write(&shared.state.answer(&Err(Refused(503))), false, true);
    }
    while connection.wait()? {
        let _under_way = UnderWay::new(shared);
        let request = connection.read()?;
        let response = shared.state.answer(&request);
        let close =
            shared.state.is_draining() || !request.as_ref().is_ok_and(|request| request.persistent);
        let (method, path) = match &request {
            Ok(request) => (request.method.as_str(), request.path.as_str()),
            Err(_) => ("", ""),
        };
        connection.write(&response, method == "HEAD", close)?;
        // Probes come every few seconds and say nothing.
        if !matches!(path, "/livez" | "/readyz") {
            log::info(
                "request",
                &[
                    ("method", method),
                    ("path", path),
                    ("status", &response.status.to_string()),
                ],
            );
        }
        if close {
            break;
        }
    }
    Ok(())
}

/// A request from its first byte to the last of the response.
struct UnderWay<'a>(&'a Shared);

impl<'a> UnderWay<'a> {
    fn new(shared: &'a Shared) -> Self {
        *shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        Self(shared)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        *self
            .0
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.request_done.notify_all();
    }
}
