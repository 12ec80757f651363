//! What `--progress json` tells, and acting on a run at a moment that does not depend on how fast the machine is.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

/// All events of a run, from its standard error.
#[track_caller]
pub(crate) fn events(stderr: &str) -> Vec<Value> {
    let event =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    stderr.lines().map(event).collect()
}

/// Names of the steps that ended in `outcome`.
pub(crate) fn steps(events: &[Value], outcome: &str) -> Vec<String> {
    let step_of = |step: &Value| {
        let started = |event: &&Value| event["event"] == "started" && &event["step"] == step;
        let step = events.iter().find(started).unwrap();
        format!(
            "{} {}",
            step["group"].as_str().unwrap(),
            step["name"].as_str().unwrap()
        )
    };
    let ended = events
        .iter()
        .filter(|event| event["event"] == "finished" && event["outcome"] == outcome);
    ended.map(|event| step_of(&event["step"])).collect()
}

/// A run whose events are read one by one.
pub(crate) struct Watched {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    seen: usize,
}

impl Watched {
    /// Starts, in a process group of its own.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .args(["--progress", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self {
            child,
            lines,
            seen: 0,
        }
    }

    /// Waits until there were so many events in all; whether it came to that.
    pub(crate) fn reaches(&mut self, count: usize) -> bool {
        while self.seen < count {
            if self.next().is_none() {
                return false;
            }
        }
        true
    }

    /// Waits for an event that contains `mark`.
    #[track_caller]
    pub(crate) fn comes_to(&mut self, mark: &str) {
        let mut all = Vec::new();
        while let Some(line) = self.next() {
            if line.contains(mark) {
                return;
            }
            all.push(line);
        }
        panic!("`{mark}` never came:\n{}", all.join("\n"));
    }

    fn next(&mut self) -> Option<String> {
        let line = self.lines.next()?.ok()?;
        self.seen += 1;
        Some(line)
    }

    /// Kills the process, and nothing but it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sends a signal to all its children too, as a terminal does.
    pub(crate) fn signal_group(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Reads all events that are left; how many there were in all, how it ended, and how long that took from now.
    pub(crate) fn finish(mut self) -> (usize, ExitStatus, Duration) {
        let now = Instant::now();
        while self.next().is_some() {}
        let status = self.child.wait().unwrap();
        (self.seen, status, now.elapsed())
    }
}
