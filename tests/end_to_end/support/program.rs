//! Running the program: in an environment of nothing but what is given, never longer than a deadline.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Longer than anything takes, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(120);

/// A program that ended holds no pipes; what it started must not either.
const HOLDING_ON: Duration = Duration::from_secs(5);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A run that goes on.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    line: String,
}

/// Runs to the end.
pub(crate) fn run(command: &mut Command) -> Outcome {
    start(command).finish()
}

/// Starts, in a process group of its own as a shell does it.
pub(crate) fn start(command: &mut Command) -> Running {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let line = format!("{command:?}");
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    Running {
        stdout: collect(child.stdout.take().unwrap()),
        stderr: collect(child.stderr.take().unwrap()),
        started: Instant::now(),
        child,
        line,
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

impl Running {
    /// The process, which leads its group.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Outcome {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.started.elapsed() > DEADLINE {
                let _ =
                    rustix::process::kill_process_group(self.pid(), rustix::process::Signal::KILL);
                let stderr = text(&self.stderr).unwrap_or_default();
                panic!("hangs: {}\n{stderr}", self.line);
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let held = || format!("something still holds the output of {}", self.line);
        Outcome {
            status,
            stdout: text(&self.stdout).unwrap_or_else(|| panic!("{}", held())),
            stderr: text(&self.stderr).unwrap_or_else(|| panic!("{}", held())),
        }
    }
}

fn text(pipe: &Receiver<Vec<u8>>) -> Option<String> {
    let bytes = pipe.recv_timeout(HOLDING_ON).ok()?;
    Some(String::from_utf8(bytes).expect("the program prints UTF-8"))
}

impl Outcome {
    /// What it printed, after it succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.exited(0)
    }

    /// What it printed, after it ended with this exit code.
    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Self {
        assert!(
            self.status.code() == Some(code),
            "exit code {code} expected, got {:?} (signal {:?})\n{}\n{}",
            self.status.code(),
            self.status.signal(),
            self.stdout,
            self.stderr
        );
        self
    }
}
