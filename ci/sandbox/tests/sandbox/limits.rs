//! Limits on memory, processes and time: they hold, and what runs into one is told so. Which means enforce them differs from machine to
//! machine; where there is no control group, what holds is weaker and cannot be told from a failure of the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ci_sandbox::{Exit, Limits, Sandbox, Spec};

use crate::support::Bench;

const MEMORY: Limits = Limits {
    memory: Some(24 << 20),
    pids: None,
    nofile: None,
    timeout: None,
};
const PIDS: Limits = Limits {
    memory: None,
    pids: Some(12),
    ..MEMORY
};

/// A line without an end, which has to be kept.
const EATER: &str = "head -c 200000000 /dev/zero | tail > /dev/null; echo $? >&2; exit 7";

fn limited(bench: &Bench, script: &str, limits: &Limits) -> Spec {
    let mut spec = bench.script(script);
    spec.limits = limits.clone();
    spec
}

fn in_group(bench: &Bench, limits: &Limits) -> bool {
    bench.sandbox.enforcement().shortfall(limits).is_none()
}

pub(crate) async fn e12_memory_that_exceeds_the_limit_is_told(bench: Bench) {
    let outcome = bench.run(limited(&bench, EATER, &MEMORY)).await;
    if in_group(&bench, &MEMORY) {
        // Version 2 kills all together, version 1 the largest process.
        let Exit::OutOfMemory { code: 7 | 137 } = outcome.exit else {
            panic!("{outcome:?}")
        };
    } else {
        // The program was refused the memory and says so itself.
        assert_eq!(outcome.exit, Exit::Code(7), "{outcome:?}");
        assert_ne!(outcome.stderr, "0\n");
    }
    let enough = Limits {
        memory: Some(1 << 30),
        ..MEMORY
    };
    let outcome = bench.run(limited(&bench, EATER, &enough)).await;
    assert_eq!(
        (outcome.exit, outcome.stderr.as_str()),
        (Exit::Code(7), "0\n")
    );
}

pub(crate) async fn e12_what_goes_on_after_running_out_of_memory_has_failed(bench: Bench) {
    if !in_group(&bench, &MEMORY) {
        return;
    }
    let script = "head -c 200000000 /dev/zero | tail > /dev/null; exit 0";
    let outcome = bench.run(limited(&bench, script, &MEMORY)).await;
    assert!(
        matches!(outcome.exit, Exit::OutOfMemory { .. }),
        "{outcome:?}"
    );
    assert!(!outcome.exit.success());
}

pub(crate) async fn e12_a_fork_bomb_is_stopped(bench: Bench) {
    // More than a pid namespace allows of itself for this limit.
    let script = "i=0; while [ $i -lt 400 ]; do sleep 100 & i=$((i+1)); done; echo all; exit 0";
    let outcome = bench.run(limited(&bench, script, &PIDS)).await;
    assert_eq!(outcome.stdout, "", "{outcome:?}");
    if in_group(&bench, &PIDS) {
        let Exit::TooManyProcesses { code } = outcome.exit else {
            panic!("{outcome:?}")
        };
        assert_ne!(code, 0);
    } else {
        assert!(matches!(outcome.exit, Exit::Code(1..)), "{outcome:?}");
    }
    let few = "for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait; echo all";
    assert_eq!(bench.succeed(limited(&bench, few, &PIDS)).await, "all\n");
}

/// The numbers of processes are given again and again within the limit, however many there have been.
pub(crate) async fn many_processes_one_after_another_are_within_the_limit(bench: Bench) {
    let script = "i=0; while [ $i -lt 700 ]; do /bin/true || exit 1; i=$((i+1)); done; (/bin/true | /bin/true | /bin/true) && echo all";
    assert_eq!(bench.succeed(limited(&bench, script, &PIDS)).await, "all\n");
}

pub(crate) async fn the_time_limit_ends_everything_and_tells_what_was_running(bench: Bench) {
    let marker = format!("{}.77{}", 86_400, std::process::id());
    let script =
        format!("trap '' TERM; (setsid sleep {marker} &); echo begun; sleep {marker}; sleep 1");
    let mut spec = limited(&bench, &script, &Limits::default());
    spec.limits.timeout = Some(Duration::from_millis(400));
    spec.grace = Duration::from_millis(100);
    let begin = Instant::now();
    let outcome = bench.run(spec).await;
    let Exit::TimedOut { running } = &outcome.exit else {
        panic!("{outcome:?}")
    };
    assert_eq!(running, &["sh", "sleep"]);
    assert_eq!(
        (outcome.exit.code(), outcome.stdout.as_str()),
        (124, "begun\n")
    );
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(crate::lifecycle::running(&marker), 0);
}

/// Names of processes are the image's to choose.
pub(crate) async fn names_of_what_was_running_hold_no_control_characters(bench: Bench) {
    let mut spec = limited(
        &bench,
        "printf '\\033[2Jx' > /proc/self/comm; echo begun; while :; do :; done",
        &Limits::default(),
    );
    spec.limits.timeout = Some(Duration::from_millis(300));
    spec.grace = Duration::from_millis(50);
    let outcome = bench.run(spec).await;
    let running = vec!["[2Jx".to_owned()];
    assert_eq!(outcome.exit, Exit::TimedOut { running });
}

/// A limit that somebody else enforces is none of ours to tell.
pub(crate) async fn a_sigkill_from_elsewhere_is_a_signal(bench: Bench) {
    let outcome = bench.run(limited(&bench, "kill -KILL $$", &MEMORY)).await;
    assert_eq!(outcome.exit, Exit::Signal(9));
}

pub(crate) async fn a_command_cannot_lift_its_limits(bench: Bench) {
    let script = "for file in $(find /sys/fs/cgroup -name memory.max -o -name memory.limit_in_bytes -o -name pids.max 2>/dev/null); do \
                    (echo 9999999999 > $file) 2>/dev/null && echo $file; \
                  done; \
                  (ulimit -d unlimited; ulimit -u unlimited; echo 4194304 > /proc/sys/kernel/pid_max) 2>/dev/null; exec 2>&1; ";
    let script = format!("{script} {EATER}");
    let outcome = bench.run(limited(&bench, &script, &MEMORY)).await;
    assert_ne!(outcome.stdout, "0\n", "{outcome:?}");
    let lifted = outcome.stdout.lines().filter(|line| line.starts_with('/'));
    assert_eq!(lifted.count(), 0, "{outcome:?}");
}

/// Our groups that are there, of one engine.
fn groups(pid: u32) -> Vec<PathBuf> {
    let prefix = format!("pipeline-{pid}-");
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = todo.pop() {
        let Ok(entries) = std::fs::read_dir(directory) else {
            continue;
        };
        for entry in entries.flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with(&prefix))
            {
                found.push(entry.path());
            }
            todo.push(entry.path());
        }
    }
    found
}

/// The engine of [`groups_are_removed_after_each_execution_and_by_the_next_run_after_a_kill`]: runs something with limits, again and
/// again, and is killed.
pub(crate) fn victim(mode: &str) -> ! {
    let (mode, privilege) = crate::support::modes()
        .into_iter()
        .find(|(name, _)| *name == mode)
        .unwrap();
    let bench = Bench::new(mode, privilege);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let both = Limits {
        pids: PIDS.pids,
        ..MEMORY
    };
    runtime.block_on(async { bench.run(limited(&bench, "sleep 1000", &both)).await });
    unreachable!("the engine was to be killed")
}

pub(crate) async fn groups_are_removed_after_each_execution_and_by_the_next_run_after_a_kill(
    bench: Bench,
) {
    let both = Limits {
        pids: PIDS.pids,
        ..MEMORY
    };
    if !in_group(&bench, &both) {
        return;
    }
    let mut engine = Command::new(std::env::current_exe().unwrap())
        .args(["--victim-of-limits", bench.mode])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = engine.id();
    // One after another: a group is first made, then filled.
    let filled = || {
        let groups = groups(pid);
        !groups.is_empty() && groups.iter().all(|group| is_filled(group))
    };
    crate::lifecycle::wait_until(filled).await;
    engine.kill().unwrap();
    engine.wait().unwrap();
    let left = groups(pid);
    assert!(!left.is_empty(), "nobody was there to remove them");
    crate::lifecycle::wait_until(|| !left.iter().any(|group| is_filled(group))).await;
    let next = Sandbox::new(bench.sandbox.privilege().clone());
    next.enforcement();
    assert_eq!(groups(pid), [] as [PathBuf; 0]);
}

fn is_filled(group: &Path) -> bool {
    std::fs::read_to_string(group.join("cgroup.procs")).is_ok_and(|processes| !processes.is_empty())
}
