//! Limits on memory and processes by a control group (version 2), where this process may make one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Access, access};

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
        let wanted = limits.memory.is_some() || limits.pids.is_some();
        wanted
            .then(parent)?
            .and_then(|parent| Self::make_in(&parent, limits))
            .ok()
    }

    fn make_in(parent: &Path, limits: &Limits) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir(&directory)?;
        let group = Self { directory };
        if let Some(memory) = limits.memory {
            group.set("memory.max", &memory.to_string())?;
            // Without these, what exceeds the limit goes to the swap space, and one process is killed instead of all. Kernels can be
            // built without.
            let _ = group.set("memory.swap.max", "0");
            let _ = group.set("memory.oom.group", "1");
        }
        if let Some(pids) = limits.pids {
            group.set("pids.max", &pids.to_string())?;
        }
        Ok(group)
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.directory.join(file), value)
    }

    /// Moves a process in.
    pub(crate) fn add(&self, pid: u32) -> io::Result<()> {
        self.set("cgroup.procs", &pid.to_string())
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

/// A group that may have children with the controllers we need, and that we may write to: our own's parent, since a group with processes
/// in it can pass no controllers on.
pub(crate) fn parent() -> io::Result<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let path = own
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .ok_or_else(|| io::Error::other("there are none of version 2"))?;
    let own = Path::new(MOUNT).join(path);
    let usable = own
        .ancestors()
        .take(2)
        .find(|group| group.starts_with(MOUNT) && passes_on(group));
    usable
        .map(Path::to_owned)
        .ok_or_else(|| io::Error::other("no group of ours passes memory and pids on"))
}

fn passes_on(group: &Path) -> bool {
    let passed_on = fs::read_to_string(group.join("cgroup.subtree_control")).unwrap_or_default();
    let has = |name| {
        passed_on
            .split_whitespace()
            .any(|controller| controller == name)
    };
    let writable = |path: &Path| access(path, Access::WRITE_OK).is_ok();
    has("memory") && has("pids") && writable(group) && writable(&group.join("cgroup.procs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that looks like a control group; the kernel's part is not played.
    fn group(controllers: &str) -> tempfile::TempDir {
        let group = tempfile::tempdir().unwrap();
        fs::write(group.path().join("cgroup.subtree_control"), controllers).unwrap();
        fs::write(group.path().join("cgroup.procs"), "").unwrap();
        group
    }

    #[test]
    fn limits_are_written_to_a_group_below() {
        let parent = group("cpu memory pids\n");
        assert!(passes_on(parent.path()));
        let limits = Limits {
            memory: Some(1 << 20),
            pids: Some(7),
            ..Limits::default()
        };
        let made = Cgroup::make_in(parent.path(), &limits).unwrap();
        made.add(42).unwrap();
        let read = |file: &str| fs::read_to_string(made.directory.join(file)).unwrap();
        assert_eq!(
            ["memory.max", "memory.swap.max", "pids.max", "cgroup.procs"].map(read),
            ["1048576", "0", "7", "42"]
        );
        assert!(made.directory.starts_with(parent.path()));
    }

    #[test]
    fn a_group_without_the_controllers_is_of_no_use() {
        assert!(!passes_on(group("cpu io memory_other pids").path()));
        assert!(!passes_on(Path::new("/nowhere")));
    }

    #[test]
    fn running_out_of_memory_is_told_by_the_kernels_count() {
        let parent = group("memory pids");
        let made = Cgroup::make_in(parent.path(), &Limits::default()).unwrap();
        assert!(!made.ran_out_of_memory());
        fs::write(
            made.directory.join("memory.events"),
            "high 3\nmax 9\noom 1\noom_kill 0\n",
        )
        .unwrap();
        assert!(!made.ran_out_of_memory());
        fs::write(
            made.directory.join("memory.events"),
            "max 9\noom 1\noom_kill 1\n",
        )
        .unwrap();
        assert!(made.ran_out_of_memory());
    }
}
