//! The helper process itself: makes the user namespace, hands it to the engine, then runs handlers, each call on a thread of its own.

use std::any::Any;
use std::io::BufReader;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{getegid, geteuid, umask};
use rustix::thread::UnshareFlags;

use super::{Hello, Progress, frame, lock};
use crate::failure::{During, Failure};
use crate::{reexec, sys, wire};

/// Whatever fails here, the reason is the same.
const NOT_ALLOWED: &str = "user namespaces are switched off or restricted on this machine; `doctor` tells how to allow them";

/// Plays the role; ends with the engine.
pub(crate) fn serve(control: OwnedFd) -> ! {
    match prepare(&control) {
        Ok(Some(stream)) => answer_calls(stream),
        Ok(None) => {}
        Err(failure) => {
            let failure = failure.hint(NOT_ALLOWED);
            let _ = wire::send(&control, &Progress::Failed(failure), &[]);
        }
    }
    sys::exit_now(0)
}

/// `None` if the engine went away.
fn prepare(control: &OwnedFd) -> Result<Option<UnixStream>, Failure> {
    let step = || "talk to the engine".to_owned();
    let Some((hello, descriptors)) = wire::receive::<Hello>(control).during(step)? else {
        return Ok(None);
    };
    let stream = descriptors
        .into_iter()
        .next()
        .ok_or_else(|| Failure::new(step(), "no stream came with it"))?;

    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    make_namespace(UnshareFlags::NEWUSER)?;
    if hello.maps_follow {
        wire::send(control, &Progress::Unmapped, &[]).during(step)?;
        if wire::receive::<()>(control).during(step)?.is_none() {
            return Ok(None);
        }
    } else {
        map_single_id(uid, gid)?;
    }
    make_namespace(UnshareFlags::NEWNS)?;
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .during(|| "separate the mounts from the host's".to_owned())?;
    // No parent-death signal: it would come with the end of the thread that started us. The end of the stream is the sign.
    umask(Mode::from_raw_mode(0o022));

    let namespace = openat(
        CWD,
        "/proc/self/ns/user",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .during(|| "open the user namespace".to_owned())?;
    let program = reexec::protected_program().during(|| "protect the program's file".to_owned())?;
    wire::send(
        control,
        &Progress::Ready,
        &[namespace.as_fd(), program.as_fd()],
    )
    .during(step)?;
    Ok(Some(UnixStream::from(stream)))
}

fn make_namespace(kind: UnshareFlags) -> Result<(), Failure> {
    let name = if kind == UnshareFlags::NEWUSER {
        "user"
    } else {
        "mount"
    };
    sys::unshare(kind).during(|| format!("make a {name} namespace"))
}

/// What a process may do for itself: map its own ids, once it can no longer drop groups.
pub(crate) fn map_single_id(uid: u32, gid: u32) -> Result<(), Failure> {
    let write = |file: &str, text: String| {
        std::fs::write(format!("/proc/self/{file}"), text)
            .during(|| format!("write {file} of the user namespace"))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {uid} 1"))?;
    write("gid_map", format!("0 {gid} 1"))
}

fn answer_calls(stream: UnixStream) {
    // A panic becomes the call's error; there is nobody to read a report.
    std::panic::set_hook(Box::new(|_| {}));
    let Ok(writer) = stream.try_clone() else {
        return;
    };
    let writer = Arc::new(Mutex::new(writer));
    let mut reader = BufReader::new(stream);
    while let Ok(call) = frame::read_call(&mut reader) {
        let replies = Arc::clone(&writer);
        let thread = std::thread::Builder::new().spawn(move || {
            let result = run_handler(&call.handler, &call.payload);
            let _ = frame::write_reply(&mut *lock(&replies), call.id, &result);
        });
        if thread.is_err() {
            return;
        }
    }
}

/// Runs a registered handler in this process.
pub(crate) fn run_handler(name: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
    let handler =
        reexec::handler(name).ok_or_else(|| format!("no handler is registered as {name:?}"))?;
    catch_unwind(AssertUnwindSafe(|| handler(payload)))
        .unwrap_or_else(|panic| Err(describe(&*panic)))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", message.unwrap_or("no message"))
}
