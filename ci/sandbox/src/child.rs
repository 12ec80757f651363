//! A running execution, seen from outside: its output, its end, signals to it and connections into its network.
//! What it reports is read by the [`watcher`].

mod watcher;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{oneshot, watch};

use self::watcher::{End, Shared, Watcher};
use crate::failure::{During, Failure};
use crate::launch::Launched;
use crate::wire::Request;
use crate::{Error, Exit, NetworkHandle, Result};

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

/// An execution on its way. Dropping it ends it, as it does a [`Child`].
pub(crate) struct Starting {
    child: Child,
    started: oneshot::Receiver<Result<Option<NetworkHandle>, Failure>>,
}

impl Starting {
    /// Begins to watch a process. To be called in a tokio runtime.
    pub(crate) fn watch(launched: Launched) -> Result<Self, Failure> {
        let Launched {
            mut process,
            control,
            group,
        } = launched;
        let step = || "watch the execution".to_owned();
        let stdout = process
            .stdout
            .take()
            .map(|pipe| Receiver::from_owned_fd(pipe.into()))
            .transpose()
            .during(step)?;
        let stderr = process
            .stderr
            .take()
            .map(|pipe| Receiver::from_owned_fd(pipe.into()))
            .transpose()
            .during(step)?;
        let shared = Arc::new(Shared::new(control).during(step)?);
        let (started_sender, started) = oneshot::channel();
        let (end_sender, end) = watch::channel(None);
        let watcher = Watcher::new(Arc::clone(&shared), process, group);
        tokio::spawn(async move {
            let end = watcher.watch(started_sender).await;
            let _ = end_sender.send(Some(end));
        });
        Ok(Self {
            child: Child {
                stdout,
                stderr,
                shared,
                network: None,
                end,
            },
            started,
        })
    }

    /// Waits until the command has been executed, or for the reason why not; then nothing is left of the attempt.
    pub(crate) async fn finish(self) -> Result<Child> {
        let Self { mut child, started } = self;
        match started.await {
            Ok(Ok(network)) => {
                child.network = network;
                Ok(child)
            }
            Ok(Err(failure)) => {
                let _ = child.wait().await;
                Err(failure.into())
            }
            Err(_) => Err(lost()),
        }
    }
}

impl Child {
    /// Waits for the end: the command has exited and everything it left behind is gone. May be called again.
    pub async fn wait(&self) -> Result<Exit> {
        let mut end = self.end.clone();
        let end = end
            .wait_for(Option::is_some)
            .await
            .map_or(None, |end| end.clone());
        match end {
            Some(End::Exit(exit)) => Ok(exit),
            Some(End::Killed) => Ok(Exit::Signal(Signal::KILL.as_raw())),
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
        let (id, connection) = self.shared.expect_connection();
        if let Err(error) = self.request(&Request::Connect { id, port }) {
            self.shared.connected(id, Err(Errno::CANCELED.into()));
            return Err(error);
        }
        let connection = connection
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
        self.shared.send(request)
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
