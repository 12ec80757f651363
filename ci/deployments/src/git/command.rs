//! Running git with nothing of a repository's or an environment's say in it (P1, P2).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{Address, Credential, GitError};
use crate::foreign::printable;

/// No call takes longer: a server that says nothing does not hold a pipeline for ever.
const PATIENCE: Duration = Duration::from_secs(600);
/// Most that a call may answer, in bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// Most that is kept of what a call complains, in bytes.
const MAX_COMPLAINT: u64 = 16 << 10;

/// What would run programs, depend on the machine, or reach further than the one repository.
const CONFIG: [(&str, &str); 18] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("init.templateDir", ""),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("submodule.recurse", "false"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("protocol.version", "2"),
    // A redirect would take the credentials along; a repository that has moved is declared anew.
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
    ("advice.detachedHead", "false"),
];

/// Git, for one repository.
#[derive(Debug, Clone)]
pub(super) struct Git {
    dir: PathBuf,
    address: Address,
    config: Vec<(String, String)>,
    /// Whether what the user configured counts: without credentials of ours, theirs are wanted.
    with_user: bool,
}

/// What a call ended with.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) success: bool,
    pub(super) stdout: Vec<u8>,
    /// Safe to print.
    pub(super) complaint: String,
}

impl Git {
    pub(super) fn new(dir: &Path, address: &Address, credential: Option<&Credential>) -> Self {
        let mut config: Vec<(String, String)> = CONFIG
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        // In no list of arguments, where an address could be an option and a token be seen (P1, S1).
        config.push(("remote.origin.url".into(), address.text().into()));
        config.push(("remote.origin.promisor".into(), "true".into()));
        config.push((
            "remote.origin.partialCloneFilter".into(),
            "blob:none".into(),
        ));
        if let (Some(credential), Some(origin)) = (credential, address.origin()) {
            let pair = format!("{}:{}", credential.user, credential.secret);
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            config.push(("credential.helper".into(), String::new()));
            config.push((
                format!("http.{origin}.extraHeader"),
                format!("Authorization: Basic {pair}"),
            ));
        }
        Self {
            dir: dir.to_owned(),
            address: address.clone(),
            config,
            with_user: credential.is_none(),
        }
    }

    /// The same with one more setting.
    pub(super) fn with(&self, key: &str, value: &str) -> Self {
        let mut git = self.clone();
        git.config.push((key.to_owned(), value.to_owned()));
        git
    }

    /// Runs a command; its answer must be success.
    pub(super) async fn run(
        &self,
        name: &'static str,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<Vec<u8>, GitError> {
        let answer = self.answer(name, arguments, input).await?;
        match answer.success {
            true => Ok(answer.stdout),
            false => Err(self.failed(name, answer.complaint)),
        }
    }

    /// Runs a command, whatever it ends with.
    pub(super) async fn answer(
        &self,
        name: &'static str,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<Answer, GitError> {
        let mut command = self.command();
        let mut child = command
            .arg(name)
            .args(arguments)
            .spawn()
            .map_err(GitError::Start)?;
        let mut group = Group(child.id());
        let exchange = tokio::time::timeout(PATIENCE, exchange(&mut child, input)).await;
        if exchange.is_ok() {
            group.0 = None;
        }
        match exchange {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(name, error.to_string())),
            Err(_) => Err(self.failed(name, format!("no end after {} s", PATIENCE.as_secs()))),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn failed(&self, command: &'static str, message: String) -> GitError {
        GitError::Failed {
            command,
            address: self.address.to_string(),
            message,
        }
    }

    pub(super) fn unreadable(&self, command: &'static str) -> GitError {
        GitError::Answer {
            command,
            address: self.address.to_string(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        // Of what git reads of the environment, only what people set themselves stays: the rest comes from a hook or another git.
        const OF_PEOPLE: [&str; 6] = [
            "GIT_SSH",
            "GIT_SSH_COMMAND",
            "GIT_SSH_VARIANT",
            "GIT_CONFIG_GLOBAL",
            "GIT_CONFIG_SYSTEM",
            "GIT_CONFIG_NOSYSTEM",
        ];
        for (name, _) in std::env::vars_os() {
            let is_git = name.as_encoded_bytes().starts_with(b"GIT_");
            if is_git && OF_PEOPLE.iter().all(|it| name != OsStr::new(it)) {
                command.env_remove(name);
            }
        }
        command
            .env("GIT_DIR", &self.dir)
            .env("GIT_ALLOW_PROTOCOL", self.address.protocol())
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if std::env::var_os("GIT_SSH_COMMAND").is_none() && std::env::var_os("GIT_SSH").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        if !self.with_user {
            command.env("GIT_CONFIG_NOSYSTEM", "1");
            command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        }
        command.env("GIT_CONFIG_COUNT", self.config.len().to_string());
        for (number, (key, value)) in self.config.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command
    }
}

/// Sends the input and reads both outputs to their ends.
async fn exchange(child: &mut Child, input: &[u8]) -> std::io::Result<Answer> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let send = async {
        if let Some(mut stdin) = stdin {
            // Who ends before reading everything says why elsewhere.
            let _ = stdin.write_all(input).await;
        }
    };
    let (_, stdout, stderr) =
        tokio::join!(send, read(stdout, MAX_ANSWER), read(stderr, MAX_COMPLAINT));
    let (stdout, stderr) = (stdout?, stderr?);
    let status = child.wait().await?;
    if stdout.len() as u64 > MAX_ANSWER {
        return Err(std::io::Error::other("it answers more than can be right"));
    }
    let complaint = complaint(&String::from_utf8_lossy(&stderr));
    Ok(Answer {
        success: status.success(),
        stdout,
        complaint: match complaint.is_empty() {
            true => status.to_string(),
            false => complaint,
        },
    })
}

/// A pipe to its end, of which `most` bytes and one are kept.
async fn read(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(most + 1).read_to_end(&mut bytes).await?;
        // The rest is not kept, but must not stop who writes it.
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

/// What git and the server said, on one line; of progress nothing.
fn complaint(text: &str) -> String {
    let lines: Vec<String> = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("To "))
        .map(|line| printable(line).chars().take(500).collect())
        .collect();
    let from = lines.len().saturating_sub(8);
    lines[from..].join("; ")
}

/// Ends the helpers of a git that is given up: they outlive it otherwise.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}
