//! A running execution, seen from outside: its output, its end, signals to it and connections into its network.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::unix::pipe::Receiver;

use crate::{NetworkHandle, Result};

/// A running execution. Dropping it kills everything in it.
#[derive(Debug)]
pub struct Child {
    /// Standard output; take it and read it while the command runs. It ends when the execution does, whatever holds it open.
    pub stdout: Option<Receiver>,
    /// Standard error.
    pub stderr: Option<Receiver>,
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

impl Child {
    /// Waits for the end: the command has exited and everything it left behind is gone. May be called again.
    pub async fn wait(&self) -> Result<Exit> {
        Err(io::Error::from(io::ErrorKind::Unsupported)).map_err(|e| crate::Error::setup("wait", e))
    }

    /// Sends a signal to the command.
    pub fn signal(&self, signal: i32) -> io::Result<()> {
        let _ = signal;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Kills the command and everything it started.
    pub fn kill(&self) {}

    /// SIGTERM (or another signal), then SIGKILL for everything after `grace`.
    pub async fn stop(&self, signal: i32, grace: Duration) -> Result<Exit> {
        let _ = (signal, grace);
        self.wait().await
    }

    /// Connects to `127.0.0.1:port` (or `::1`) as seen inside, whatever its network is.
    pub async fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let _ = port;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Its network, for other executions to join; `None` if it is the host's.
    pub fn network(&self) -> Option<NetworkHandle> {
        None
    }
}
