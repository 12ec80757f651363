//! The kernel's own file systems inside: `/proc`, `/dev` and `/sys`, shaped as the OCI runtime specification has them.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    CWD, FileType, Mode, OFlags, Stat, fstat, major, minor, mkdirat, openat, symlinkat,
};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::failure::{During, Failure};
use crate::mounts::{self, Configuration, INERT};

/// Files and directories that show as empty: they tell about, or reach into, the host.
const MASKED: [&str; 10] = [
    "acpi",
    "asound",
    "interrupts",
    "kcore",
    "keys",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
    "timer_stats",
];
/// The same in `/sys`.
const MASKED_SYS: [&str; 2] = ["firmware", "devices/virtual/powercap"];
/// Settings of the whole machine.
const READ_ONLY: [&str; 5] = ["bus", "fs", "irq", "sys", "sysrq-trigger"];
/// Device files every program may expect, with their numbers (Documentation/admin-guide/devices.txt of the kernel).
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
/// Links into `/proc` and `/dev/pts`.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// The three mounts, made but not attached.
pub(crate) struct KernelMounts {
    pub(crate) proc: OwnedFd,
    pub(crate) dev: OwnedFd,
    pub(crate) sys: OwnedFd,
    devices: Vec<(&'static str, OwnedFd)>,
}

impl KernelMounts {
    /// Makes the mounts. To be called in the new pid, network and mount namespaces, while the host's paths are still there.
    pub(crate) fn make() -> Result<Self, Failure> {
        let devices = DEVICES
            .iter()
            // There may be no terminal on the host; the others are always there.
            .filter(|(name, ..)| *name != "tty" || Path::new("/dev/tty").exists())
            .map(|&(name, major, minor)| Ok((name, host_device(name, major, minor)?)))
            .collect::<Result<_, Failure>>()?;
        Ok(Self {
            proc: make_proc()?,
            dev: mounts::tmpfs(
                &[("mode", "0755"), ("size", "65536k")],
                MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
            )?,
            sys: make_sys()?,
            devices,
        })
    }

    /// Fills and restricts the mounts once they are attached. `empty` is an empty directory that is mounted somewhere.
    pub(crate) fn finish(&self, empty: impl AsFd) -> Result<(), Failure> {
        self.fill_dev()?;
        for path in READ_ONLY {
            self.make_read_only(path)
                .during(|| format!("make /proc/{path} read-only"))?;
        }
        for path in MASKED {
            self.mask(&self.proc, path, &empty)
                .during(|| format!("hide /proc/{path}"))?;
        }
        for path in MASKED_SYS {
            self.mask(&self.sys, path, &empty)
                .during(|| format!("hide /sys/{path}"))?;
        }
        Ok(())
    }

    fn fill_dev(&self) -> Result<(), Failure> {
        let dev = &self.dev;
        for (name, device) in &self.devices {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDONLY | OFlags::CLOEXEC;
            openat(dev, *name, flags, Mode::from_raw_mode(0o666))
                .and_then(|place| mounts::attach(device, place))
                .during(|| format!("bind /dev/{name}"))?;
        }
        for (name, target) in LINKS {
            symlinkat(target, dev, name).during(|| format!("make the link /dev/{name}"))?;
        }
        self.mount_in_dev(
            "shm",
            mounts::tmpfs(&[("mode", "1777"), ("size", "65536k")], INERT)?,
        )?;
        self.mount_in_dev("pts", make_pts()?)?;
        // Some kernels are built without message queues.
        if let Ok(queues) = Configuration::new("mqueue").and_then(|mqueue| mqueue.mount(INERT)) {
            self.mount_in_dev("mqueue", queues)?;
        }
        Ok(())
    }

    fn mount_in_dev(&self, name: &str, mount: OwnedFd) -> Result<(), Failure> {
        mkdirat(&self.dev, name, Mode::from_raw_mode(0o755))
            .and_then(|()| {
                openat(
                    &self.dev,
                    name,
                    OFlags::PATH | OFlags::CLOEXEC,
                    Mode::empty(),
                )
            })
            .and_then(|place| mounts::attach(mount, place))
            .during(|| format!("mount /dev/{name}"))
    }

    /// Covers what is there with our `/dev/null` or an empty directory (CVE-2025-31133: not with what the image says is `/dev/null`).
    fn mask(&self, directory: &OwnedFd, path: &str, empty: impl AsFd) -> std::io::Result<()> {
        let Some(place) = open_if_exists(directory, path)? else {
            return Ok(());
        };
        let cover = if super::stub::file_type(&place)? == FileType::Directory {
            let cover = mounts::copy(empty, Path::new(""))?;
            mounts::restrict(&cover, INERT | MountAttrFlags::MOUNT_ATTR_RDONLY)?;
            cover
        } else {
            // That of the attached mount: before Linux 6.15 no copy can be made of a detached one.
            mounts::copy(&self.dev, Path::new("null"))?
        };
        Ok(mounts::attach(cover, place)?)
    }

    fn make_read_only(&self, path: &str) -> std::io::Result<()> {
        let Some(place) = open_if_exists(&self.proc, path)? else {
            return Ok(());
        };
        let copy = mounts::copy(&place, Path::new(""))?;
        mounts::restrict(&copy, INERT | MountAttrFlags::MOUNT_ATTR_RDONLY)?;
        Ok(mounts::attach(copy, place)?)
    }
}

fn open_if_exists(directory: &OwnedFd, path: &str) -> rustix::io::Result<Option<OwnedFd>> {
    match openat(
        directory,
        path,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::PERM) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// A device of the host, by descriptor and checked, so that nothing else can take its place (E8).
fn host_device(name: &str, expected_major: u32, expected_minor: u32) -> Result<OwnedFd, Failure> {
    let path = format!("/dev/{name}");
    let device = mounts::copy_path(Path::new(&path)).during(|| format!("open {path}"))?;
    let stat: Stat = fstat(&device).during(|| format!("look at {path}"))?;
    let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    if is_device && (major(stat.st_rdev), minor(stat.st_rdev)) == (expected_major, expected_minor) {
        Ok(device)
    } else {
        Err(Failure::new(
            format!("use {path}"),
            format!("it is not the device {expected_major}:{expected_minor}"),
        ))
    }
}

/// A `/proc` of the new pid namespace. Inside a container whose own `/proc` is masked the kernel allows none; then that one is shown,
/// with that container's processes in it.
fn make_proc() -> Result<OwnedFd, Failure> {
    match Configuration::new("proc").and_then(|proc| proc.mount(INERT)) {
        Err(failure) if failure.errno() == Some(Errno::PERM) => {
            mounts::copy_path(Path::new("/proc")).during(|| "bind /proc".to_owned())
        }
        other => other,
    }
}

/// A read-only `/sys`. A user namespace may only make one for a network of its own; otherwise the host's is shown.
fn make_sys() -> Result<OwnedFd, Failure> {
    let attributes = INERT | MountAttrFlags::MOUNT_ATTR_RDONLY;
    match Configuration::new("sysfs").and_then(|sysfs| sysfs.mount(attributes)) {
        Err(failure) if failure.errno() == Some(Errno::PERM) => {
            let step = || "bind /sys".to_owned();
            let sys = mounts::copy_path(Path::new("/sys")).during(step)?;
            mounts::restrict(&sys, attributes).during(step)?;
            Ok(sys)
        }
        other => other,
    }
}

/// Terminals. The usual owner of a terminal is group 5 (`tty`), which a user namespace with one id does not have.
fn make_pts() -> Result<OwnedFd, Failure> {
    let make = |group: Option<&str>| {
        let pts = Configuration::new("devpts")?;
        pts.flag("newinstance")?;
        pts.set("ptmxmode", "0666")?;
        pts.set("mode", "0620")?;
        if let Some(group) = group {
            pts.set("gid", group)?;
        }
        pts.mount(MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC)
    };
    make(Some("5")).or_else(|_| make(None))
}

/// Opens a setting of the kernel for writing, through the `/proc` that was made here and no path of the image (CVE-2025-52881).
pub(crate) fn write_proc(proc: &OwnedFd, path: &str, text: &str) -> std::io::Result<()> {
    let file = openat(
        proc,
        path,
        OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    rustix::io::write(file, text.as_bytes())?;
    Ok(())
}

/// The root directory of this process.
pub(crate) fn open_root() -> rustix::io::Result<OwnedFd> {
    openat(
        CWD,
        "/",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}
