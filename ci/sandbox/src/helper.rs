//! The helper process of the rootless modes: it owns the user namespace that all executions share, and runs handlers in it.
//! This is its client; what the helper itself does is in [`server`].

mod frame;
mod server;

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::{Deserialize, Serialize};

use crate::failure::{During, Failure};
use crate::privilege::{self, IdMap, Range};
use crate::reexec::{self, Role, THIS_PROGRAM};
use crate::{Error, wire};

pub(crate) use server::{map_single_id, run_handler, serve};

/// First message to the helper. Descriptor: the stream for calls.
#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    /// Wait for the maps instead of writing one with a single id.
    maps_follow: bool,
}

/// The helper's reports on its way.
#[derive(Debug, Serialize, Deserialize)]
enum Progress {
    /// The user namespace is there; its maps may be written.
    Unmapped,
    /// Calls are served. Descriptors: the user namespace, the program to execute in it.
    Ready,
    Failed(Failure),
}

type Reply = Result<Vec<u8>, String>;
type Pending = Mutex<HashMap<u64, mpsc::Sender<Reply>>>;

/// A running helper. It ends when this is dropped or our process ends.
#[derive(Debug)]
pub(crate) struct Helper {
    /// Executions enter it.
    pub(crate) user_namespace: OwnedFd,
    /// Executions start from it.
    pub(crate) program: OwnedFd,
    stream: Mutex<UnixStream>,
    pending: Arc<Pending>,
    alive: Arc<AtomicBool>,
    next: AtomicU64,
}

impl Helper {
    /// Starts it and waits until it serves.
    pub(crate) fn start(ids: &IdMap) -> Result<Self, Error> {
        let step = || "start the helper process".to_owned();
        let (ours, theirs) = wire::pair().during(step)?;
        let (stream, served) = socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .during(step)?;
        let mut child = reexec::command(Role::Serve, THIS_PROGRAM, theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .during(step)?;
        match greet(&ours, &child, ids, &served) {
            Ok((user_namespace, program)) => {
                Self::watch(UnixStream::from(stream), child, user_namespace, program)
                    .during(step)
                    .map_err(Error::from)
            }
            Err(error) => {
                drop(ours);
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn watch(
        stream: UnixStream,
        mut child: Child,
        user_namespace: OwnedFd,
        program: OwnedFd,
    ) -> io::Result<Self> {
        let pending: Arc<Pending> = Arc::default();
        let alive = Arc::new(AtomicBool::new(true));
        let mut reader = io::BufReader::new(stream.try_clone()?);
        let (waiting, running) = (Arc::clone(&pending), Arc::clone(&alive));
        std::thread::Builder::new()
            .name("sandbox-helper".to_owned())
            .spawn(move || {
                while let Ok(reply) = frame::read_reply(&mut reader) {
                    if let Some(caller) = lock(&waiting).remove(&reply.id) {
                        // A caller that does not wait any more is no concern of ours.
                        let _ = caller.send(reply.result);
                    }
                }
                // Closing the stream ends a helper that stopped making sense; dropping the senders tells their callers.
                running.store(false, Ordering::SeqCst);
                let _ = reader.get_ref().shutdown(Shutdown::Both);
                lock(&waiting).clear();
                let _ = child.wait();
            })?;
        Ok(Self {
            user_namespace,
            program,
            stream: Mutex::new(stream),
            pending,
            alive,
            next: AtomicU64::new(0),
        })
    }

    /// Whether it still serves.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    /// Sends a call; the reply comes through the channel, which closes if the helper ends.
    /// It may be waited for anywhere: a thread of its own reads the replies.
    pub(crate) fn call(
        &self,
        handler: &str,
        payload: &[u8],
    ) -> Result<mpsc::Receiver<Reply>, Error> {
        let (sender, receiver) = mpsc::channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.pending).insert(id, sender);
        if frame::write_call(&mut *lock(&self.stream), id, handler, payload).is_err()
            || !self.is_alive()
        {
            lock(&self.pending).remove(&id);
            return Err(lost(None));
        }
        Ok(receiver)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = lock(&self.stream).shutdown(Shutdown::Both);
    }
}

/// A panic elsewhere leaves these maps and streams whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn lost(detail: Option<String>) -> Error {
    Error::Lost {
        process: "helper process",
        detail,
    }
}

/// Brings the helper from its start to where it serves.
fn greet(
    control: &OwnedFd,
    child: &Child,
    ids: &IdMap,
    served: &OwnedFd,
) -> Result<(OwnedFd, OwnedFd), Error> {
    use std::os::fd::AsFd;
    let step = || "talk to the helper process".to_owned();
    let hello = Hello {
        maps_follow: matches!(ids, IdMap::Ranges { .. }),
    };
    wire::send(control, &hello, &[served.as_fd()]).during(step)?;
    loop {
        let Some((progress, descriptors)) = wire::receive::<Progress>(control).during(step)? else {
            return Err(lost(Some(
                "is ci_sandbox::init the first call in main?".to_owned(),
            )));
        };
        match progress {
            Progress::Failed(failure) => return Err(failure.into()),
            Progress::Unmapped => {
                if let IdMap::Ranges { uids, gids } = ids {
                    write_map("newuidmap", child.id(), uids)?;
                    write_map("newgidmap", child.id(), gids)?;
                }
                wire::send(control, &(), &[]).during(step)?;
            }
            Progress::Ready => {
                let mut descriptors = descriptors.into_iter();
                return descriptors
                    .next()
                    .zip(descriptors.next())
                    .ok_or_else(|| lost(None));
            }
        }
    }
}

/// Runs newuidmap(1) or newgidmap(1), which may map what `/etc/subuid` and `/etc/subgid` grant.
fn write_map(program: &'static str, pid: u32, ranges: &[Range]) -> Result<(), Failure> {
    let step = || format!("map subordinate ids with {program}");
    let path = privilege::program(program).ok_or_else(|| {
        Failure::new(step(), "it is not installed")
            .hint("install the package uidmap (shadow-utils)")
    })?;
    let numbers = ranges
        .iter()
        .flat_map(|range| [range.inside, range.outside, range.count]);
    let output = Command::new(path)
        .arg(pid.to_string())
        .args(numbers.map(|number| number.to_string()))
        .stdin(Stdio::null())
        .output()
        .during(step)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(step(), said.trim())
        .hint("PIPELINE_PRIVILEGE=single does without subordinate ids; `doctor` says more"))
}
