//! The root file system of an execution, from layers to the moment it is the only one there is.
//!
//! All of it happens in a mount namespace of its own; nothing has to be undone.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2, stat};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::process::{chdir, fchdir, pivot_root};

use super::etc;
use super::kernel::{KernelMounts, open_root, write_proc};
use super::source::{self, Scratch, make_in_root};
use super::stub::{self, Stub};
use crate::enforcement::pid_namespaces_have_limits;
use crate::failure::{During, Failure};
use crate::mounts;
use crate::overlay;
use crate::spec::{Changes, Network, Spec};

/// What stays open after the move.
pub(crate) struct Assembled {
    pub(crate) root: OwnedFd,
    /// The root of the `/proc` made for this execution.
    pub(crate) proc: OwnedFd,
}

/// One mount, made but not attached.
struct Attachment {
    target: PathBuf,
    mount: OwnedFd,
    file_type: FileType,
}

/// Assembles the root file system and moves into it. To be called once all namespaces are new.
pub(crate) fn assemble(spec: &Spec, single_id: bool) -> Result<Assembled, Failure> {
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .during(|| "separate the mounts from the host's".to_owned())?;
    let scratch = Scratch::new()?;
    let kernel = KernelMounts::make()?;
    if matches!(spec.network, Network::None) {
        allow_low_ports(&kernel.proc);
    }
    if let Some(pids) = spec.limits.pids {
        limit_processes(&kernel.proc, pids)?;
    }
    let attachments = make_attachments(&scratch, spec, single_id)?;
    let root = make_root(&scratch, spec, &attachments)?;
    scratch.attach(&root)?;

    for (name, mount) in [
        ("proc", &kernel.proc),
        ("dev", &kernel.dev),
        ("sys", &kernel.sys),
    ] {
        attach_kernel_mount(&root, name, mount)?;
    }
    kernel.finish(&scratch.empty)?;
    for attachment in &attachments {
        attach(&root, attachment)?;
    }
    move_into(&root)?;
    Ok(Assembled {
        root,
        proc: kernel.proc,
    })
}

/// Lets a user other than root listen on any port of a network that is nobody else's.
fn allow_low_ports(proc: &OwnedFd) {
    let _ = write_proc(proc, "sys/net/ipv4/ip_unprivileged_port_start", "0");
}

/// Without a control group, the limit of the pid namespace has to do, where it has one. Its first 300 numbers are given once only, so that
/// many more are allowed at first.
fn limit_processes(proc: &OwnedFd, pids: u64) -> Result<(), Failure> {
    const GIVEN_ONCE: u64 = 300;
    const HIGHEST: u64 = 1 << 22;
    if !pid_namespaces_have_limits() {
        return Ok(());
    }
    let limit = pids.saturating_add(GIVEN_ONCE + 1).min(HIGHEST);
    write_proc(proc, "sys/kernel/pid_max", &limit.to_string())
        .during(|| format!("limit processes to {pids}"))
}

fn make_attachments(
    scratch: &Scratch,
    spec: &Spec,
    single_id: bool,
) -> Result<Vec<Attachment>, Failure> {
    let mut attachments = Vec::new();
    for (target, bytes) in etc::files(spec) {
        let mount = scratch.file(&bytes, 0o644, None)?;
        attachments.push(Attachment {
            target: target.into(),
            mount,
            file_type: FileType::RegularFile,
        });
    }
    for mount in &spec.mounts {
        let target = mount.target.clone();
        let step = || format!("mount at {}", target.display());
        let made = source::make(scratch, &mount.source, mount.readonly, single_id)?;
        let file_type = stub::file_type(&made).during(step)?;
        attachments.push(Attachment {
            target,
            mount: made,
            file_type,
        });
    }
    Ok(attachments)
}

/// The overlay: layers, the stub layer if one is needed, and the changes.
fn make_root(
    scratch: &Scratch,
    spec: &Spec,
    attachments: &[Attachment],
) -> Result<OwnedFd, Failure> {
    let step = || "merge the layers".to_owned();
    let mut lowers = overlay::open_directories(&spec.root.lowers)?;
    let kept = match &spec.root.changes {
        Changes::Keep { upper, work } => Some((
            overlay::open_directory(upper)?,
            overlay::open_work_directory(work)?,
        )),
        Changes::Discard | Changes::Forbid => None,
    };
    let fresh = match &kept {
        Some((upper, _)) => stub::is_empty_directory(upper).during(step)?,
        None => true,
    };

    let mut seen = lowers
        .iter()
        .map(OwnedFd::try_clone)
        .collect::<Result<Vec<_>, _>>()
        .during(step)?;
    if let (Some((upper, _)), false) = (&kept, fresh) {
        seen.push(upper.try_clone().during(step)?);
    }
    let view = scratch.merge(seen, false)?;
    if let (Some((upper, _)), true) = (&kept, fresh) {
        stub::repeat_metadata(&view, upper, Path::new(".")).during(step)?;
    }

    let layer = scratch.new_directory()?;
    if write_stub(&view, &layer, attachments)? {
        lowers.push(layer);
    }
    drop(view);
    match kept {
        Some((upper, work)) => {
            if lowers.is_empty() {
                lowers.push(scratch.new_directory()?);
            }
            overlay::merge(&lowers, Some((upper.as_fd(), work.as_fd())))
        }
        None => {
            let writable = matches!(spec.root.changes, Changes::Discard);
            scratch.merge(lowers, writable)
        }
    }
}

/// Tells whether the stub layer holds anything.
fn write_stub(
    view: &OwnedFd,
    layer: &OwnedFd,
    attachments: &[Attachment],
) -> Result<bool, Failure> {
    let mut stub = Stub::new(view, layer);
    let mut covered: Vec<&Path> = Vec::new();
    for target in ["/proc", "/dev", "/sys"] {
        stub.require(Path::new(target), FileType::Directory)?;
        covered.push(Path::new(target));
    }
    for attachment in attachments {
        // What lies in another mount is no business of the image.
        if !covered
            .iter()
            .any(|above| attachment.target.starts_with(above))
        {
            stub.require(&attachment.target, attachment.file_type)?;
        }
        covered.push(&attachment.target);
    }
    stub.finish()
}

/// `/proc`, `/dev` and `/sys` must be plain directories: through a link the mount would be somewhere else, and what programs find there
/// would be the image's (E8).
fn attach_kernel_mount(root: &OwnedFd, name: &str, mount: &OwnedFd) -> Result<(), Failure> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat2(
        root,
        name,
        flags,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
    )
    .and_then(|place| mounts::attach(mount, place))
    .during(|| format!("mount /{name}"))
    .map_err(|failure| match failure.errno() {
        Some(Errno::LOOP) => failure.hint(format!("the image's /{name} is a symbolic link")),
        _ => failure,
    })
}

fn attach(root: &OwnedFd, attachment: &Attachment) -> Result<(), Failure> {
    let target = &attachment.target;
    make_in_root(
        root,
        target,
        attachment.file_type == FileType::Directory,
        None,
    )
    .and_then(|place| mounts::attach(&attachment.mount, place))
    .during(|| format!("mount at {}", target.display()))
    .map_err(|failure| match failure.errno() {
        Some(Errno::ROFS) => {
            failure.hint("its mount point would have to be made inside another, read-only mount")
        }
        Some(Errno::NOTDIR) => {
            failure.hint("a file and a directory cannot be mounted on each other")
        }
        _ => failure,
    })
}

/// Makes `root` the root directory and lets go of the old one, with all of the host's mounts.
fn move_into(root: &OwnedFd) -> Result<(), Failure> {
    let step = || "move into the root file system".to_owned();
    let old = open_root().during(step)?;
    fchdir(root).during(step)?;
    pivot_root(".", ".").during(step)?;
    // The old root now lies on the new one, and on it the scratch directory.
    for _ in 0..2 {
        fchdir(&old).during(step)?;
        unmount(".", UnmountFlags::DETACH).during(step)?;
    }
    chdir("/").during(step)?;
    // A mount left on the root would be what `/..` leads to.
    let (top, own) = (stat("/..").during(step)?, fstat(root).during(step)?);
    if (top.st_dev, top.st_ino) == (own.st_dev, own.st_ino) {
        Ok(())
    } else {
        Err(Failure::new(
            step(),
            "something of the host is still mounted on it",
        ))
    }
}

/// Enters the working directory. Where it is missing it is made, with its parents, for the `owner`, who is to work there.
///
/// CVE-2024-21626: neither a link of `/proc` nor a directory outside of the root can be entered. The path is looked up without magic
/// links, no descriptor of the host is open any more, and the kernel's own name for the place is checked.
pub(crate) fn enter_working_directory(
    root: &OwnedFd,
    path: &Path,
    owner: Option<(u32, u32)>,
) -> Result<(), Failure> {
    let step = || format!("enter the working directory {}", path.display());
    let directory = make_in_root(root, path, true, owner)
        .during(step)
        .map_err(|failure| match failure.errno() {
            Some(Errno::LOOP) => failure.hint("it leads through a link of /proc, or in circles"),
            Some(Errno::ROFS) => {
                failure.hint("it does not exist, and the root file system is read-only")
            }
            _ => failure,
        })?;
    fchdir(directory).during(step)?;
    let name = rustix::process::getcwd(Vec::new()).during(step)?;
    if name.to_bytes().first() == Some(&b'/') {
        Ok(())
    } else {
        Err(Failure::new(
            step(),
            "it is outside of the root file system",
        ))
    }
}
