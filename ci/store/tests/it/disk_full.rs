//! A disk that fills up at every possible write (E12): a small tmpfs in a mount namespace of its
//! own.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::workload::{assert_clean, build, pack};
use ci_store::{Policy, Store, patience};

const ROOT: &str = "CI_STORE_TEST_DISK";
const PAGE: usize = 4096;

#[test]
fn a_full_disk_is_a_clear_error_and_leaves_a_sound_store_e12() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=2m none "$1" || exit 77; shift; exec "$@""#;
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    command.arg(dir.path()).arg(env::current_exe().unwrap());
    command
        .args(["--exact", "disk_full::worker", "--ignored", "--nocapture"])
        .env(ROOT, dir.path());
    match command.output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("1 passed"), "{text}");
        }
        Ok(output)
            if [Some(1), Some(77)].contains(&output.status.code()) && output.stdout.is_empty() =>
        {
            eprintln!(
                "skipped: no user namespace: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => eprintln!("skipped: unshare: {error}"),
    }
}

/// On the small disk: leaves more and more of it free, so that each write in turn is the one that
/// fails.
#[test]
#[ignore = "the other test runs it in a namespace of its own"]
fn worker() {
    let Some(disk) = env::var_os(ROOT) else {
        return;
    };
    let (root, ballast) = (
        Path::new(&disk).join("store"),
        Path::new(&disk).join("ballast"),
    );
    let (mut failures, mut successes) = (0, 0);
    for free in 0..120 {
        fill_up(&ballast, free * PAGE);
        match Store::open(&root).and_then(|store| {
            build(&store, 1)?;
            store.close()
        }) {
            Ok(()) => successes += 1,
            Err(error) => {
                failures += 1;
                assert!(error.is_disk_full(), "{free}: {error}");
                let text = error.to_string();
                assert!(
                    text.contains(disk.to_str().unwrap()) && text.contains("help: free some space"),
                    "{text}"
                );
            }
        }
        // Sound while the disk is still full, and afterwards.
        if let Ok(mut store) = Store::open(&root) {
            assert_clean(&store);
            store
                .prune(
                    Policy {
                        all: true,
                        ..Policy::default()
                    },
                    &mut patience(std::time::Duration::ZERO),
                )
                .unwrap();
        }
        fs::remove_file(&ballast).unwrap();
        let mut store = Store::open(&root).unwrap();
        build(&store, 1).unwrap();
        assert_clean_but_for_ours(&store);
        store
            .prune(
                Policy {
                    all: true,
                    ..Policy::default()
                },
                &mut patience(std::time::Duration::ZERO),
            )
            .unwrap();
    }
    assert!(
        failures > 40 && successes > 10,
        "{failures} failures, {successes} successes"
    );
}

/// A store that is in use has a temporary folder of its own.
fn assert_clean_but_for_ours(store: &Store) {
    let report = store.verify(&pack, &mut |_, _| ()).unwrap();
    assert!(report.is_clean(), "{:#?}", report.problems);
}

/// Writes until only `free` bytes are left.
fn fill_up(path: &Path, free: usize) {
    let mut file = File::create(path).unwrap();
    while file.write_all(&[1; PAGE]).is_ok() {}
    let size = file.metadata().unwrap().len();
    file.set_len(size.saturating_sub(free as u64)).unwrap();
}
