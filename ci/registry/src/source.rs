//! Where the bytes of a blob to push come from.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use ci_http::{Bytes, Upload};
use futures::stream;
use tokio::sync::mpsc;

/// Bytes read at once.
const PIECE: usize = 128 << 10;
/// Pieces that are read ahead of the connection.
const AHEAD: usize = 4;

/// Gives a blob's bytes, as often as they are asked for.
pub trait Source: Send + Sync + 'static {
    /// Begins to read at `offset`, in bytes. Called, as the reader is, where it may block.
    ///
    /// # Errors
    /// They cannot be had.
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>>;
}

impl Source for PathBuf {
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut file = File::open(self)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }
}

impl Source for Bytes {
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut reader = Cursor::new(self.clone());
        reader.set_position(offset);
        Ok(Box::new(reader))
    }
}

/// A request's body: `length` bytes from `offset` on, of which only a few pieces are in memory at a time.
pub(crate) fn body(source: &Arc<dyn Source>, offset: u64, length: u64) -> Upload {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let source = Arc::clone(source);
    tokio::task::spawn_blocking(move || {
        let result = pump(&*source, offset, length, &sender);
        // Nobody listens when the connection is gone.
        let _ = result.or_else(|error| sender.blocking_send(Err(error)));
    });
    Upload::new(
        length,
        stream::poll_fn(move |context| receiver.poll_recv(context)),
    )
}

fn pump(
    source: &dyn Source,
    offset: u64,
    length: u64,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let mut reader = source.open(offset)?.take(length);
    loop {
        let mut piece = vec![0; PIECE];
        let count = reader.read(&mut piece)?;
        piece.truncate(count);
        if count == 0 || sender.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
}
