//! Reading ahead: one thread makes bytes, by decompressing say, while another uses those made before.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes passed on at once.
const CHUNK: usize = 256 << 10;

/// Chunks that may wait; each of the two threads has one more.
const WAITING: usize = 4;

/// Calls `work` with the content of `source`, which another thread reads. What `work` leaves is not read to its end.
pub(crate) fn read_ahead<T>(source: impl Read + Send, work: impl FnOnce(&mut dyn Read) -> T) -> T {
    thread::scope(|scope| {
        let (full, chunks) = sync_channel(WAITING);
        // Used buffers go back: nothing is allocated once reading is under way.
        let (back, empty) = sync_channel(WAITING + 2);
        scope.spawn(move || send(source, &full, &empty));
        work(&mut Ahead {
            chunks,
            back,
            chunk: Vec::new(),
            used: 0,
        })
    })
}

/// Reads until the end, an error, or until nobody wants more.
fn send(mut source: impl Read, full: &SyncSender<io::Result<Vec<u8>>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.clear();
        let read = (&mut source).take(CHUNK as u64).read_to_end(&mut chunk);
        let is_end = read.as_ref().map_or(true, |count| *count < CHUNK);
        // What was read before an error comes before it.
        let sent = full.send(Ok(chunk));
        let sent = match read {
            Err(error) => sent.and_then(|()| full.send(Err(error))),
            Ok(_) => sent,
        };
        if is_end || sent.is_err() {
            return;
        }
    }
}

struct Ahead {
    chunks: Receiver<io::Result<Vec<u8>>>,
    back: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    used: usize,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.used == self.chunk.len() {
            // The other thread ends after the last chunk.
            let Ok(next) = self.chunks.recv() else {
                return Ok(0);
            };
            // It may have ended already.
            let _ = self
                .back
                .try_send(std::mem::replace(&mut self.chunk, next?));
            self.used = 0;
        }
        let count = (&self.chunk[self.used..]).read(buffer)?;
        self.used += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in small pieces, then an error.
    struct Source {
        left: usize,
        error: bool,
    }

    impl Read for Source {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 && self.error {
                return Err(io::Error::other("torn"));
            }
            let count = self.left.min(buffer.len()).min(10_007);
            for (index, byte) in buffer[..count].iter_mut().enumerate() {
                *byte = ((self.left - index) % 251) as u8;
            }
            self.left -= count;
            Ok(count)
        }
    }

    fn source(left: usize) -> Source {
        Source { left, error: false }
    }

    #[test]
    fn all_bytes_come_in_order() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 9 * CHUNK + 5] {
            let mut expected = Vec::new();
            source(size).read_to_end(&mut expected).unwrap();
            let mut found = Vec::new();
            read_ahead(source(size), |ahead| ahead.read_to_end(&mut found)).unwrap();
            assert!(found == expected, "{size}");
        }
    }

    #[test]
    fn an_error_comes_after_what_was_read_before_it() {
        let mut found = Vec::new();
        let source = Source {
            left: CHUNK + 7,
            error: true,
        };
        let error = read_ahead(source, |ahead| ahead.read_to_end(&mut found)).unwrap_err();
        assert_eq!(
            (found.len(), error.to_string()),
            (CHUNK + 7, "torn".to_owned())
        );
    }

    #[test]
    fn nobody_has_to_read_to_the_end() {
        let endless = io::repeat(1);
        let mut byte = [0];
        read_ahead(endless, |ahead| ahead.read_exact(&mut byte)).unwrap();
        assert_eq!(byte, [1]);
    }
}
