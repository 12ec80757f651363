//! Builds that are stopped or killed: nothing they started goes on, and the next build succeeds (C6).

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

use crate::project::{Project, Ran, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("an_interrupted_build_ends_what_cargo_started", || {
            stopped(Signal::INT, 130)
        }),
        test("a_terminated_build_ends_what_cargo_started", || {
            stopped(Signal::TERM, 130)
        }),
        test("after_a_kill_the_next_build_succeeds_c6", killed),
    ]
}

/// A build script that says who it is and waits until it may go on.
const SLOW: &str = r#"
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    std::fs::write(format!("{dir}/../../pid"), std::process::id().to_string()).unwrap();
    while !std::path::Path::new(&format!("{dir}/../../go")).exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
"#;

fn slow() -> Project {
    let project = Project::new();
    project.program("web", "fn main() {}\n", "");
    project.write("services/web/build.rs", SLOW);
    project
}

/// A build that is in the middle of its work, and the process that does it.
fn begin(project: &Project) -> (Child, String) {
    let mut command = project.command(&["build"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = project.root.join("pid");
    until("the build script has begun", || {
        std::fs::read_to_string(&pid).is_ok_and(|text| !text.is_empty())
    });
    (child, project.read("pid"))
}

fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "not in a minute: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Whether a process runs; one that nobody has waited for does not.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn stopped(signal: Signal, code: i32) {
    let project = slow();
    let (child, worker) = begin(&project);
    send(&child, signal);
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.failed(code, &["interrupted"]);
    until("the build script has ended", || !is_running(&worker));
    project.write("go", "");
    project.build(&[]);
}

fn killed() {
    let project = slow();
    let (mut child, worker) = begin(&project);
    send(&child, Signal::KILL);
    child.wait().unwrap();
    // Nobody could tell cargo; it ends by itself, and the next build waits for it.
    project.write("go", "");
    project.build(&[]);
    until("the build script has ended", || !is_running(&worker));
    assert!(!project.digest("web").is_empty());
}
