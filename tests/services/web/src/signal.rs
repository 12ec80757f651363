//! Waiting for SIGTERM or SIGINT.
//!
//! A handler may do next to nothing, so it writes a byte to a pipe, and a thread waits at the other end. The standard library
//! has no signals; the two functions of POSIX that this takes are declared here, and are all the unsafe code there is.
#![expect(unsafe_code, reason = "signal handlers exist only in the C library")]

use std::ffi::c_int;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, Ordering};

const SIGINT: c_int = 2;
const SIGTERM: c_int = 15;

/// What `signal` returns for a failure.
const SIG_ERR: usize = usize::MAX;

// SAFETY: these are the signatures of POSIX. The handler that `signal` returns is taken as a number, which it is as wide as.
unsafe extern "C" {
    fn signal(number: c_int, handler: extern "C" fn(c_int)) -> usize;
    fn write(fd: c_int, bytes: *const u8, length: usize) -> isize;
}

/// The writing end of the pipe, for the handler.
static WAKE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_signal(_: c_int) {
    let byte = 0u8;
    // SAFETY: `write` may be called in a handler; the pointer is to one byte that lives. With a descriptor that is not open it
    // fails, and the pipe has room for far more signals than are sent before it is read, so that it does not block.
    unsafe { write(WAKE.load(Ordering::Relaxed), &raw const byte, 1) };
}

/// The signals to end, from when they are caught.
pub(crate) struct Termination {
    reader: PipeReader,
    /// Open as long as the handler may write to it.
    _writer: PipeWriter,
}

impl Termination {
    /// Catches the signals, once in the life of the process.
    pub(crate) fn install() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        WAKE.store(writer.as_raw_fd(), Ordering::Relaxed);
        for number in [SIGTERM, SIGINT] {
            // SAFETY: the handler has the type that is asked for and does only what a handler may.
            if unsafe { signal(number, on_signal) } == SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self {
            reader,
            _writer: writer,
        })
    }

    /// Returns when the first of them arrives. Later ones do nothing.
    pub(crate) fn wait(mut self) {
        // An interrupted read is repeated inside; another failure is no better reason to go on.
        let _ = self.reader.read_exact(&mut [0]);
        // The handler may still run: the pipe stays open, and its number no other file's.
        std::mem::forget(self);
    }
}
