//! Mounts by descriptor: made detached, attached to directories that were opened beforehand, so that no path is walked twice.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use crate::failure::{During, Failure};
use crate::sys;

/// `nosuid`, `nodev`, `noexec`: for mounts that hold no programs.
pub(crate) const INERT: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// A file system that is being configured, as fsopen(2) gives it.
pub(crate) struct Configuration {
    context: OwnedFd,
    name: &'static str,
}

impl Configuration {
    /// Starts to configure a file system of this type.
    pub(crate) fn new(name: &'static str) -> Result<Self, Failure> {
        let context = fsopen(name, FsOpenFlags::FSOPEN_CLOEXEC)
            .during(|| format!("open a {name} file system"))?;
        let configuration = Self { context, name };
        // The first word of its line in /proc/mounts.
        configuration.set("source", name)?;
        Ok(configuration)
    }

    /// Sets `key=value`.
    pub(crate) fn set(&self, key: &str, value: &str) -> Result<(), Failure> {
        fsconfig_set_string(&self.context, key, value)
            .map_err(|errno| self.explain(&format!("set {key} of"), errno))
    }

    /// Sets a flag.
    pub(crate) fn flag(&self, key: &str) -> Result<(), Failure> {
        fsconfig_set_flag(&self.context, key)
            .map_err(|errno| self.explain(&format!("set {key} of"), errno))
    }

    /// Makes the mount, detached.
    pub(crate) fn mount(self, attributes: MountAttrFlags) -> Result<OwnedFd, Failure> {
        fsconfig_create(&self.context).map_err(|errno| self.explain("create", errno))?;
        fsmount(&self.context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
            .map_err(|errno| self.explain("mount", errno))
    }

    /// Adds what the file system itself logged to the bare error number.
    fn explain(&self, step: &str, errno: rustix::io::Errno) -> Failure {
        let failure = Failure::Setup {
            step: format!("{step} a {} file system", self.name),
            errno: Some(errno.raw_os_error()),
            reason: errno.to_string(),
            hint: None,
        };
        let mut log = Vec::new();
        let mut message = [0; 1024];
        if let Ok(context) = self.context.try_clone() {
            let mut context = std::fs::File::from(context);
            while let Ok(length @ 1..) = context.read(&mut message) {
                // Each line begins with its level: `e `, `w ` or `i `.
                let line = String::from_utf8_lossy(&message[..length]);
                log.push(line.trim_end().get(2..).unwrap_or_default().to_owned());
            }
        }
        if log.is_empty() {
            failure
        } else {
            failure.hint(log.join("; "))
        }
    }
}

/// Memory file system. `options` are those of tmpfs(5).
pub(crate) fn tmpfs(
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Failure> {
    let configuration = Configuration::new("tmpfs")?;
    for (key, value) in options {
        configuration.set(key, value)?;
    }
    configuration.mount(attributes)
}

/// A detached copy of what is at `path` (relative to `directory`; empty: `directory` itself) and everything mounted below it.
pub(crate) fn copy(directory: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    open_tree(
        directory,
        path,
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE
            | OpenTreeFlags::AT_EMPTY_PATH,
    )
}

/// [`copy`] of a path of the host.
pub(crate) fn copy_path(path: &Path) -> rustix::io::Result<OwnedFd> {
    copy(CWD, path)
}

/// Attaches a detached mount on top of an open file or directory.
pub(crate) fn attach(mount: impl AsFd, target: impl AsFd) -> rustix::io::Result<()> {
    move_mount(
        mount,
        "",
        target,
        "",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
}

/// Restricts a mount and all below it.
pub(crate) fn restrict(mount: impl AsFd, attributes: MountAttrFlags) -> std::io::Result<()> {
    sys::mount_setattr(mount, u64::from(attributes.bits()), true)
}
