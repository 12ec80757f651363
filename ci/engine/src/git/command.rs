//! The `git` of this machine, with nothing of its user's: no configuration, hooks, attributes, prompts or helper programs.
//!
//! The address goes in by the environment as the remote `origin`, so it is in no argument list, and is never read as an option (P1).
//! Nothing a repository holds is run: there is no check-out hook, no filter, and submodules are not git's business here.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::Remote;
use super::address::Scheme;
use super::complaint::{Failure, Said};
use crate::error::{Error, Result};
use crate::progress::Step;
use crate::secret::Mask;

/// Most that git may answer, in bytes: the names of a very large repository.
const ANSWER_LIMIT: u64 = 256 << 20;

/// Variables of this process that git and its transports are given.
const PASSED: [&str; 12] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_DIR",
];

/// Configuration of every call: what decides the files is fixed, what runs programs is off.
const CONFIG: [(&str, &str); 21] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.eol", "lf"),
    ("core.symlinks", "true"),
    ("core.fileMode", "true"),
    ("core.ignoreCase", "false"),
    ("core.protectNTFS", "false"),
    ("core.compression", "6"),
    ("credential.helper", ""),
    ("protocol.version", "2"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // A transfer that all but stands still for a minute has failed.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    // One thread and no reuse, so that a packed history is the same everywhere.
    ("pack.threads", "1"),
    ("pack.writeReverseIndex", "false"),
];

/// A way to call git.
pub(super) struct Git {
    env: Vec<(OsString, OsString)>,
    config: Vec<(String, String)>,
    secrets: Vec<Arc<[u8]>>,
    /// For people: what it talks to.
    shown: String,
    scheme: Option<Scheme>,
    /// Removed with this.
    known_hosts: Option<tempfile::NamedTempFile>,
}

impl Git {
    /// Works on the repository `dir` and talks to nobody.
    pub(super) fn local(dir: &Path, shown: impl Into<String>) -> Self {
        let config = CONFIG.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut git = Self {
            env: Vec::new(),
            config: config.into(),
            secrets: Vec::new(),
            shown: shown.into(),
            scheme: None,
            known_hosts: None,
        };
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", ""),
            ("SSH_ASKPASS", ""),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_LITERAL_PATHSPECS", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            // None: whoever needs one says which.
            ("GIT_ALLOW_PROTOCOL", ""),
            ("LC_ALL", "C"),
        ] {
            git = git.env(name, value);
        }
        git.env("GIT_DIR", dir)
    }

    /// Works on the repository `dir` and talks to a remote, `origin`.
    ///
    /// # Errors
    /// When the remote needs an SSH agent and there is none.
    pub(super) fn with_remote(dir: &Path, remote: &Remote) -> Result<Self> {
        let address = &remote.address;
        let mut git = Self::local(dir, address.to_string());
        git.config("remote.origin.url", address.text());
        // No redirect leads to another transport: `https` never becomes `http` (E10).
        git = git.env("GIT_ALLOW_PROTOCOL", address.scheme().name());
        if let Some(userinfo) = address.userinfo() {
            let password = userinfo
                .split_once(':')
                .map_or(userinfo, |(_, password)| password);
            git.secrets
                .extend([userinfo, password].map(|text| Arc::from(text.as_bytes())));
        }
        if let (Some(origin), Some(header)) = (address.origin(), remote.access.header(address)) {
            // Git would show it to whoever it is redirected to, so then it goes nowhere (R1).
            git.config("http.followRedirects", "false");
            git.config(
                &format!("http.{origin}.extraHeader"),
                &format!("Authorization: {}", String::from_utf8_lossy(&header)),
            );
            git.secrets.push(header);
        }
        if let Some(roots) = std::env::var_os("SSL_CERT_FILE") {
            // In addition to the system's, as everywhere in this program.
            git = git
                .env("GIT_SSL_CAINFO", roots)
                .env("GIT_SSL_CAPATH", "/etc/ssl/certs");
        }
        if address.scheme() == Scheme::Ssh {
            git = git.with_ssh(remote)?;
        }
        git.scheme = Some(address.scheme());
        Ok(git)
    }

    /// ssh with the given agent's keys only, to known hosts only, without the user's ssh configuration.
    fn with_ssh(mut self, remote: &Remote) -> Result<Self> {
        let Some(agent) = &remote.access.agent else {
            return Err(Error::new(format!(
                "git repository {}: it is reached by SSH, and the build was given no SSH agent",
                remote.address
            )));
        };
        let mut command =
            "ssh -F /dev/null -o BatchMode=yes -o IdentityFile=none -o ConnectTimeout=30 \
             -o ServerAliveInterval=15 -o StrictHostKeyChecking=yes"
                .to_owned();
        if let Some(hosts) = &remote.access.known_hosts {
            let mut file = tempfile::NamedTempFile::new()?;
            std::io::Write::write_all(&mut file, hosts.as_bytes())?;
            command.push_str(
                r#" -o "UserKnownHostsFile=\"$PIPELINE_KNOWN_HOSTS\"" -o GlobalKnownHostsFile=/dev/null"#,
            );
            self = self.env("PIPELINE_KNOWN_HOSTS", file.path());
            self.known_hosts = Some(file);
        }
        Ok(self
            .env("SSH_AUTH_SOCK", agent)
            .env("GIT_SSH_COMMAND", command))
    }

    /// With one more variable; of two of a name, the later one counts.
    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// With one more entry of the configuration.
    pub(super) fn config(&mut self, key: &str, value: &str) {
        self.config.push((key.to_owned(), value.to_owned()));
    }

    /// Runs a command of git; what it printed. Its progress goes to `step`.
    pub(super) async fn run(
        &self,
        arguments: &[&str],
        step: Option<&Step>,
    ) -> std::result::Result<Vec<u8>, Failure> {
        let mut child = self.command(arguments).spawn().map_err(|error| {
            self.failure(match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "git is not installed on this machine, and fetching a repository needs it"
                        .to_owned()
                }
                _ => format!("git cannot be started: {error}"),
            })
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let answer = async {
            let mut answer = Vec::new();
            if let Some(stdout) = stdout {
                stdout
                    .take(ANSWER_LIMIT + 1)
                    .read_to_end(&mut answer)
                    .await?;
            }
            Ok::<_, std::io::Error>(answer)
        };
        let (answer, complaint) = tokio::join!(answer, self.listen(stderr, step));
        let answer = answer.map_err(|error| self.failure(error.to_string()))?;
        if answer.len() as u64 > ANSWER_LIMIT {
            return Err(self.failure("git answers more than can be right".to_owned()));
        }
        match child.wait().await {
            Ok(status) if status.success() => Ok(answer),
            Ok(status) => {
                let complaint = complaint.trim();
                Err(self.failure(if complaint.is_empty() {
                    format!("git {}: {status}", arguments.first().unwrap_or(&""))
                } else {
                    complaint.to_owned()
                }))
            }
            Err(error) => Err(self.failure(error.to_string())),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in PASSED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env("GIT_CONFIG_COUNT", self.config.len().to_string());
        for (number, (key, value)) in self.config.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command
    }

    /// Reads what git says of itself, reporting it; the end of its complaints, secrets masked.
    async fn listen(&self, pipe: Option<impl AsyncReadExt + Unpin>, step: Option<&Step>) -> String {
        let Some(mut pipe) = pipe else {
            return String::new();
        };
        let mut mask = Mask::new(&self.secrets);
        let mut said = Said::default();
        let mut buffer = vec![0; 8192];
        loop {
            let (text, ended) = match pipe.read(&mut buffer).await {
                Ok(0) | Err(_) => (mask.finish(), true),
                Ok(read) => (mask.push(&buffer[..read]), false),
            };
            said.hear(&text, step);
            if ended {
                return said.complaints();
            }
        }
    }

    fn failure(&self, complaint: String) -> Failure {
        Failure::new(&self.shown, self.scheme, complaint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Access, Address};
    use super::*;

    fn remote(url: &str, agent: bool, known_hosts: Option<&str>) -> Remote {
        let access = Access {
            agent: agent.then(|| "/run/agent".into()),
            known_hosts: known_hosts.map(str::to_owned),
            ..Access::default()
        };
        Remote {
            address: Address::parse(url, false).unwrap(),
            access,
        }
    }

    fn variable(command: &Command, name: &str) -> String {
        let found = command
            .as_std()
            .get_envs()
            .find(|(known, _)| *known == name);
        found.unwrap().1.unwrap().to_string_lossy().into_owned()
    }

    #[test]
    fn the_address_is_in_no_argument_and_only_its_transport_is_allowed_p1() {
        let git = Git::with_remote(
            Path::new("/m"),
            &remote("https://me:pw@host/x", false, None),
        )
        .unwrap();
        let command = git.command(&["fetch", "--", "origin"]);
        let arguments: Vec<_> = command.as_std().get_args().collect();
        assert_eq!(arguments, ["fetch", "--", "origin"]);
        assert_eq!(variable(&command, "GIT_ALLOW_PROTOCOL"), "https");
        assert_eq!(variable(&command, "GIT_CONFIG_GLOBAL"), "/dev/null");
        assert_eq!(
            variable(
                &Git::local(Path::new("/m"), "x").command(&[]),
                "GIT_ALLOW_PROTOCOL"
            ),
            ""
        );
    }

    #[test]
    fn ssh_has_the_agent_and_nothing_of_the_users() {
        let url = "git@host:x";
        let git = Git::with_remote(
            Path::new("/m"),
            &remote(url, true, Some("host ssh-ed25519 AAAA")),
        )
        .unwrap();
        let command = git.command(&[]);
        let ssh = variable(&command, "GIT_SSH_COMMAND");
        for option in [
            "-F /dev/null",
            "BatchMode=yes",
            "IdentityFile=none",
            "StrictHostKeyChecking=yes",
            "GlobalKnownHostsFile=/dev/null",
        ] {
            assert!(ssh.contains(option), "{ssh}");
        }
        assert_eq!(variable(&command, "SSH_AUTH_SOCK"), "/run/agent");
        let hosts = variable(&command, "PIPELINE_KNOWN_HOSTS");
        assert_eq!(
            std::fs::read_to_string(&hosts).unwrap(),
            "host ssh-ed25519 AAAA"
        );
        drop((command, git));
        assert!(!Path::new(&hosts).exists());
        let refused = Git::with_remote(Path::new("/m"), &remote(url, false, None))
            .map(drop)
            .unwrap_err();
        assert!(refused.to_string().contains("no SSH agent"), "{refused}");
    }
}
