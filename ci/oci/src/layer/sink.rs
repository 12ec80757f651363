//! Where packed bytes go: one buffer that files are read into directly; hashing and writing overlap with reading once there is more
//! than a buffer full.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::{Digest, DigestWriter};

/// Large enough that a small layer never needs the second thread, small enough for several at once.
pub(super) const CHUNK: usize = 1 << 20;

type Hashed<'env> = DigestWriter<&'env mut (dyn Write + Send)>;

pub(super) struct Sink<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    buffer: Vec<u8>,
    state: State<'scope, 'env>,
}

enum State<'scope, 'env> {
    /// Everything so far is in the buffer.
    Small(Hashed<'env>),
    /// Full buffers go to a thread and come back empty.
    Threaded {
        full: SyncSender<Vec<u8>>,
        empty: Receiver<Vec<u8>>,
        thread: ScopedJoinHandle<'scope, std::io::Result<Hashed<'env>>>,
    },
    /// The thread has ended; its error has been given.
    Broken,
}

impl<'scope, 'env> Sink<'scope, 'env> {
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'env>,
        out: &'env mut (dyn Write + Send),
    ) -> Self {
        Self {
            scope,
            buffer: Vec::with_capacity(CHUNK),
            state: State::Small(DigestWriter::new(out)),
        }
    }

    /// The buffer to append to, with room for at least one byte. Call [`Sink::pass_on`] between two large additions.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Passes the buffer on when it is nearly full.
    pub(super) fn pass_on(&mut self) -> std::io::Result<()> {
        if self.buffer.len() < CHUNK - CHUNK / 16 {
            Ok(())
        } else {
            self.flush()
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let state = std::mem::replace(&mut self.state, State::Broken);
        self.state = match state {
            State::Small(out) => self.start(out),
            other => other,
        };
        let State::Threaded { full, empty, .. } = &self.state else {
            return Err(broken());
        };
        let sent = match empty.recv() {
            Ok(next) => full.send(std::mem::replace(&mut self.buffer, next)).is_ok(),
            Err(_) => false,
        };
        // The thread ends early only with an error.
        if sent {
            Ok(())
        } else {
            self.end().and(Err(broken()))
        }
    }

    fn start(&self, mut out: Hashed<'env>) -> State<'scope, 'env> {
        let (full, chunks) = sync_channel::<Vec<u8>>(2);
        let (back, empty) = sync_channel(2);
        // Two buffers besides the one being filled: one to hash, one in waiting.
        for _ in 0..2 {
            let _ = back.send(Vec::with_capacity(CHUNK));
        }
        let thread = self.scope.spawn(move || {
            for mut chunk in chunks {
                out.write_all(&chunk)?;
                chunk.clear();
                // Nobody waits for it at the end.
                let _ = back.send(chunk);
            }
            Ok(out)
        });
        State::Threaded {
            full,
            empty,
            thread,
        }
    }

    /// Writes what is left: digest and length of everything.
    pub(super) fn finish(mut self) -> std::io::Result<(Digest, u64)> {
        if !matches!(self.state, State::Small(_)) {
            self.flush()?;
        }
        let mut out = self.end()?;
        out.write_all(&self.buffer)?;
        out.flush()?;
        let (_, digest, size) = out.finish();
        Ok((digest, size))
    }

    fn end(&mut self) -> std::io::Result<Hashed<'env>> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Small(out) => Ok(out),
            State::Threaded { full, thread, .. } => {
                drop(full);
                thread.join().map_err(|_| broken())?
            }
            State::Broken => Err(broken()),
        }
    }
}

fn broken() -> std::io::Error {
    std::io::Error::other("the writer of the archive has ended")
}
