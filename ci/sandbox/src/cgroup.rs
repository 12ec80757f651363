//! Limits on memory and processes by a control group (version 2), where this process may make one.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::spec::Limits;

/// Where control groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// Names of ours begin with this, then our process id and a number.
const PREFIX: &str = "pipeline-";

/// A control group of one execution, removed when dropped.
#[derive(Debug)]
pub(crate) struct Cgroup {
    directory: PathBuf,
}

impl Cgroup {
    /// Makes one if there is a limit to enforce and a place to do it.
    pub(crate) fn make(limits: &Limits) -> Option<Self> {
        if limits.memory.is_none() && limits.pids.is_none() {
            return None;
        }
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let parent = parent().ok()?;
        let directory = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir(&directory).ok()?;
        let group = Self { directory };
        let settings = [
            ("memory.max", limits.memory),
            // Without this what exceeds the limit goes to the swap space.
            ("memory.swap.max", limits.memory.map(|_| 0)),
            ("pids.max", limits.pids),
        ];
        for (file, value) in settings {
            if let Some(value) = value {
                let written = fs::write(group.directory.join(file), value.to_string());
                // Swap accounting may be off; then there is no such file.
                if written.is_err() && file != "memory.swap.max" {
                    return None;
                }
            }
        }
        // All of it ends when one process of it must.
        let _ = fs::write(group.directory.join("memory.oom.group"), "1");
        Some(group)
    }

    /// Moves a process in.
    pub(crate) fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.directory.join("cgroup.procs"), pid.to_string())
    }

    /// Whether the kernel has killed something in it for its memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.directory.join("memory.events")).unwrap_or_default();
        events
            .lines()
            .filter_map(|line| line.strip_prefix("oom_kill "))
            .any(|count| count != "0")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.directory);
    }
}

/// A group that may have children with the controllers we need: our own's parent (a group with processes in it may not), if it is ours.
pub(crate) fn parent() -> io::Result<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let path = own
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .ok_or_else(|| io::Error::other("no control groups of version 2"))?;
    let own = PathBuf::from(MOUNT).join(path);
    let candidates = [Some(own.as_path()), own.parent()];
    for group in candidates
        .into_iter()
        .flatten()
        .filter(|group| group.starts_with(MOUNT))
    {
        let passed_on =
            fs::read_to_string(group.join("cgroup.subtree_control")).unwrap_or_default();
        let has = |name| {
            passed_on
                .split_whitespace()
                .any(|controller| controller == name)
        };
        let writable = rustix::fs::access(group, rustix::fs::Access::WRITE_OK).is_ok()
            && rustix::fs::access(group.join("cgroup.procs"), rustix::fs::Access::WRITE_OK).is_ok();
        if has("memory") && has("pids") && writable {
            return Ok(group.to_owned());
        }
    }
    Err(io::Error::other(
        "no control group of ours passes memory and pids on",
    ))
}
