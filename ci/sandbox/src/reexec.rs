//! Starting this program again as one of its own helpers, and being it.
//!
//! The marker argument, and a socket as standard input, tell the second self apart from the program as people start it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::fs::{
    CWD, FileType, MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, fstat, memfd_create,
    openat,
};
use rustix::mount::MountAttrFlags;

use crate::{Handler, helper, mounts, overlay, probe, run, sys};

/// First argument of a helper. Nobody would type it.
const MARKER: &str = "__sandbox";

static HANDLERS: OnceLock<Vec<(&'static str, Handler)>> = OnceLock::new();

/// What a helper is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Run one execution.
    Run,
    /// Serve handlers in the user namespace.
    Serve,
    /// Try what this machine allows.
    Probe,
}

impl Role {
    const ALL: [Self; 3] = [Self::Run, Self::Serve, Self::Probe];

    fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Serve => "serve",
            Self::Probe => "probe",
        }
    }
}

/// See [`crate::init`].
pub(crate) fn init(handlers: &[(&'static str, Handler)]) {
    let _ = HANDLERS.set(handlers.to_vec());
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != MARKER) {
        return;
    }
    let name = arguments.next().unwrap_or_default();
    let role = Role::ALL.into_iter().find(|role| name == role.name());
    let Some((role, control)) = role.zip(take_control()) else {
        return;
    };
    match role {
        Role::Run => run::main(control),
        Role::Serve => helper::serve(control),
        Role::Probe => probe::child(control),
    }
}

/// The handler of this name.
pub(crate) fn handler(name: &str) -> Option<Handler> {
    HANDLERS
        .get()?
        .iter()
        .find(|(registered, _)| *registered == name)
        .map(|(_, handler)| *handler)
}

/// Standard input, if it is a socket; it is then replaced, and everything a parent may have leaked to us is closed.
fn take_control() -> Option<OwnedFd> {
    let input = rustix::stdio::stdin();
    if FileType::from_raw_mode(fstat(input).ok()?.st_mode) != FileType::Socket {
        return None;
    }
    sys::close_stray_descriptors().ok()?;
    let control = input.try_clone_to_owned().ok()?;
    let null = openat(
        CWD,
        "/dev/null",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .ok()?;
    rustix::stdio::dup2_stdin(&null).ok()?;
    Some(control)
}

/// The command that starts a helper, with `control` as its end of the control socket. `program` is what to execute.
pub(crate) fn command(role: Role, program: &str, control: OwnedFd) -> Command {
    let mut command = Command::new(program);
    command
        .arg0("pipeline")
        .args([MARKER, role.name()])
        .stdin(Stdio::from(control));
    command
}

/// The program that runs now, for helpers whose children we trust.
pub(crate) const THIS_PROGRAM: &str = "/proc/self/exe";

/// The program that runs now as a file nobody can write through, for helpers that become someone else's command.
///
/// Between fork and exec the command's process still is our program, and `#!/proc/self/exe` in an image makes it run inside once more;
/// through `/proc/self/exe` it could then be overwritten by root inside, who may be its owner outside (CVE-2019-5736).
pub(crate) fn protected_program() -> io::Result<OwnedFd> {
    read_only_view().or_else(|_| sealed_copy())
}

/// A read-only mount of the program's file, in no mount table. Costs nothing, but needs the file to be where it was, in our mounts.
fn read_only_view() -> io::Result<OwnedFd> {
    let path = std::env::current_exe()?;
    let mount = mounts::copy_path(&path)?;
    let (expected, found) = (rustix::fs::stat(Path::new(THIS_PROGRAM))?, fstat(&mount)?);
    if (expected.st_dev, expected.st_ino) != (found.st_dev, found.st_ino) {
        return Err(io::Error::other("the program was replaced while it runs"));
    }
    mounts::restrict(&mount, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    Ok(mount)
}

fn sealed_copy() -> io::Result<OwnedFd> {
    let copy = memfd_create("pipeline", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut copy = std::fs::File::from(copy);
    io::copy(&mut std::fs::File::open(THIS_PROGRAM)?, &mut copy)?;
    fcntl_add_seals(
        &copy,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )?;
    Ok(copy.into())
}

/// How to execute an open file.
pub(crate) fn path_of(program: impl AsFd) -> String {
    overlay::path_of(program)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_sealed_copy_of_the_program_cannot_be_written() {
        let copy = sealed_copy().unwrap();
        let path = path_of(&copy);
        assert_eq!(
            std::fs::read(&path).unwrap(),
            std::fs::read(THIS_PROGRAM).unwrap()
        );
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        assert_eq!(
            file.write(b"x").unwrap_err().kind(),
            io::ErrorKind::PermissionDenied
        );
    }
}
