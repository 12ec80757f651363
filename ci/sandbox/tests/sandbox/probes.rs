//! What `doctor` asks about this machine, on which everything else in this suite runs.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ci_sandbox::{Status, probe, probe_directory};

use crate::support::Bench;

pub(crate) async fn a_machine_that_runs_executions_misses_nothing(_bench: Bench) {
    let begin = Instant::now();
    let probes = probe();
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    for found in &probes {
        assert_ne!(found.status, Status::Missing, "{found:?}");
        assert_eq!(found.fix.is_some(), found.status != Status::Ok, "{found:?}");
    }
    let names: Vec<_> = probes.iter().map(|probe| probe.name).collect();
    for name in [
        "kernel",
        "overlay mounts",
        "/proc",
        "control groups",
        "pasta",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

pub(crate) async fn a_file_system_that_cannot_hold_layers_is_found(bench: Bench) {
    let directory = bench.layer("cache", &[]);
    let found = probe_directory(&directory);
    assert_eq!(found.status, Status::Ok, "{found:?}");
    assert_eq!(
        fs::read_dir(&directory).unwrap().count(),
        0,
        "the try leaves nothing"
    );

    let found = probe_directory(Path::new("/proc"));
    assert_eq!(found.status, Status::Missing, "{found:?}");
    assert!(found.fix.unwrap().contains("ext4"));
}
