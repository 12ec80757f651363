//! Messages between the engine and its helper processes: JSON in the packets of a `SOCK_SEQPACKET` pair, with descriptors beside it.
//! A packet is sent or not, never in part; the end of the stream is the end of the peer.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::spec::Spec;

/// Larger things travel in a memory file whose descriptor is sent.
const MAX_MESSAGE: usize = 64 * 1024;
const MAX_DESCRIPTORS: usize = 4;

/// First message to a process that is to run an execution. Descriptors: the [`Order`], then those that the flags announce.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    /// A user namespace to enter.
    pub(crate) user_namespace: bool,
    /// A network namespace to join.
    pub(crate) network_namespace: bool,
}

/// What to run; read from a memory file, since it may be large and hold secrets.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) spec: Spec,
    /// One id is mapped in the user namespace.
    pub(crate) single_id: bool,
}

/// Engine to a running execution.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Deliver a signal to the command.
    Signal(i32),
    /// SIGTERM or another signal now, the end of everything after so many milliseconds.
    Stop { signal: i32, grace_ms: u64 },
    /// Connect to a port inside.
    Connect { id: u64, port: u16 },
}

/// A running execution to the engine.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Event {
    /// The command has been executed. Descriptor: the network namespace, if it has one of its own.
    Started,
    /// It has not.
    Failed(Failure),
    /// The command has ended.
    Ended(Ended),
    /// Answer to [`Request::Connect`]. Descriptor: the connection.
    Connected { id: u64 },
    /// Answer to [`Request::Connect`].
    Refused { id: u64, errno: i32 },
}

/// How the command ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Ended {
    Code(i32),
    Signal(i32),
    /// With the names of what was running.
    TimedOut(Vec<String>),
}

/// A connected pair, closed on exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Sends one message.
pub(crate) fn send(
    socket: impl AsFd,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > MAX_MESSAGE {
        return Err(Errno::MSGSIZE.into());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Errno::MSGSIZE.into());
    }
    rustix::io::retry_on_intr(|| {
        sendmsg(
            &socket,
            &[IoSlice::new(&bytes)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        )
    })?;
    Ok(())
}

/// Receives one message; `None` once the peer is gone.
pub(crate) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut bytes = vec![0; MAX_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut receive = || {
        rustix::io::retry_on_intr(|| {
            recvmsg(
                &socket,
                &mut [IoSliceMut::new(&mut bytes)],
                &mut ancillary,
                RecvFlags::CMSG_CLOEXEC,
            )
        })
    };
    let received = match receive() {
        // The peer went with a message of ours unread. That is said once, and before what the peer itself had sent.
        Err(Errno::CONNRESET) => receive(),
        other => other,
    };
    let length = match received {
        Ok(received) => received.bytes,
        Err(Errno::CONNRESET) => 0,
        Err(errno) => return Err(errno.into()),
    };
    if length == 0 {
        return Ok(None);
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok(Some((
        serde_json::from_slice(&bytes[..length])?,
        descriptors,
    )))
}

/// A memory file with these contents, read from its beginning.
pub(crate) fn memory_file(bytes: &[u8]) -> io::Result<OwnedFd> {
    let file = std::fs::File::from(memfd_create("pipeline", MemfdFlags::CLOEXEC)?);
    io::Write::write_all(&mut &file, bytes)?;
    io::Seek::rewind(&mut &file)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_said_is_heard_although_it_went_with_a_message_unread() {
        let (ours, theirs) = pair().unwrap();
        send(&ours, &Request::Connect { id: 1, port: 80 }, &[]).unwrap();
        send(&theirs, &Event::Ended(Ended::Code(4)), &[]).unwrap();
        drop(theirs);
        let heard = receive::<Event>(&ours).unwrap();
        assert!(
            matches!(heard, Some((Event::Ended(Ended::Code(4)), _))),
            "{heard:?}"
        );
        assert!(receive::<Event>(&ours).unwrap().is_none());
    }
}
