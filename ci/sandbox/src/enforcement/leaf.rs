//! Making room in a group of version 2 that is ours alone: its processes move one level down, so that it may pass controllers on ("no
//! internal processes"). Processes that are not ours are never moved.

use std::fs;
use std::io;
use std::path::Path;

/// Whether every process in the group is this one or descends from it.
pub(super) fn is_ours_alone(group: &Path) -> bool {
    processes(group).is_ok_and(|all| !all.is_empty() && all.into_iter().all(is_ours))
}

fn processes(group: &Path) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(group.join("cgroup.procs"))?;
    // A process of another pid namespace is shown as 0.
    text.lines()
        .map(|line| line.parse().map_err(io::Error::other))
        .collect()
}

fn is_ours(pid: u32) -> bool {
    let own = std::process::id();
    std::iter::successors(Some(pid), |&pid| parent(pid)).any(|pid| pid == own)
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    line.trim().parse().ok().filter(|&parent| parent != 0)
}

/// Moves them and passes the controllers on; undone where that is refused.
pub(super) fn make_room(group: &Path) -> io::Result<()> {
    let leaf = group.join(super::group::name("engine"));
    fs::create_dir(&leaf)?;
    let moved = processes(group)?
        .into_iter()
        .try_for_each(|pid| fs::write(leaf.join("cgroup.procs"), pid.to_string()));
    let passed =
        moved.and_then(|()| fs::write(group.join("cgroup.subtree_control"), "+memory +pids"));
    if passed.is_err() {
        for pid in processes(&leaf)? {
            fs::write(group.join("cgroup.procs"), pid.to_string())?;
        }
        fs::remove_dir(&leaf)?;
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_with_a_process_of_somebody_else_is_not_ours() {
        let group = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(group.path().join("cgroup.procs"), text).unwrap();
        let own = std::process::id();
        write(&format!("{own}\n"));
        assert!(is_ours_alone(group.path()));
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        write(&format!("{own}\n{}\n", child.id()));
        assert!(is_ours_alone(group.path()));
        child.kill().unwrap();
        child.wait().unwrap();
        for others in ["1\n", "0\n", ""] {
            write(others);
            assert!(!is_ours_alone(group.path()), "{others:?}");
        }
    }
}
