//! Runs cargo: output goes into a step as it comes, and nothing it started outlives the run.

use std::io;
use std::process::{ExitStatus, Stdio};

use ci_engine::progress::{Step, Stream};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// All of its standard output.
    pub(super) stdout: Vec<u8>,
    /// All of its standard error.
    pub(super) stderr: Vec<u8>,
    /// Whether `stderr` was shown already.
    pub(super) is_shown: bool,
}

/// What is held back of an error output, so that an attempt that fails early and is repeated leaves no trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Nothing.
    Nothing,
    /// Everything until cargo has begun to work.
    UntilWork,
}

/// What cargo prints once it knows what to do.
const WORK: [&[u8]; 4] = [b"Compiling", b"Finished", b"Blocking", b"Fresh"];

/// Runs `command` in a process group of its own, which is killed when this future is dropped.
pub(super) async fn run(command: Command, step: &Step, hold: Hold) -> io::Result<Ended> {
    let (mut child, mut group) = spawn(command)?;
    let out = child.stdout.take();
    let err = child.stderr.take();
    let (stdout, (stderr, is_shown), status) =
        tokio::join!(collect(out), show(err, step, hold), child.wait());
    group.disarm();
    Ok(Ended {
        status: status?,
        stdout: stdout?,
        stderr,
        is_shown,
    })
}

/// Like [`run`], with both outputs shown as they come and neither kept.
pub(super) async fn run_shown(command: Command, step: &Step) -> io::Result<ExitStatus> {
    let (mut child, mut group) = spawn(command)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (status, (), ()) = tokio::join!(
        child.wait(),
        pass(out, step, Stream::Stdout),
        pass(err, step, Stream::Stderr)
    );
    group.disarm();
    status
}

async fn pass(pipe: Option<impl AsyncRead + Unpin>, step: &Step, stream: Stream) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        step.output(stream, &buffer[..count]);
    }
}

fn spawn(mut command: Command) -> io::Result<(Child, Group)> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let group = Group::of(child.id());
    Ok((child, group))
}

/// Kills a process group when dropped, and also when this process is killed.
struct Group {
    id: Option<Pid>,
    _guard: Option<Child>,
}

/// Its input ends when the process at the other end does, however that came.
const GUARD: &str = "read -r _ || kill -s KILL -- \"-$1\"";

impl Group {
    fn of(id: Option<u32>) -> Self {
        let id = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Self {
            id,
            // Without a shell, cargo ends when it is done.
            _guard: id.and_then(|id| guard(id).ok()),
        }
    }

    /// The group has ended; its number may be another's by now.
    fn disarm(&mut self) {
        self.id = None;
    }
}

/// A process that outlives this one, but not for long. A signal sent to all of our own group does not reach it.
fn guard(group: Pid) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", GUARD, "sh"])
        .arg(group.as_raw_nonzero().to_string())
        .current_dir("/")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.id {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn collect(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

async fn show(pipe: Option<impl AsyncRead + Unpin>, step: &Step, hold: Hold) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let mut is_shown = hold == Hold::Nothing;
    let Some(mut pipe) = pipe else {
        return (all, is_shown);
    };
    let mut buffer = vec![0; 16 * 1024];
    // A pipe that breaks has ended.
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let chunk = &buffer[..count];
        all.extend_from_slice(chunk);
        if is_shown {
            step.output(Stream::Stderr, chunk);
        } else if WORK.iter().any(|word| contains(&all, word)) {
            is_shown = true;
            step.output(Stream::Stderr, &all);
        }
    }
    (all, is_shown)
}

/// Whether `needle` is in `bytes`.
pub(super) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ci_engine::Progress;
    use ci_engine::progress::EventKind;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    fn step() -> (Step, Arc<Mutex<Vec<u8>>>) {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sink = shown.clone();
        let progress = Progress::new(move |event| {
            if let EventKind::Output { bytes, .. } = event.kind {
                sink.lock().unwrap().extend(bytes);
            }
        });
        (progress.start(&Arc::from("web"), "cargo", None), shown)
    }

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn output_is_shown_as_it_comes_or_held_until_there_is_work() {
        let (it, shown) = step();
        let ended = run(sh("echo a >&2; echo b; exit 3"), &it, Hold::Nothing)
            .await
            .unwrap();
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(
            (ended.stdout, ended.stderr),
            (b"b\n".to_vec(), b"a\n".to_vec())
        );
        assert_eq!(*shown.lock().unwrap(), b"a\n");

        let (it, shown) = step();
        let ended = run(sh("echo error >&2; exit 1"), &it, Hold::UntilWork)
            .await
            .unwrap();
        assert!(!ended.is_shown);
        assert!(shown.lock().unwrap().is_empty());

        let (it, shown) = step();
        let ended = run(sh("echo w >&2; echo Compiling >&2"), &it, Hold::UntilWork)
            .await
            .unwrap();
        assert!(ended.is_shown);
        assert_eq!(*shown.lock().unwrap(), b"w\nCompiling\n");
    }

    #[tokio::test]
    async fn both_outputs_can_be_shown_as_they_come() {
        let (it, shown) = step();
        let status = run_shown(sh("echo a; echo b >&2; exit 3"), &it)
            .await
            .unwrap();
        assert_eq!(status.code(), Some(3));
        let mut shown = shown.lock().unwrap().clone();
        shown.sort_unstable();
        assert_eq!(shown, b"\n\nab");
    }

    /// E12, and interruption: what cargo started ends with it.
    #[tokio::test]
    async fn what_was_started_ends_when_the_run_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!(
            "sh -c 'echo $$ > {0}; exec sleep 100' & wait",
            file.display()
        );
        let (it, _) = step();
        let running = run(sh(&script), &it, Hold::Nothing);
        let _ = tokio::time::timeout(Duration::from_millis(500), running).await;
        let pid = std::fs::read_to_string(&file).unwrap();
        let state = format!("/proc/{}/stat", pid.trim());
        for _ in 0..100 {
            // Until somebody has waited for it, a process that ended is a zombie.
            match std::fs::read_to_string(&state) {
                Ok(stat) if !stat.contains(") Z ") => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                _ => return,
            }
        }
        panic!("{} is still running", pid.trim());
    }
}
