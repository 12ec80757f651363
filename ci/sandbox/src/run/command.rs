//! The last steps before the command: identity, capabilities, system calls, limits, then exec. A reason why it cannot be executed is put in the words
//! of the person who wrote the command.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, chownat};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, setsid, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::kernel::write_proc;
use super::{interpreter, seccomp};
use crate::enforcement::pid_namespaces_have_limits;
use crate::failure::{During, Failure};
use crate::spec::{Capability, Spec};
use crate::sys;
use crate::wire::memory_file;

/// Where programs are when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What a shell exits with when a command is not there, or is no program.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

/// Becomes the command, or tells why not.
pub(crate) fn become_command(spec: &Spec, proc: &OwnedFd, single_id: bool) -> Failure {
    match prepare(spec, proc, single_id) {
        Ok(()) => execute(spec),
        Err(failure) => failure,
    }
}

fn prepare(spec: &Spec, proc: &OwnedFd, single_id: bool) -> Result<(), Failure> {
    setsid().during(|| "start a session".to_owned())?;
    umask(Mode::from_raw_mode(0o022));
    let input = match &spec.stdin {
        Some(bytes) => memory_file(&bytes.0),
        None => std::fs::File::open("/dev/null").map(OwnedFd::from),
    };
    input
        .and_then(|input| Ok(rustix::stdio::dup2_stdin(input)?))
        .during(|| "prepare standard input".to_owned())?;
    limit_files(spec)?;
    limit_alone(spec)?;
    give_output_to_user(spec, single_id);
    if single_id {
        become_single_id(spec, proc).during(|| format!("become user {}", spec.user.uid))?;
    }
    drop_privileges(spec, single_id)?;
    sys::reset_signals().during(|| "reset signals".to_owned())
}

fn limit_files(spec: &Spec) -> Result<(), Failure> {
    let Some(limit) = spec.limits.nofile else {
        return Ok(());
    };
    // Only a privileged process may raise the upper limit; then what is allowed has to do.
    let highest = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let set = |limit| {
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            },
        )
    };
    match set(limit) {
        Err(Errno::PERM) => set(limit.min(highest)),
        other => other,
    }
    .during(|| format!("limit open files to {limit}"))
}

/// What is left of limits on memory and processes where no control group enforces them.
fn limit_alone(spec: &Spec) -> Result<(), Failure> {
    let limits = &spec.limits;
    let processes = limits.pids.filter(|_| !pid_namespaces_have_limits());
    for (resource, limit) in [
        (Resource::Data, limits.memory),
        (Resource::Nproc, processes),
    ] {
        let Some(limit) = limit else { continue };
        // What is allowed at most may be less already.
        let limit = limit.min(getrlimit(resource).maximum.unwrap_or(u64::MAX));
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit).during(|| "limit memory and processes".to_owned())?;
    }
    Ok(())
}

/// Programs open `/dev/stdout` by name, which needs the permission of the pipe's owner.
fn give_output_to_user(spec: &Spec, single_id: bool) {
    if single_id {
        return;
    }
    let (uid, gid) = (Uid::from_raw(spec.user.uid), Gid::from_raw(spec.user.gid));
    for output in [rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let _ = chownat(output, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH);
    }
}

/// Where one id is mapped, it is root in the user namespace that holds the mounts. Any other user is the same id under another number,
/// in a user namespace below.
fn become_single_id(spec: &Spec, proc: &OwnedFd) -> io::Result<()> {
    let (uid, gid) = (spec.user.uid, spec.user.gid);
    if (uid, gid) == (0, 0) {
        return Ok(());
    }
    sys::unshare(UnshareFlags::NEWUSER)?;
    write_proc(proc, "self/setgroups", "deny").or_else(|error| match error.raw_os_error() {
        // It is denied already, as everywhere below a namespace in which it is.
        Some(errno) if errno == Errno::PERM.raw_os_error() => Ok(()),
        _ => Err(error),
    })?;
    write_proc(proc, "self/uid_map", &format!("{uid} 0 1"))?;
    write_proc(proc, "self/gid_map", &format!("{gid} 0 1"))
}

fn drop_privileges(spec: &Spec, single_id: bool) -> Result<(), Failure> {
    let kept = spec
        .capabilities
        .iter()
        .fold(CapabilitySet::empty(), |set, capability| {
            set | CapabilitySet::from_bits_retain(Capability::bit(*capability))
        });
    let step = || "drop capabilities".to_owned();
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if kept.contains(capability) {
            continue;
        }
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The kernel has no capability of this number, nor any above.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno).during(step),
        }
    }
    clear_ambient_capability_set().during(step)?;
    if spec.no_new_privs.unwrap_or(false) {
        set_no_new_privs(true).during(|| "set no_new_privs".to_owned())?;
    }
    // While this process may: without no_new_privs it takes an administrator of the user namespace.
    seccomp::restrict().during(|| "restrict system calls".to_owned())?;
    become_user(spec, single_id)?;
    // A change away from user 0 has cleared the sets already; root gets what the bounding set leaves when it executes the command.
    let kept = if spec.user.uid == 0 {
        kept
    } else {
        CapabilitySet::empty()
    };
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).during(step)
}

fn become_user(spec: &Spec, single_id: bool) -> Result<(), Failure> {
    let user = &spec.user;
    let step = || format!("become user {}:{}", user.uid, user.gid);
    let explain = |failure: Failure| match failure.errno() {
        Some(Errno::INVAL) => {
            failure.hint("the id is not among the subordinate ids of /etc/subuid and /etc/subgid")
        }
        _ => failure,
    };
    if !single_id {
        let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
        set_thread_groups(&groups).during(step).map_err(explain)?;
    }
    let gid = Gid::from_raw(user.gid);
    set_thread_res_gid(gid, gid, gid)
        .during(step)
        .map_err(explain)?;
    let uid = Uid::from_raw(user.uid);
    set_thread_res_uid(uid, uid, uid)
        .during(step)
        .map_err(explain)
}

fn execute(spec: &Spec) -> Failure {
    let refuse = |message: String, code| Failure::Command { message, code };
    let Some(command) = spec.argv.first().filter(|command| !command.is_empty()) else {
        return refuse("there is no command to run".to_owned(), NOT_FOUND);
    };
    let strings = |strings: Vec<String>| {
        strings
            .into_iter()
            .map(CString::new)
            .collect::<Result<Vec<_>, _>>()
    };
    let environment = spec
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let (Ok(arguments), Ok(environment)) = (strings(spec.argv.clone()), strings(environment))
    else {
        return refuse(
            format!("{command:?}: an argument or variable holds a NUL byte"),
            NOT_EXECUTABLE,
        );
    };

    let search = spec
        .env
        .iter()
        .rev()
        .find(|(name, _)| name == "PATH")
        .map_or(DEFAULT_PATH, |(_, value)| value);
    let candidates: Vec<String> = if command.contains('/') {
        vec![command.clone()]
    } else {
        search
            .split(':')
            .map(|directory| {
                format!(
                    "{}/{command}",
                    if directory.is_empty() { "." } else { directory }
                )
            })
            .collect()
    };
    let mut denied = None;
    for candidate in &candidates {
        let Ok(path) = CString::new(candidate.as_str()) else {
            continue;
        };
        let error = sys::execve(&path, &arguments, &environment);
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::NOTDIR) => {
                // The file may well be there: what is missing is then what it needs to run.
                if let Some(reason) = interpreter::missing(candidate) {
                    return refuse(format!("{candidate}: {reason}"), NOT_FOUND);
                }
            }
            Some(Errno::ACCESS) => denied = denied.or(Some(candidate)),
            Some(Errno::NOEXEC) => {
                let reason = interpreter::architecture(candidate).map_or_else(
                    || "not a program for this machine, and without a #! line".to_owned(),
                    |other| format!("a program for {other}, which this machine does not run"),
                );
                return refuse(format!("{candidate}: {reason}"), NOT_EXECUTABLE);
            }
            _ => return refuse(format!("{candidate}: {error}"), NOT_EXECUTABLE),
        }
    }
    match denied {
        Some(path) if std::path::Path::new(path).is_dir() => {
            refuse(format!("{path}: is a directory"), NOT_EXECUTABLE)
        }
        Some(path) => refuse(
            format!("{path}: permission denied for user {}", spec.user.uid),
            NOT_EXECUTABLE,
        ),
        None if command.contains('/') => {
            refuse(format!("{command}: no such file in the image"), NOT_FOUND)
        }
        None => refuse(
            format!("{command}: command not found in PATH ({search})"),
            NOT_FOUND,
        ),
    }
}
