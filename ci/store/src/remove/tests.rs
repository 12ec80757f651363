//! Tests of `remove`: what it promises.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use rustix::fs::mkdirat;
use tempfile::TempDir;

use super::*;

fn tree() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tree");
    fs::create_dir(&path).unwrap();
    (dir, path)
}

#[test]
fn what_does_not_exist_is_removed_already() {
    let (_dir, path) = tree();
    remove_tree(&path).unwrap();
    remove_tree(&path).unwrap();
}

#[test]
fn folders_without_permissions_are_removed() {
    let (_dir, path) = tree();
    let closed = path.join("a/b/c");
    fs::create_dir_all(&closed).unwrap();
    fs::write(closed.join("file"), "x").unwrap();
    for dir in ["a/b/c", "a/b", "a", ""] {
        fs::set_permissions(path.join(dir), Permissions::from_mode(0o0)).unwrap();
    }
    remove_tree(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn links_are_removed_and_not_followed_e3() {
    let (dir, path) = tree();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("keep"), "x").unwrap();
    fs::create_dir(path.join("in")).unwrap();
    symlink(&outside, path.join("link")).unwrap();
    symlink(&outside, path.join("in/link")).unwrap();
    remove_tree(&path).unwrap();
    assert!(!path.exists());
    assert!(outside.join("keep").exists());
}

#[test]
fn a_link_in_the_place_of_the_tree_is_not_followed_e3() {
    let (dir, path) = tree();
    fs::write(path.join("keep"), "x").unwrap();
    let link = dir.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(remove_tree(&link).is_err());
    assert!(path.join("keep").exists());
}

#[test]
fn depth_and_hostile_names_are_no_obstacle_l12() {
    // In memory where possible: making so many folders is slow on a disk.
    let memory = tempfile::tempdir_in("/dev/shm");
    let dir = memory.unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let path = dir.path().join("tree");
    // Names like those it gives itself must not get in its way.
    for name in [".1", ".2", ".3"] {
        fs::create_dir_all(path.join(name).join("x")).unwrap();
    }
    let mut at = File::open(&path).unwrap();
    for _ in 0..20_000 {
        mkdirat(&at, "deep", Mode::RWXU).unwrap();
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        at = rustix::fs::openat(&at, "deep", flags, Mode::empty())
            .unwrap()
            .into();
    }
    drop(at);
    remove_tree(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_mount_inside_is_left_alone_e3() {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    let (_dir, path) = tree();
    let mounted = path.join("a/mounted");
    fs::create_dir_all(&mounted).unwrap();
    if mount("none", &mounted, "tmpfs", MountFlags::empty(), None).is_err() {
        eprintln!("skipped: mounting needs root");
        return;
    }
    fs::write(mounted.join("keep"), "x").unwrap();
    let outcome = remove_tree(&path);
    let kept = rustix::fs::statfs(&path).is_ok();
    // It may have been moved while its parents were emptied: find it again by its type.
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let place = mounts.lines().find_map(|line| {
        line.split(' ')
            .nth(1)
            .filter(|at| at.starts_with(path.to_str().unwrap()))
    });
    let place = PathBuf::from(place.expect("still mounted"));
    let content = fs::read_to_string(place.join("keep"));
    unmount(&place, UnmountFlags::DETACH).unwrap();
    assert!(outcome.is_err() && kept);
    assert_eq!(content.unwrap(), "x");
    remove_tree(&path).unwrap();
}

#[test]
fn a_tree_that_is_still_written_to_is_removed_in_the_end() {
    let (_dir, path) = tree();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..500 {
                let dir = path.join(format!("d{}", n % 7));
                drop(fs::create_dir_all(dir.join("e/f")));
                drop(fs::write(dir.join("e/f/file"), "x"));
            }
        });
        for _ in 0..20 {
            remove_tree(&path).unwrap();
        }
    });
    remove_tree(&path).unwrap();
    assert!(!path.exists());
}
