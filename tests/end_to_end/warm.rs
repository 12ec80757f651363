//! A build with nothing changed does nothing, and writes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::Trial;

use crate::support::built::SERVICES;
use crate::support::events::{events, steps};
use crate::support::project::Project;
use crate::support::test;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "warm: every step is cached and no file changes",
            nothing_is_done,
        ),
        test(
            "warm: only what a change reaches is done again",
            only_what_changed,
        ),
    ]
}

/// What was changed just now may be changed again without its times telling, so it is read again until it has settled. Then nothing is
/// left to be noted.
fn nothing_is_done() {
    let project = Project::compiled();
    project.build();
    settle(&project.root);
    project.build();
    let before = [files(&project.state("")), files(&project.cache)];
    let warm = project.run(&["build", "--progress", "json"]).succeeded();
    let events = events(&warm.stderr);
    let cached = steps(&events, "cached");
    let finished = events
        .iter()
        .filter(|event| event["event"] == "finished")
        .count();
    assert_eq!(finished, cached.len(), "{}", warm.stderr);
    for service in SERVICES {
        let of_service = |step: &&String| step.starts_with(&format!("{service} "));
        assert!(
            cached.iter().any(|step| of_service(&step)),
            "{service}: {cached:?}"
        );
    }
    let after = [files(&project.state("")), files(&project.cache)];
    for (before, after) in before.iter().zip(&after) {
        let changed: Vec<_> = after
            .iter()
            .filter(|&(path, what)| before.get(path) != Some(what))
            .collect();
        assert!(changed.is_empty(), "written: {changed:?}");
        assert_eq!(before.len(), after.len(), "nothing was removed");
    }
}

/// A new migration is no reason to compile a schedule, nor a program.
fn only_what_changed() {
    let project = Project::compiled();
    project.build();
    project.write(
        "tests/services/jobs/migrations/0011-more.sql",
        "SELECT 1;\n",
    );
    let built = project.run(&["build", "--progress", "json"]).succeeded();
    let done = steps(&events(&built.stderr), "done");
    assert!(
        done.iter()
            .any(|step| step.starts_with("migrator [bundle] RUN --mount=type=bind")),
        "{done:?}"
    );
    let needless = ["cargo build", "[schedule] RUN", "[tools]"];
    let needless = done
        .iter()
        .find(|step| needless.iter().any(|part| step.contains(part)));
    assert_eq!(needless, None);
}

/// Waits until every file was last changed so long ago that its times tell of any further change (`ci_store::StatCache`).
fn settle(below: &Path) {
    const GRAIN: Duration = Duration::from_secs(2);
    let changed = |path: PathBuf| {
        let data = fs::symlink_metadata(path).unwrap();
        UNIX_EPOCH
            + Duration::new(
                u64::try_from(data.ctime()).unwrap(),
                u32::try_from(data.ctime_nsec()).unwrap(),
            )
    };
    let last = files(below).into_keys().map(changed).max().unwrap();
    while let Ok(left) = (last + GRAIN).duration_since(SystemTime::now()) {
        std::thread::sleep(left.max(Duration::from_millis(1)));
    }
}

/// Size, inode and time of the last change of every file.
fn files(below: &Path) -> BTreeMap<PathBuf, (u64, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        if data.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(
                path,
                (data.size(), data.ino(), data.mtime(), data.mtime_nsec()),
            );
        }
    }
    found
}
