//! The tries, in a process of their own: namespaces, then in them the mounts an execution makes.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{WaitOptions, getegid, geteuid, waitpid};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use crate::failure::{During, Failure};
use crate::helper::map_single_id;
use crate::mounts::{Configuration, INERT};
use crate::overlay;
use crate::reexec::{self, Role, THIS_PROGRAM};
use crate::run::Scratch;
use crate::sys::{self, Fork};
use crate::wire;

/// What to try.
#[derive(Serialize, Deserialize)]
struct Attempt {
    user_namespace: bool,
    /// A directory with the subdirectories `lower`, `upper` and `work`.
    directory: Option<PathBuf>,
}

/// What failed; `None` is a success.
#[derive(Serialize, Deserialize)]
pub(super) struct Report {
    /// Whether namespaces can be made and something be mounted in them. Without it the rest was not tried.
    pub(super) namespaces: Option<Failure>,
    pub(super) overlay: Option<Failure>,
    /// An overlay whose changes are in memory.
    pub(super) discard: Option<Failure>,
    pub(super) proc: Option<Failure>,
    /// An overlay whose changes are in the given directory.
    pub(super) directory: Option<Failure>,
}

impl Report {
    /// That of a child that could not try anything.
    pub(super) fn nothing(reason: Failure) -> Self {
        Self {
            namespaces: Some(reason),
            overlay: None,
            discard: None,
            proc: None,
            directory: None,
        }
    }
}

/// Has a child try.
pub(super) fn run(user_namespace: bool, directory: Option<&Path>) -> Result<Report, Failure> {
    let step = || "start a process to try it".to_owned();
    let place = directory
        .map(make_place)
        .transpose()
        .during(|| "make a directory to try it in".to_owned())?;
    let (control, theirs) = wire::pair().during(step)?;
    let mut child = reexec::command(Role::Probe, THIS_PROGRAM, theirs)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .during(step)?;
    let attempt = Attempt {
        user_namespace,
        directory: place.clone(),
    };
    let report = wire::send(&control, &attempt, &[]).and_then(|()| wire::receive(&control));
    let _ = child.wait();
    if let Some(place) = place {
        // The mount is gone with the child; what the kernel left in the work directory is not ours to read.
        let _ = overlay::empty_work_directory(&place.join("work"));
        let _ = fs::remove_dir_all(place);
    }
    match report.during(step)? {
        Some((report, _)) => Ok(report),
        None => Err(Failure::new(
            step(),
            "it said nothing; is ci_sandbox::init the first call in main?",
        )),
    }
}

fn make_place(directory: &Path) -> std::io::Result<PathBuf> {
    let place = directory.join(format!("probe-{}", std::process::id()));
    for name in ["lower", "upper", "work"] {
        fs::create_dir_all(place.join(name))?;
    }
    fs::write(place.join("lower/file"), "")?;
    Ok(place)
}

/// Plays the role of the child.
pub(crate) fn child(control: OwnedFd) -> ! {
    if let Ok(Some((attempt, _))) = wire::receive::<Attempt>(&control) {
        let _ = wire::send(&control, &try_all(&attempt), &[]);
    }
    sys::exit_now(0)
}

fn try_all(attempt: &Attempt) -> Report {
    let scratch = match make_namespaces(attempt.user_namespace) {
        Ok(scratch) => scratch,
        Err(failure) => return Report::nothing(failure),
    };
    Report {
        namespaces: None,
        overlay: scratch.merge(Vec::new(), false).err(),
        discard: scratch.merge(Vec::new(), true).err(),
        proc: try_proc().err(),
        directory: attempt
            .directory
            .as_deref()
            .and_then(|place| try_directory(&scratch, place).err()),
    }
}

fn make_namespaces(user_namespace: bool) -> Result<Scratch, Failure> {
    if user_namespace {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        sys::unshare(UnshareFlags::NEWUSER).during(|| "make a user namespace".to_owned())?;
        map_single_id(uid, gid)?;
    }
    let others = UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWCGROUP;
    sys::unshare(others).during(|| "make namespaces".to_owned())?;
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .during(|| "separate the mounts from the host's".to_owned())?;
    Scratch::new()
}

/// A `/proc` shows the pid namespace of its maker, which only a child of ours is in.
fn try_proc() -> Result<(), Failure> {
    let step = || "mount /proc".to_owned();
    match sys::fork().during(step)? {
        Fork::Child => {
            let code = match Configuration::new("proc").and_then(|proc| proc.mount(INERT)) {
                Ok(_) => 0,
                Err(failure) => failure
                    .errno()
                    .map_or(i32::from(u8::MAX), rustix::io::Errno::raw_os_error),
            };
            sys::exit_now(code)
        }
        Fork::Parent(child) => {
            let status = waitpid(Some(child), WaitOptions::empty()).during(step)?;
            match status.and_then(|(_, status)| status.exit_status()) {
                Some(0) => Ok(()),
                Some(errno) => Err(std::io::Error::from_raw_os_error(errno)).during(step),
                None => Err(Failure::new(step(), "the try was killed")),
            }
        }
    }
}

fn try_directory(scratch: &Scratch, place: &Path) -> Result<(), Failure> {
    let [lower, upper, work] =
        ["lower", "upper", "work"].map(|name| overlay::open_directory(&place.join(name)));
    let mount = overlay::merge(&[lower?], Some((upper?.as_fd(), work?.as_fd())))?;
    scratch.attach(&mount)?;
    // Removing what is below takes a whiteout, which the file system must be able to hold.
    rustix::fs::unlinkat(&mount, "file", rustix::fs::AtFlags::empty())
        .during(|| "remove a file of a layer".to_owned())
}
