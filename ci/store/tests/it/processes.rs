//! Several processes on one store, killed at any moment (C4, C6). The processes are this test
//! program itself.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::workload::{assert_clean, build};
use ci_oci::Digest;
use ci_store::{Error, Policy, Store, patience};

const ROOT: &str = "CI_STORE_TEST_ROOT";
const BUILDS: &str = "CI_STORE_TEST_BUILDS";

/// Not a test but the program the tests below run and kill: builds, prunes now and then, and never
/// comes to an end by itself unless it is told how many builds to do.
#[test]
#[ignore = "the other tests run it as a process of its own"]
fn worker() {
    let Some(root) = env::var_os(ROOT) else {
        return;
    };
    let builds: u64 = env::var(BUILDS).map_or(u64::MAX, |text| text.parse().unwrap());
    for n in 0..builds {
        let mut store = Store::open(Path::new(&root)).unwrap();
        // Some builds are those of the other workers too.
        let seed = if n % 2 == 0 {
            n / 2
        } else {
            n + u64::from(std::process::id()) * 1000
        };
        build(&store, seed).unwrap();
        assert_eq!(
            store.result::<u64>("exec", &Digest::of(seed.to_le_bytes())),
            Some(seed)
        );
        if n % 5 == 4 {
            let policy = Policy {
                max_bytes: Some(800_000),
                ..Policy::default()
            };
            match store.prune(policy, &mut patience(Duration::ZERO)) {
                Ok(_) | Err(Error::Busy { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        store.close().unwrap();
    }
}

fn start(root: &Path, builds: Option<u64>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "processes::worker", "--ignored", "--nocapture"])
        .env(ROOT, root);
    if let Some(builds) = builds {
        command.env(BUILDS, builds.to_string());
    }
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn processes_that_build_the_same_at_once_all_succeed_c4() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let workers: Vec<_> = (0..4).map(|_| start(&root, Some(25))).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let store = Store::open(&root).unwrap();
    assert_clean(&store);
    assert!(store.usage().unwrap().results.count > 0);
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_sound_store_c6() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    // Spread over the length of a build, from before the store exists to well into pruning.
    let mut killed_at_work = 0;
    for round in 0..45_u64 {
        let mut worker = start(&root, None);
        let start = Instant::now();
        while !root.join("version").exists() && start.elapsed() < Duration::from_millis(3 * round) {
            sleep(Duration::from_micros(50));
        }
        sleep(Duration::from_micros(round * 7919 % 40_000));
        worker.kill().unwrap();
        worker.wait().unwrap();
        killed_at_work += u32::from(
            root.join("tmp")
                .read_dir()
                .is_ok_and(|mut tmp| tmp.next().is_some()),
        );
        let store = Store::open(&root).unwrap();
        assert_clean(&store);
        build(&store, round).unwrap();
        store.close().unwrap();
    }
    assert!(
        killed_at_work >= 10,
        "only {killed_at_work} of the kills hit unfinished work"
    );
}

#[test]
fn those_who_live_are_not_disturbed_by_those_who_are_killed_c6() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let mut steady = start(&root, Some(60));
    for round in 0..20_u64 {
        let mut worker = start(&root, None);
        sleep(Duration::from_micros(2_000 + round * 7919 % 30_000));
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    assert!(steady.wait().unwrap().success());
    let store = Store::open(&root).unwrap();
    assert_clean(&store);
    assert!(store.usage().unwrap().results.count > 0);
}
