//! Runs whole pipelines as processes of their own: this test program starts itself again as one (see [`program`]).
//!
//! No engine is needed: a Dagger session is only connected to when it is asked something, which these stages do not.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ci_engine::progress::{Outcome, Stream};
use ci_sandbox::{Probe, Status};
use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::pipeline::Pipeline;

const PROGRAM: &str = "PIPELINE_TEST_ARGS";

/// What a stage prints to say that it is there.
const READY: &str = "here I am";

/// A stage that behaves as badly as its argument says.
#[derive(clap::Parser)]
#[command(name = "act", after_help = "Examples:\n  {bin} act wait")]
struct Act {
    how: String,
}

async fn act(ctx: Context, args: Act) -> eyre::Result<String> {
    let step = ctx.progress().start(&Arc::from("web"), "RUN act", None);
    step.output(Stream::Stdout, format!("{READY}\n").as_bytes());
    match args.how.as_str() {
        "wait" => std::future::pending().await,
        "block" => loop {
            std::thread::sleep(Duration::from_secs(60));
        },
        "panic" => panic!("a defect"),
        "fail" => {
            step.finish(Outcome::Failed("exit code: 7".into()));
            Err(UserError::new(Exit::Failed, "web was not built")
                .hint("read on")
                .into())
        }
        _ => {
            step.finish(Outcome::Done);
            Ok("result\n".into())
        }
    }
}

/// Not a test: the pipeline that the tests below start.
#[test]
#[ignore = "started by the other tests"]
#[expect(clippy::exit, reason = "the code is what the others look at")]
fn program() {
    let Ok(args) = std::env::var(PROGRAM) else {
        return;
    };
    let args = format!("pipeline {args}");
    let args = args.split(' ').map(Into::into).collect::<Vec<_>>();
    std::process::exit(Pipeline::new().command(act).guarded(&args) as i32)
}

fn project() -> tempfile::TempDir {
    let project = tempfile::tempdir().unwrap();
    let catalog =
        "[project]\nname = \"shop\"\nregistry = \"registry.example.com/acme\"\nservices = []\n";
    std::fs::write(project.path().join("pipeline.toml"), catalog).unwrap();
    project
}

fn pipeline(args: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["run::tests::program", "--exact", "--ignored", "--nocapture"])
        .current_dir(directory)
        .env(PROGRAM, args)
        .env("DAGGER_SESSION_PORT", "1")
        .env("DAGGER_SESSION_TOKEN", "t")
        .env("PIPELINE_CACHE_DIR", directory.join("cache"))
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .env_remove(LOG)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(args: &str) -> Output {
    let project = project();
    pipeline(args, project.path()).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Reads until the stage has said [`READY`].
fn until_ready(from: &mut impl Read) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&seen).contains(READY) {
        assert_eq!(
            from.read(&mut byte).unwrap(),
            1,
            "{}",
            String::from_utf8_lossy(&seen)
        );
        seen.push(byte[0]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Sends the signals, 200 ms apart, to a run that has begun; its exit code, how long it took to stop, and its errors.
fn interrupted(how: &str, signals: &[Signal]) -> (Option<i32>, Duration, String) {
    let project = project();
    let mut child = pipeline(&format!("act {how} --progress plain"), project.path())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut text = until_ready(&mut stderr);
    let began = Instant::now();
    for (i, signal) in signals.iter().enumerate() {
        if i > 0 {
            std::thread::sleep(Duration::from_millis(200));
        }
        send(&child, *signal);
    }
    let status = child.wait().unwrap();
    let took = began.elapsed();
    assert_eq!(status.signal(), None);
    stderr.read_to_string(&mut text).unwrap();
    (status.code(), took, text)
}

#[test]
fn a_stage_prints_its_result_on_standard_output_and_progress_on_standard_error() {
    let output = run("act well --progress plain");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("result\n"));
    assert!(errors(&output).starts_with("#web here I am\nweb  RUN act  0."));
}

#[test]
fn a_failed_stage_repeats_its_step_and_ends_with_error_and_hint() {
    let output = run("act fail --progress quiet");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(errors(&output), @r"
    failed: web  RUN act: exit code: 7
      what it printed:
      | here I am

    error: web was not built
    hint: read on
    ");
}

#[test]
fn json_progress_is_json_to_the_last_line() {
    let output = run("act fail --progress json");
    assert_eq!(output.status.code(), Some(1));
    let lines = errors(&output)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .collect::<Vec<_>>();
    assert_eq!(lines.last().unwrap()["event"], "error");
    assert_eq!(lines.last().unwrap()["exit"], 1);
}

#[test]
fn wrong_use_exits_with_2_and_help_with_0() {
    for (args, code) in [
        ("biuld", 2),
        ("build -j 0", 2),
        ("build --help", 0),
        ("--version", 0),
    ] {
        assert_eq!(run(args).status.code(), Some(code), "{args}");
    }
}

#[test]
fn a_panic_is_our_fault_and_not_that_of_the_work() {
    let output = run("act panic --progress quiet");
    assert_eq!(output.status.code(), Some(4));
    assert!(errors(&output).contains("a defect\n"));
    assert!(errors(&output).contains("hint: please report it"));
}

#[test]
fn a_catalog_that_is_not_there_or_broken_is_wrong_use() {
    let project = project();
    std::fs::write(project.path().join("pipeline.toml"), "nonsense").unwrap();
    let output = pipeline("act well", project.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        errors(&output).contains("pipeline.toml:1:"),
        "{}",
        errors(&output)
    );
    std::fs::remove_file(project.path().join("pipeline.toml")).unwrap();
    assert_eq!(
        pipeline("act well", project.path())
            .output()
            .unwrap()
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn the_first_signal_stops_a_run_in_good_order() {
    for signal in [Signal::INT, Signal::TERM] {
        let (code, took, text) = interrupted("wait", &[signal]);
        assert_eq!(code, Some(130), "{text}");
        // Well before the run would be ended by force.
        assert!(took < Duration::from_millis(1500), "{took:?}");
        assert!(text.contains("web  RUN act  canceled  "), "{text}");
        assert!(text.ends_with("error: interrupted\n"), "{text}");
    }
}

#[test]
fn a_run_that_does_not_stop_is_ended_within_two_seconds() {
    let (code, took, _) = interrupted("block", &[Signal::INT]);
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn the_second_signal_ends_a_run_at_once() {
    let (code, took, _) = interrupted("block", &[Signal::INT, Signal::INT]);
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

/// A new terminal: what a user sees, and what a program takes for one.
fn terminal() -> (std::fs::File, OwnedFd) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&user).unwrap();
    unlockpt(&user).unwrap();
    let name = ptsname(&user, Vec::new()).unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let program = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).unwrap();
    (user.into(), program)
}

#[test]
fn the_cursor_is_there_again_after_every_kind_of_end() {
    for (how, signals, code) in [
        ("well", 0, 0),
        ("panic", 0, 4),
        ("wait", 1, 130),
        ("block", 2, 130),
    ] {
        let project = project();
        let (mut user, program) = terminal();
        let mut child = pipeline(&format!("act {how}"), project.path())
            .stderr(program)
            .spawn()
            .unwrap();
        let mut text = if signals > 0 {
            until_ready(&mut user)
        } else {
            String::new()
        };
        for _ in 0..signals {
            send(&child, Signal::INT);
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(child.wait().unwrap().code(), Some(code), "{how}");
        // A terminal whose program side is closed gives an error instead of an end.
        let mut rest = Vec::new();
        let _ = user.read_to_end(&mut rest);
        text += &String::from_utf8_lossy(&rest);
        let hidden = text.rfind("\x1b[?25l");
        assert!(
            how == "well" || how == "panic" || hidden.is_some(),
            "{how}: {text:?}"
        );
        assert!(
            hidden < text.rfind("\x1b[?25h") || hidden.is_none(),
            "{how}: {text:?}"
        );
    }
}

#[tokio::test]
async fn a_canceled_run_stops_its_work_and_exits_with_130() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = unless::<()>(&cancel, std::future::pending())
        .await
        .unwrap_err();
    assert_eq!(Failure::of(&error).exit(), Exit::Interrupted);
}

#[tokio::test]
async fn work_that_ends_by_itself_keeps_its_result() {
    assert_eq!(
        unless(&CancellationToken::new(), async { Ok(7) })
            .await
            .unwrap(),
        7
    );
}

#[test]
fn a_machine_that_cannot_build_is_blamed_before_the_work() {
    let machine = |status| {
        vec![Probe {
            name: "user namespaces",
            status,
            found: String::new(),
            fix: None,
        }]
    };
    let blamed =
        |error: eyre::Report, status| blame(Err(error), || machine(status)).unwrap().failures;
    let failures = blamed(eyre::eyre!("no namespace"), Status::Missing);
    assert_eq!(Failure::of(&failures[0]).exit(), Exit::Machine);
    assert_eq!(failures[1].to_string(), "no namespace");
    assert_eq!(blamed(eyre::eyre!("exit code: 2"), Status::Warn).len(), 1);
    let usage = || UserError::new(Exit::Usage, "no such service").into();
    assert_eq!(blamed(usage(), Status::Missing).len(), 1);
}
