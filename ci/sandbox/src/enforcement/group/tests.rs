//! Tests of what is written to groups and read from them, in directories that only look like groups. Real ones are met in
//! `tests/sandbox/limits.rs`.

use super::*;

fn enforcement(memory: &Path, pids: &Path, version: Version) -> Enforcement {
    let place = |directory: &Path| {
        Some(Place {
            directory: directory.to_owned(),
            version,
        })
    };
    Enforcement {
        memory: place(memory),
        pids: place(pids),
        ..Enforcement::default()
    }
}

fn limits(memory: u64, pids: u64) -> Limits {
    Limits {
        memory: Some(memory),
        pids: Some(pids),
        ..Limits::default()
    }
}

#[test]
fn limits_are_written_to_one_group_of_version_2() {
    let parent = tempfile::tempdir().unwrap();
    let enforcement = enforcement(parent.path(), parent.path(), Version::V2);
    let group = Group::make(&enforcement, &limits(1 << 20, 7))
        .unwrap()
        .unwrap();
    group.add(42).unwrap();
    let [directory] = group.made.as_slice() else {
        panic!("{:?}", group.made)
    };
    let files = [
        "memory.max",
        "memory.swap.max",
        "memory.oom.group",
        "pids.max",
        "cgroup.procs",
    ];
    assert_eq!(
        files.map(|file| fs::read_to_string(directory.join(file)).unwrap()),
        ["1048576", "0", "1", "9", "42"],
        "the init and who waits for it are not the command's"
    );
}

#[test]
fn limits_are_written_to_a_group_for_each_controller_of_version_1() {
    let (memory, pids) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let enforcement = enforcement(memory.path(), pids.path(), Version::V1);
    let group = Group::make(&enforcement, &limits(5, 7)).unwrap().unwrap();
    let read = |place: &Option<Place>, file| read(place.as_ref().unwrap(), file);
    assert_eq!(read(&group.memory, "memory.limit_in_bytes"), "5");
    assert_eq!(read(&group.pids, "pids.max"), "9");
    assert_eq!(group.made.len(), 2);
}

#[test]
fn no_limits_make_no_group() {
    let parent = tempfile::tempdir().unwrap();
    let enforcement = enforcement(parent.path(), parent.path(), Version::V2);
    assert!(
        Group::make(&enforcement, &Limits::default())
            .unwrap()
            .is_none()
    );
    assert!(
        Group::make(&Enforcement::default(), &limits(1, 1))
            .unwrap()
            .is_none()
    );
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

/// What the kernel counts in `files`, told.
fn told(version: Version, files: &[(&str, &str)]) -> Option<Exceeded> {
    let parent = tempfile::tempdir().unwrap();
    let enforcement = enforcement(parent.path(), parent.path(), version);
    let group = Group::make(&enforcement, &limits(1, 1)).unwrap().unwrap();
    for (file, text) in files {
        fs::write(group.made[0].join(file), text).unwrap();
    }
    group.exceeded()
}

#[test]
fn what_was_exceeded_is_told_by_the_kernels_counts() {
    use Version::{V1, V2};
    assert_eq!(told(V2, &[]), None);
    let quiet = (
        "memory.events",
        "high 3\nmax 9\noom 1\noom_kill 0\noom_group_kill 0\n",
    );
    assert_eq!(told(V2, &[quiet]), None);
    let killed = ("memory.events", "max 9\noom 1\noom_kill 2\n");
    assert_eq!(told(V2, &[killed]), Some(Exceeded::Memory));
    let machine = ("memory.events", "max 0\noom 0\noom_kill 1\n");
    assert_eq!(
        told(V2, &[machine]),
        None,
        "not its limit, but the machine's memory"
    );
    assert_eq!(
        told(V2, &[quiet, ("pids.events", "max 4\n")]),
        Some(Exceeded::Pids)
    );
    let control = (
        "memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    );
    assert_eq!(told(V1, &[control]), Some(Exceeded::Memory));
    assert_eq!(
        told(V1, &[("memory.oom_control", "under_oom 0\noom_kill 0\n")]),
        None
    );
    assert_eq!(
        told(V1, &[("pids.events", "max 1\n")]),
        Some(Exceeded::Pids)
    );
}

#[test]
fn only_groups_of_processes_that_are_gone_are_swept() {
    let parent = tempfile::tempdir().unwrap();
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let stale = format!("{PREFIX}{}-0", gone.id());
    let living = name("0");
    for directory in [stale.as_str(), living.as_str(), "other", "pipeline-x"] {
        fs::create_dir(parent.path().join(directory)).unwrap();
    }
    sweep(parent.path());
    let left: Vec<_> = fs::read_dir(parent.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!left.contains(&stale), "{left:?}");
    assert!(
        left.contains(&living) && left.contains(&"other".to_owned()),
        "{left:?}"
    );
}
