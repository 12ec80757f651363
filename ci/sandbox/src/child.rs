//! A running execution, seen from outside: its output, its end, signals to it and connections into its network.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{oneshot, watch};

use crate::cgroup::Cgroup;
use crate::launch::Launched;
use crate::sys;
use crate::wire::{self, Ended, Event, Request};
use crate::{Error, NetworkHandle, Result};

/// A running execution. Dropping it kills everything in it.
pub struct Child {
    /// Standard output; take it and read it while the command runs. It ends when the execution does, whatever holds it open.
    pub stdout: Option<Receiver>,
    /// Standard error.
    pub stderr: Option<Receiver>,
    shared: Arc<Shared>,
    network: Option<NetworkHandle>,
    end: watch::Receiver<Option<End>>,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command exited.
    Code(i32),
    /// The command was killed by this signal.
    Signal(i32),
    /// The kernel killed it for exceeding its memory limit.
    OutOfMemory,
    /// It was ended for exceeding its time limit.
    TimedOut,
}

impl Exit {
    /// Exit code 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// What a shell would report: the code, 128 + signal, 137 (memory), 124 (time).
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
            Self::OutOfMemory => 137,
            Self::TimedOut => 124,
        }
    }
}

/// What is known once all processes are gone.
#[derive(Clone, Copy, Debug)]
enum End {
    Exit(Exit),
    Killed,
    Lost,
}

/// What the handle and the watching task both use.
struct Shared {
    control: AsyncFd<OwnedFd>,
    connections: Mutex<HashMap<u64, oneshot::Sender<io::Result<OwnedFd>>>>,
    next: AtomicU64,
    killed: AtomicBool,
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<io::Result<OwnedFd>>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn next_event(&self) -> io::Result<Option<(Event, Vec<OwnedFd>)>> {
        self.control
            .async_io(Interest::READABLE, |socket| wire::receive(socket))
            .await
    }

    /// The end of the control socket is the end of pid 1, and with it of all.
    fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        let _ = shutdown(self.control.get_ref(), Shutdown::Both);
    }
}

impl Child {
    /// Waits until the command has been executed, or for the reason why not.
    pub(crate) async fn attend(launched: Launched) -> Result<Self> {
        let Launched {
            mut process,
            control,
            cgroup,
        } = launched;
        let broken = |error: io::Error| Error::setup("watch the execution", error);
        rustix::io::ioctl_fionbio(&control, true).map_err(|errno| broken(errno.into()))?;
        let shared = Arc::new(Shared {
            control: sys::watch(control, Interest::READABLE).map_err(broken)?,
            connections: Mutex::default(),
            next: AtomicU64::new(0),
            killed: false.into(),
        });
        let stdout = process
            .stdout
            .take()
            .map(|pipe| Receiver::from_owned_fd(pipe.into()))
            .transpose()
            .map_err(broken)?;
        let stderr = process
            .stderr
            .take()
            .map(|pipe| Receiver::from_owned_fd(pipe.into()))
            .transpose()
            .map_err(broken)?;
        let first = shared.next_event().await.map_err(broken)?;
        let (end_sender, end) = watch::channel(None);
        let watcher = Watcher {
            shared: Arc::clone(&shared),
            process,
            cgroup,
        };
        tokio::spawn(async move {
            let end = watcher.watch().await;
            let _ = end_sender.send(Some(end));
        });
        let mut child = Self {
            stdout,
            stderr,
            shared,
            network: None,
            end,
        };
        match first {
            Some((Event::Started, descriptors)) => {
                child.network = descriptors
                    .into_iter()
                    .next()
                    .map(|network| NetworkHandle(Arc::new(network)));
                Ok(child)
            }
            Some((Event::Failed(failure), _)) => Err(failure.into()),
            _ => Err(lost()),
        }
    }

    /// Waits for the end: the command has exited and everything it left behind is gone. May be called again.
    pub async fn wait(&self) -> Result<Exit> {
        let mut end = self.end.clone();
        let end = end.wait_for(Option::is_some).await.map_or(None, |end| *end);
        match end {
            Some(End::Exit(exit)) => Ok(exit),
            Some(End::Killed) => Ok(Exit::Signal(rustix::process::Signal::KILL.as_raw())),
            Some(End::Lost) | None => Err(lost()),
        }
    }

    /// Sends a signal to the command.
    pub fn signal(&self, signal: i32) -> io::Result<()> {
        self.request(&Request::Signal(signal))
    }

    /// Kills the command and everything it started.
    pub fn kill(&self) {
        self.shared.kill();
    }

    /// Sends the signal (SIGTERM is 15), then SIGKILL to everything after `grace`.
    pub async fn stop(&self, signal: i32, grace: Duration) -> Result<Exit> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        // If it has ended already, the end is what counts.
        let _ = self.request(&Request::Stop { signal, grace_ms });
        self.wait().await
    }

    /// Connects to `127.0.0.1:port` (or `::1`) as seen inside, whatever its network is.
    pub async fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.shared.connections().insert(id, sender);
        if let Err(error) = self.request(&Request::Connect { id, port }) {
            self.shared.connections().remove(&id);
            return Err(error);
        }
        let connection = receiver
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted))??;
        let stream = std::net::TcpStream::from(connection);
        stream.set_nonblocking(true)?;
        TcpStream::from_std(stream)
    }

    /// Its network, for other executions to join; `None` if it is the host's.
    pub fn network(&self) -> Option<NetworkHandle> {
        self.network.clone()
    }

    fn request(&self, request: &Request) -> io::Result<()> {
        if self.end.borrow().is_some() {
            return Err(Errno::SRCH.into());
        }
        wire::send(self.shared.control.get_ref(), request, &[])
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.shared.kill();
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("end", &*self.end.borrow())
            .finish_non_exhaustive()
    }
}

fn lost() -> Error {
    Error::Lost {
        process: "init process of the execution",
        detail: Some(
            "it was killed from outside, or ci_sandbox::init is not the first call in main"
                .to_owned(),
        ),
    }
}

/// Reads what the execution reports, to its end.
struct Watcher {
    shared: Arc<Shared>,
    process: std::process::Child,
    cgroup: Option<Cgroup>,
}

impl Watcher {
    async fn watch(mut self) -> End {
        let mut ended = None;
        loop {
            let (event, descriptors) = match self.shared.next_event().await {
                Ok(Some(received)) => received,
                // The other side closed with a request of ours unread: that is reported once, before what it had said.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                Ok(None) | Err(_) => break,
            };
            match event {
                Event::Ended(how) => ended = Some(how),
                Event::Connected { id } => {
                    let connection = descriptors
                        .into_iter()
                        .next()
                        .ok_or_else(|| Errno::CONNABORTED.into());
                    self.answer(id, connection);
                }
                Event::Refused { id, errno } => {
                    self.answer(id, Err(io::Error::from_raw_os_error(errno)))
                }
                Event::Started | Event::Failed(_) => {}
            }
        }
        self.shared.connections().clear();
        self.reap().await;
        match ended {
            _ if self.cgroup.as_ref().is_some_and(Cgroup::ran_out_of_memory) => {
                End::Exit(Exit::OutOfMemory)
            }
            Some(Ended::Code(code)) => End::Exit(Exit::Code(code)),
            Some(Ended::Signal(signal)) => End::Exit(Exit::Signal(signal)),
            Some(Ended::TimedOut) => End::Exit(Exit::TimedOut),
            None if self.shared.killed.load(Ordering::SeqCst) => End::Killed,
            None => End::Lost,
        }
    }

    fn answer(&self, id: u64, connection: io::Result<OwnedFd>) {
        if let Some(caller) = self.shared.connections().remove(&id) {
            let _ = caller.send(connection);
        }
    }

    /// Waits for the process between us and pid 1, which waits for pid 1, whose end is the end of all.
    async fn reap(&mut self) {
        // Nothing is left to say, whatever the reason is that we stopped listening.
        let _ = shutdown(self.shared.control.get_ref(), Shutdown::Both);
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        let handle = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK).ok());
        if let Some(handle) = handle.and_then(|handle| sys::watch(handle, Interest::READABLE).ok())
        {
            let _ = handle.readable().await;
        }
        let _ = self.process.wait();
    }
}
