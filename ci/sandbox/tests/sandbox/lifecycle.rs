//! Beginnings and ends: signals, what is left behind, and the end of the engine itself.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ci_sandbox::Exit;
use tokio::io::AsyncReadExt;

use crate::support::{Bench, modes};

pub(crate) async fn e12_a_background_process_does_not_hold_the_output(bench: Bench) {
    let begin = Instant::now();
    let output = bench
        .output("sleep 1000 & (setsid sleep 1000 &); echo done")
        .await;
    assert_eq!(output, "done\n");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

pub(crate) async fn orphans_are_reaped(bench: Bench) {
    let output = bench
        .output("for i in 1 2 3 4 5; do (true &) ; done; sleep 0.3; echo /proc/[0-9]*")
        .await;
    assert_eq!(
        output, "/proc/1 /proc/2\n",
        "the init and the shell are all there should be"
    );
}

pub(crate) async fn a_signal_reaches_the_command(bench: Bench) {
    let spec =
        bench.script("trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    let mut child = bench.sandbox.spawn(spec).await.unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut ready = [0; 6];
    stdout.read_exact(&mut ready).await.unwrap();
    child.signal(15).unwrap();
    assert_eq!(child.wait().await.unwrap(), Exit::Code(3));
    assert_eq!(
        child.wait().await.unwrap(),
        Exit::Code(3),
        "it can be asked again"
    );
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "got it\n");
}

pub(crate) async fn e12_what_ignores_sigterm_is_killed_after_the_grace(bench: Bench) {
    let script = "trap '' TERM; echo ready; sleep 1000; sleep 1000";
    let mut child = bench.sandbox.spawn(bench.script(script)).await.unwrap();
    child
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut [0; 6])
        .await
        .unwrap();
    let begin = Instant::now();
    assert_eq!(
        child.stop(15, Duration::from_millis(200)).await.unwrap(),
        Exit::Signal(9)
    );
    assert!((Duration::from_millis(190)..Duration::from_secs(5)).contains(&begin.elapsed()));
}

pub(crate) async fn a_kill_ends_everything(bench: Bench) {
    let marker = marker(1);
    let child = bench
        .sandbox
        .spawn(bench.script(&format!("sleep {marker} & sleep {marker}")))
        .await
        .unwrap();
    wait_until(|| running(&marker) >= 2).await;
    child.kill();
    assert_eq!(child.wait().await.unwrap(), Exit::Signal(9));
    assert_eq!(running(&marker), 0, "all is gone when wait returns");
}

pub(crate) async fn dropping_it_kills_it(bench: Bench) {
    let marker = marker(2);
    let child = bench
        .sandbox
        .spawn(bench.spec(["sleep", &marker]))
        .await
        .unwrap();
    wait_until(|| running(&marker) == 1).await;
    drop(child);
    wait_until(|| running(&marker) == 0).await;
}

pub(crate) async fn a_dropped_start_leaves_nothing(bench: Bench) {
    let marker = marker(3);
    for _ in 0..10 {
        let start = bench.sandbox.spawn(bench.spec(["sleep", &marker]));
        let _ = tokio::time::timeout(Duration::from_millis(2), start).await;
    }
    wait_until(|| running(&marker) == 0).await;
}

pub(crate) async fn many_run_at_once(bench: Bench) {
    let runs = (0..8).map(|number| {
        for kind in ["upper", "work"] {
            fs::create_dir(bench.path(&format!("{kind}-{number}"))).unwrap();
        }
        let mut spec = bench.script(&format!("echo {number} > /tmp/n; sleep 0.1; cat /tmp/n"));
        spec.root.changes = ci_sandbox::Changes::Keep {
            upper: bench.path(&format!("upper-{number}")),
            work: bench.path(&format!("work-{number}")),
        };
        (number, bench.succeed(spec))
    });
    for (number, run) in runs {
        assert_eq!(run.await, format!("{number}\n"));
    }
}

/// The engine of [`c6_sigkill_of_the_engine_ends_its_executions`]: starts a command and waits to be killed.
pub(crate) fn victim(mode: &str, marker: &str) -> ! {
    let (mode, privilege) = modes().into_iter().find(|(name, _)| *name == mode).unwrap();
    let bench = Bench::new(mode, privilege);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let child = bench
            .sandbox
            .spawn(bench.script(&format!("sleep {marker} & sleep {marker}")))
            .await
            .unwrap();
        println!("{}", bench.path("").display());
        child.wait().await.unwrap();
    });
    unreachable!("the engine was to be killed")
}

pub(crate) async fn c6_sigkill_of_the_engine_ends_its_executions(bench: Bench) {
    let marker = marker(4);
    let mut engine = Command::new(std::env::current_exe().unwrap())
        .args(["--victim", bench.mode, &marker])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut place = String::new();
    BufReader::new(engine.stdout.as_mut().unwrap())
        .read_line(&mut place)
        .unwrap();
    wait_until(|| running(&marker) >= 2).await;
    engine.kill().unwrap();
    engine.wait().unwrap();
    wait_until(|| running(&marker) == 0).await;
    // Nothing is mounted below: plain directories, which their owner can remove.
    wait_until(|| fs::remove_dir_all(place.trim()).is_ok()).await;
}

/// Seconds to sleep that no other process sleeps.
fn marker(test: u32) -> String {
    format!("{}.{test}{}", 86_400, std::process::id())
}

/// How many processes have this argument as their last, or in their script.
pub(crate) fn running(marker: &str) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| {
            String::from_utf8_lossy(line).starts_with("sleep\0")
                && String::from_utf8_lossy(line).contains(marker)
        })
        .count()
}

pub(crate) async fn wait_until(condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "it does not become true"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
