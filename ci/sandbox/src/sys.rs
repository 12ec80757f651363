//! The raw system calls that rustix has no safe form of. Everything `unsafe` of the whole workspace is in this file.
//! What they are used for is decided elsewhere.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Which side of a [`fork`] this is.
pub(crate) enum Fork {
    /// The parent, with the child's id.
    Parent(Pid),
    /// The child.
    Child,
}

/// Duplicates this process. Refused when it has more than one thread.
pub(crate) fn fork() -> io::Result<Fork> {
    if std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() > 1) {
        return Err(io::Error::other("fork in a process with threads"));
    }
    // SAFETY: there is one thread (checked above, and no other can start one), so the child inherits no lock held by a thread
    // that does not exist in it.
    let pid = check(unsafe { libc::fork() })?;
    Ok(Pid::from_raw(pid).map_or(Fork::Child, Fork::Parent))
}

/// Ends this process without running exit handlers or flushing what a forked parent has buffered.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Moves this thread into new namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES));
    // SAFETY: the only unsafe effect is that of `FILES`, which no caller passes.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Sets attributes of a mount and, if `recursive`, of those below it (mount_setattr(2)).
pub(crate) fn mount_setattr(mount: impl AsFd, set: u64, recursive: bool) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a literal with its NUL, `attributes` outlives the call and its true size is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Closes every descriptor above standard error: those our own parent leaked to us.
pub(crate) fn close_stray_descriptors() -> io::Result<()> {
    // SAFETY: called before anything is opened, so nothing owns a descriptor in this range.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// A descriptor that is readable whenever a child has ended; SIGCHLD is blocked from now on.
pub(crate) fn child_events() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before it is read; signalfd returns a new descriptor that nothing else owns.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        check(libc::sigemptyset(&raw mut set))?;
        check(libc::sigaddset(&raw mut set, libc::SIGCHLD))?;
        check(libc::sigprocmask(
            libc::SIG_BLOCK,
            &raw const set,
            std::ptr::null_mut(),
        ))?;
        let fd = check(libc::signalfd(
            -1,
            &raw const set,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Leaves the session keyring of whoever started us behind. Kernels without keys have nothing to leave.
pub(crate) fn new_session_keyring() {
    // SAFETY: takes a number and a null pointer, which asks for a keyring without a name.
    unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_JOIN_SESSION_KEYRING,
            std::ptr::null::<libc::c_char>(),
        )
    };
}

/// Whether this kernel and processor run 32-bit programs: on arm64 the kernel refuses to be asked for them otherwise.
#[cfg(target_arch = "aarch64")]
pub(crate) fn accepts_32_bit_personality() -> bool {
    // `PER_LINUX32` of linux/personality.h.
    const LINUX32: libc::c_ulong = 8;
    // SAFETY: takes a number; it changes this thread alone, and is put back at once.
    let before = unsafe { libc::personality(LINUX32) };
    if before >= 0 {
        // SAFETY: as above.
        unsafe { libc::personality(before as libc::c_ulong) };
    }
    before >= 0
}

/// Brings the loopback device of the current network namespace up.
pub(crate) fn loopback_up(socket: impl AsFd) -> io::Result<()> {
    // SAFETY: `ifreq` is plain old data for which zeroes are valid.
    let mut request = unsafe { std::mem::zeroed::<libc::ifreq>() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    let flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    request.ifr_ifru.ifru_flags = flags;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, whose name ends in a NUL (it was zeroed) and which outlives the call.
    check(unsafe {
        libc::ioctl(
            socket.as_fd().as_raw_fd(),
            libc::SIOCSIFFLAGS,
            &raw const request,
        )
    })?;
    Ok(())
}

/// Sends a signal, real-time ones included.
pub(crate) fn kill(pid: Pid, signal: i32) -> io::Result<()> {
    // SAFETY: takes numbers; the process is a child that has not been waited for, so the id is still its own.
    check(unsafe { libc::kill(pid.as_raw_nonzero().get(), signal) }).map(drop)
}

/// Sets what a program expects at its start: no signal blocked, and SIGPIPE, which Rust's runtime ignores, as it was.
pub(crate) fn reset_signals() -> io::Result<()> {
    // SAFETY: the set is initialised by sigemptyset before it is read; SIG_DFL is a valid disposition.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        check(libc::sigemptyset(&raw mut set))?;
        check(libc::sigprocmask(
            libc::SIG_SETMASK,
            &raw const set,
            std::ptr::null_mut(),
        ))?;
        if libc::signal(libc::SIGPIPE, libc::SIG_DFL) == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Has the kernel ask a filter about every system call from now on.
pub(crate) fn filter_system_calls(program: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(io::Error::other)?,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies `len` instructions from `filter`, which outlives the call, and writes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Becomes another program; returns only the reason why not. Unlike `execvp` it never hands a file to a shell.
pub(crate) fn execve(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| {
        strings
            .iter()
            .map(|string| string.as_ptr())
            .chain([std::ptr::null()])
            .collect::<Vec<_>>()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both arrays end in a null pointer and hold pointers to NUL-terminated strings that outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Registers a descriptor with the current tokio runtime.
pub(crate) fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` gives the same descriptor each time and keeps it open until it is dropped, with the `AsyncFd`.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, interest) }?)
}
