//! A server in a process of its own, which ends with the value. Those of `tests/tools/servers` say in a line of JSON that they answer.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::peers;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process; its log is a file. It ends with its standard input, so that it does not outlive a test that is
/// killed.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts one.
    ///
    /// # Errors
    /// It is not installed.
    #[track_caller]
    pub(crate) fn start(name: &str, arguments: &[&str], log: &Path) -> Result<Self, String> {
        let program = peers::need(name)?;
        let folder = log.parent().unwrap();
        let child = Command::new(program)
            .args(arguments)
            // No proxy, configuration or credentials of the machine's.
            .env_clear()
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(log).unwrap())
            .spawn()
            .unwrap();
        Ok(Self {
            child,
            log: log.to_owned(),
        })
    }

    /// The line in which it says that it answers, and what there is to know.
    #[track_caller]
    pub(crate) fn facts(&mut self) -> Value {
        let mut line = String::new();
        let out = self.child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}", self.end()))
    }

    /// Waits until it answers at a port. It may not: because it has ended, or is too slow.
    #[track_caller]
    pub(crate) fn answers(&mut self, port: u16) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() && Instant::now() < deadline {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                // Not somebody else, who has the port and ended this one.
                return self.child.try_wait().unwrap().is_none();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// The end of its log.
    pub(crate) fn end(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.len().saturating_sub(20);
        format!("{} ends:\n{}", self.log.display(), lines[last..].join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that are free now, for a server that wants to be told one.
pub(crate) fn ports<const N: usize>() -> [u16; N] {
    // All at once, or they are the same.
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
