//! Other programs: run to their end, or served by for a while.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eyre::WrapErr;
use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a program that must succeed. What it prints goes to a file, of which the end is told when it fails.
pub(crate) fn run(command: &mut Command, log: &Path) -> eyre::Result<()> {
    let program = command.get_program().display().to_string();
    let out = File::create(log)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .status()
        .wrap_err_with(|| format!("cannot start {program}"))?;
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
    let lines: Vec<_> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(20)..].join("\n");
    Err(eyre::eyre!("{program}: {status}\n{end}"))
}

/// What a program that must succeed prints.
pub(crate) fn output(command: &mut Command) -> eyre::Result<String> {
    let program = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .wrap_err_with(|| format!("cannot start {program}"))?;
    eyre::ensure!(output.status.success(), "{program}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The path of a program that may not be installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}

/// A program that serves until this is dropped.
#[derive(Debug)]
pub(crate) struct Server(Child);

impl Server {
    /// Starts a program and waits until `ready` says that it answers.
    pub(crate) fn start(
        command: &mut Command,
        log: &Path,
        ready: impl Fn() -> bool,
    ) -> eyre::Result<Self> {
        let program = command.get_program().display().to_string();
        let out = File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .wrap_err_with(|| format!("cannot start {program}"))?;
        let mut server = Self(child);
        let began = Instant::now();
        while !ready() {
            if let Some(status) = server.0.try_wait()? {
                let text = std::fs::read_to_string(log)?;
                return Err(eyre::eyre!("{program}: {status}\n{text}"));
            }
            eyre::ensure!(began.elapsed() < PATIENCE, "{program} does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked, not killed: it unmounts what it has mounted.
        let pid = i32::try_from(self.0.id()).ok();
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // One that is gone already needs no signal.
            let _ = kill_process(pid, Signal::TERM);
        }
        drop(self.0.wait());
    }
}
