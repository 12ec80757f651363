//! Sockets of the host inside executions: an SSH agent for `RUN --mount=type=ssh`, or any socket for `Container.withUnixSocket`.
//!
//! A program never gets the host's socket itself: it gets one of ours, of the owner and mode that it asks for, and we talk to the
//! host's. Of an SSH agent it may list the keys and have something signed, and no more.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_rootfs::op::Op;
use rustix::fs::OFlags;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::error::{Error, Result};
use crate::session::Session;

/// Largest message of the agent protocol, in bytes; as in OpenSSH.
const MESSAGE_LIMIT: u32 = 256 << 10;

/// SSH_AGENTC_REQUEST_IDENTITIES and SSH_AGENTC_SIGN_REQUEST of the agent protocol (RFC draft ssh-agent, section 5.1).
const ALLOWED: [u8; 2] = [11, 13];

/// SSH_AGENT_FAILURE, as a whole message.
const REFUSAL: [u8; 5] = [0, 0, 0, 1, 5];

/// A socket of the host.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Names the object.
    pub(crate) id: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// What may be said through a forwarded socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// What uses the keys of an SSH agent, and nothing that changes it.
    Agent,
    /// Anything.
    Anything,
}

/// A socket that leads to one of the host, as long as this is kept.
#[derive(Debug)]
pub(crate) struct Forward {
    path: PathBuf,
    server: tokio::task::JoinHandle<()>,
    _dir: TempDir,
}

impl Forward {
    /// The socket to mount.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Session {
    /// Makes a socket of this owner and mode that leads to one of the host.
    pub(crate) async fn forward(
        &self,
        socket: &Socket,
        talk: Talk,
        owner: (u32, u32),
        mode: u32,
    ) -> Result<Forward> {
        // Said here, where it can be understood, and not by whatever finds out inside.
        UnixStream::connect(&socket.path).await.map_err(|error| {
            Error::new(format!(
                "the socket {} does not answer: {error}",
                socket.path.display()
            ))
        })?;
        // Only its user can enter the directory, so the mode of the socket is for the execution alone.
        let dir = TempDir::with_prefix("pipeline-")?;
        let path = dir.path().join("socket");
        let listener = bind(dir.path())?;
        let op = Op::Prepare {
            path: path.clone(),
            initial: None,
            owner,
            mode,
        };
        self.file_op(&op).await?;
        let server = tokio::spawn(serve(listener, Arc::from(socket.path.as_path()), talk));
        Ok(Forward {
            path,
            server,
            _dir: dir,
        })
    }
}

/// Listens on `socket` in a directory whose own path may be longer than the address of a socket.
fn bind(dir: &Path) -> Result<UnixListener> {
    let fd = rustix::fs::open(
        dir,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .map_err(std::io::Error::from)?;
    Ok(UnixListener::bind(format!(
        "/proc/self/fd/{}/socket",
        fd.as_raw_fd()
    ))?)
}

async fn serve(listener: UnixListener, host: Arc<Path>, talk: Talk) {
    let mut talks = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let host = host.clone();
        talks.spawn(async move {
            let ended = match (UnixStream::connect(&host).await, talk) {
                (Ok(host), Talk::Agent) => agent(client, host).await,
                (Ok(host), Talk::Anything) => anything(client, host).await,
                (Err(error), _) => Err(error),
            };
            if let Err(error) = ended {
                tracing::debug!("a forwarded socket: {error}");
            }
        });
        while talks.try_join_next().is_some() {}
    }
}

async fn anything(mut client: UnixStream, mut host: UnixStream) -> std::io::Result<()> {
    tokio::io::copy_bidirectional(&mut client, &mut host)
        .await
        .map(drop)
}

/// Passes on what uses keys; refuses the rest as an agent would that does not know it.
async fn agent(
    mut client: impl AsyncReadExt + AsyncWriteExt + Unpin,
    mut host: impl AsyncReadExt + AsyncWriteExt + Unpin,
) -> std::io::Result<()> {
    while let Some(request) = message(&mut client).await? {
        if request.first().is_some_and(|kind| ALLOWED.contains(kind)) {
            send(&mut host, &request).await?;
            match message(&mut host).await? {
                Some(answer) => send(&mut client, &answer).await?,
                None => return Ok(()),
            }
        } else {
            client.write_all(&REFUSAL).await?;
        }
    }
    Ok(())
}

/// One message without its length; `None` at the end.
async fn message(from: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let length = match from.read_u32().await {
        Ok(length) if length <= MESSAGE_LIMIT => length,
        Ok(length) => {
            return Err(std::io::Error::other(format!(
                "a message of {length} bytes for an SSH agent"
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut message = vec![0; length as usize];
    from.read_exact(&mut message).await?;
    Ok(Some(message))
}

async fn send(to: &mut (impl AsyncWriteExt + Unpin), message: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    to.write_all(&[&length.to_be_bytes(), message].concat())
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an agent is asked and what the program is told, for what a program sends.
    async fn talk(sent: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let (mut program, client) = tokio::io::duplex(4096);
        let (host, mut agent_side) = tokio::io::duplex(4096);
        let passing = tokio::spawn(agent(client, host));
        let asked = tokio::spawn(async move {
            let mut asked = Vec::new();
            while let Ok(Some(request)) = message(&mut agent_side).await {
                asked.push(request[0]);
                send(&mut agent_side, &[12, request[0]]).await.unwrap();
            }
            asked
        });
        for request in sent {
            send(&mut program, request).await.unwrap();
        }
        program.shutdown().await.unwrap();
        let mut told = Vec::new();
        program.read_to_end(&mut told).await.unwrap();
        passing.await.unwrap().unwrap();
        (asked.await.unwrap(), told)
    }

    #[tokio::test]
    async fn keys_are_used_and_nothing_else() {
        // Add, remove and lock are 17, 18, 19 and 22; 27 is an extension.
        let (asked, told) = talk(&[&[11], &[17, 1, 2], &[13, 9], &[19], &[22], &[27], &[]]).await;
        assert_eq!(asked, [11, 13]);
        let refusal = REFUSAL.as_slice();
        let expected = [
            &[0, 0, 0, 2, 12, 11],
            refusal,
            &[0, 0, 0, 2, 12, 13],
            refusal,
            refusal,
            refusal,
            refusal,
        ];
        assert_eq!(told, expected.concat());
    }

    #[tokio::test]
    async fn a_message_larger_than_any_ends_the_talk() {
        let mut flood: &[u8] = &[0xff; 64];
        assert!(message(&mut flood).await.is_err());
    }
}
