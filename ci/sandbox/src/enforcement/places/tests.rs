//! Tests of what is found in directories that look like control groups; the kernel's part is not played.

use super::*;

/// A tree of groups of version 2: each path with what it passes on, its limit and its processes.
fn tree(groups: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let mount = tempfile::tempdir().unwrap();
    for (path, controllers, limit) in groups {
        let group = mount.path().join(path);
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("cgroup.subtree_control"), controllers).unwrap();
        fs::write(group.join("cgroup.controllers"), "cpu memory pids\n").unwrap();
        fs::write(
            group.join("cgroup.procs"),
            format!("{}\n1\n", std::process::id()),
        )
        .unwrap();
        fs::write(group.join("memory.max"), limit).unwrap();
    }
    mount
}

fn unified(mount: &tempfile::TempDir, own: &str) -> Option<Found> {
    let point = mount.path().display();
    let mounts = format!(
        "22 1 0:20 / /proc rw - proc proc rw\n31 23 0:28 / {point} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    );
    Hierarchy::unified(&mounts, &format!("0::{own}\n"))?.passing()
}

fn place(mount: &tempfile::TempDir, path: &str) -> Option<Found> {
    let place = Place {
        directory: mount.path().join(path),
        version: Version::V2,
    };
    Some(Found::Ready {
        memory: Some(place.clone()),
        pids: Some(place),
    })
}

#[test]
fn on_a_desktop_groups_are_made_beside_that_of_the_terminal() {
    let user = "user.slice/user@1000.service/app.slice";
    let terminal = format!("{user}/terminal.scope");
    let mount = tree(&[
        (user, "cpu memory pids\n", "max\n"),
        (&terminal, "", "max\n"),
    ]);
    assert_eq!(
        unified(&mount, &format!("/{terminal}")),
        place(&mount, user)
    );
}

#[test]
fn a_group_that_passes_controllers_on_is_used_itself() {
    let mount = tree(&[("a", "memory pids", "max"), ("a/b", "memory pids", "max")]);
    assert_eq!(unified(&mount, "/a/b"), place(&mount, "a/b"));
}

#[test]
fn executions_do_not_leave_a_limit_that_was_set_for_us() {
    let mount = tree(&[("a", "memory pids", "max"), ("a/b", "", "1073741824\n")]);
    assert_eq!(unified(&mount, "/a/b"), None);
}

#[test]
fn a_group_of_our_own_is_divided_and_nobody_elses() {
    let mount = tree(&[("a", "cpu", "max"), ("a/b", "", "max")]);
    assert_eq!(unified(&mount, "/a/b"), None, "process 1 is in it, too");
    let own = mount.path().join("a/b");
    fs::write(own.join("cgroup.procs"), std::process::id().to_string()).unwrap();
    assert_eq!(unified(&mount, "/a/b"), Some(Found::Occupied(own)));
}

#[test]
fn what_is_outside_of_our_control_group_namespace_is_out_of_reach() {
    let mount = tree(&[("", "memory pids", "max")]);
    assert_eq!(unified(&mount, "/../other"), None);
    assert_eq!(unified(&mount, "/gone/away"), None);
}

#[test]
fn without_both_controllers_a_group_is_of_no_use() {
    let mount = tree(&[("a", "cpu io memory_other pids", "max")]);
    fs::write(mount.path().join("a/cgroup.controllers"), "cpu pids").unwrap();
    assert_eq!(unified(&mount, "/a"), None);
}

#[test]
fn the_hierarchies_of_version_1_are_found_by_controller_and_by_what_is_mounted_of_them() {
    let mount = tempfile::tempdir().unwrap();
    for group in ["memory/job", "pids"] {
        fs::create_dir_all(mount.path().join(group)).unwrap();
        fs::write(mount.path().join(group).join("cgroup.procs"), "").unwrap();
    }
    let point = mount.path().display();
    // As in a container without a namespace for groups: what is mounted is a part of what the paths name.
    let mounts = format!(
        "32 31 0:29 / {point}/cpu rw - cgroup cgroup rw,cpu\n\
         35 31 0:32 /docker/5bb7 {point}/memory rw - cgroup cgroup rw,memory\n\
         39 31 0:36 / {point}/pids rw - cgroup cgroup rw,pids\n"
    );
    let own = "8:pids:/\n4:memory:/docker/5bb7/job\n1:name=systemd:/x\n0::/\n";
    let split = |controller| Hierarchy::of_controller(&mounts, own, controller)?.split();
    let v1 = |path: &str| {
        Some(Place {
            directory: mount.path().join(path),
            version: Version::V1,
        })
    };
    assert_eq!(split("memory"), v1("memory/job"));
    assert_eq!(split("pids"), v1("pids/"));
    assert_eq!(split("cpu"), None);
}
