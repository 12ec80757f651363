//! Reads what an execution reports, to its end, and waits for its processes. Runs as a task of its own, so that nothing is left behind
//! when the caller loses interest.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use crate::enforcement::{Exceeded, Group};
use crate::failure::Failure;
use crate::wire::{self, Ended, Event, Request};
use crate::{Exit, NetworkHandle, sys};

/// What is known once all processes are gone.
#[derive(Clone, Debug)]
pub(super) enum End {
    Exit(Exit),
    /// We killed it before it ended.
    Killed,
    /// It went without a word.
    Lost,
}

type Connections = HashMap<u64, oneshot::Sender<io::Result<OwnedFd>>>;

/// What the caller's handle and the task both use.
pub(super) struct Shared {
    control: AsyncFd<OwnedFd>,
    connections: Mutex<Connections>,
    next: AtomicU64,
    killed: AtomicBool,
}

impl Shared {
    pub(super) fn new(control: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&control, true)?;
        Ok(Self {
            control: sys::watch(control, Interest::READABLE)?,
            connections: Mutex::default(),
            next: AtomicU64::new(0),
            killed: AtomicBool::new(false),
        })
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn next_event(&self) -> io::Result<Option<(Event, Vec<OwnedFd>)>> {
        self.control
            .async_io(Interest::READABLE, |socket| wire::receive(socket))
            .await
    }

    pub(super) fn send(&self, request: &Request) -> io::Result<()> {
        wire::send(self.control.get_ref(), request, &[])
    }

    /// A number for a connection, and where it will come.
    pub(super) fn expect_connection(&self) -> (u64, oneshot::Receiver<io::Result<OwnedFd>>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.connections().insert(id, sender);
        (id, receiver)
    }

    pub(super) fn connected(&self, id: u64, connection: io::Result<OwnedFd>) {
        if let Some(caller) = self.connections().remove(&id) {
            let _ = caller.send(connection);
        }
    }

    /// The end of the control socket is the end of pid 1, and with it of all.
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        let _ = shutdown(self.control.get_ref(), Shutdown::Both);
    }
}

pub(super) struct Watcher {
    shared: Arc<Shared>,
    process: process::Child,
    group: Option<Group>,
}

impl Watcher {
    pub(super) fn new(shared: Arc<Shared>, process: process::Child, group: Option<Group>) -> Self {
        Self {
            shared,
            process,
            group,
        }
    }

    /// Tells through `started` whether the command has been executed, and returns when all is over.
    pub(super) async fn watch(
        mut self,
        started: oneshot::Sender<Result<Option<NetworkHandle>, Failure>>,
    ) -> End {
        let mut started = Some(started);
        let mut report = |result| {
            if let Some(started) = started.take() {
                let _ = started.send(result);
            }
        };
        let mut ended = None;
        while let Ok(Some((event, descriptors))) = self.shared.next_event().await {
            let descriptor = descriptors.into_iter().next();
            match event {
                Event::Started => report(Ok(
                    descriptor.map(|network| NetworkHandle(Arc::new(network)))
                )),
                Event::Failed(failure) => report(Err(failure)),
                Event::Ended(how) => ended = Some(how),
                Event::Connected { id } => {
                    self.shared
                        .connected(id, descriptor.ok_or_else(|| Errno::CONNABORTED.into()));
                }
                Event::Refused { id, errno } => self
                    .shared
                    .connected(id, Err(io::Error::from_raw_os_error(errno))),
            }
        }
        drop(started);
        self.shared.connections().clear();
        self.reap().await;
        self.judge(ended)
    }

    fn judge(&self, ended: Option<Ended>) -> End {
        let exit = match ended {
            Some(Ended::Code(code)) => Some(Exit::Code(code)),
            Some(Ended::Signal(signal)) => Some(Exit::Signal(signal)),
            Some(Ended::TimedOut(running)) => Some(Exit::TimedOut { running }),
            None => None,
        };
        if exit.is_none() && self.shared.killed.load(Ordering::SeqCst) {
            return End::Killed;
        }
        let failed = exit.as_ref().map(Exit::code).filter(|&code| code != 0);
        // What ran into a limit may exit with anything, even 0, and may not be what it would have been without.
        match (self.group.as_ref().and_then(Group::exceeded), exit) {
            (Some(Exceeded::Memory), _) => End::Exit(Exit::OutOfMemory {
                code: failed.unwrap_or(128 + Signal::KILL.as_raw()),
            }),
            (Some(Exceeded::Pids), Some(Exit::Code(_))) => End::Exit(Exit::TooManyProcesses {
                code: failed.unwrap_or(1),
            }),
            (_, Some(exit)) => End::Exit(exit),
            (_, None) => End::Lost,
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
