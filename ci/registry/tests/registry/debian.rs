//! Debian's `docker-registry` (2.8: no referrers API, no `OCI-Subject`), started for one test on a port the kernel chooses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ci_oci::Reference;
use ci_registry::{Client, Config};

use crate::fixture::{USER, plain};

/// What a registry asks for.
#[derive(Debug, Default)]
pub(crate) struct Wants<'a> {
    /// User and password.
    pub(crate) basic: bool,
    /// A token of this server, and the certificate its tokens are checked with.
    pub(crate) token: Option<(&'a str, &'a Path)>,
    /// TLS, with this certificate and key.
    pub(crate) tls: Option<(&'a Path, &'a Path)>,
}

/// A registry; it ends with the value.
#[derive(Debug)]
pub(crate) struct Registry {
    child: Child,
    /// Host and port.
    pub(crate) host: String,
    /// Its files.
    _dir: tempfile::TempDir,
}

impl Registry {
    /// Starts one, or says why nothing is tested.
    #[track_caller]
    pub(crate) fn start(wants: &Wants<'_>) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp:\n  addr: 127.0.0.1:0\n",
            data.display()
        );
        if let Some((certificate, key)) = wants.tls {
            let (certificate, key) = (certificate.display(), key.display());
            config += &format!("  tls: {{certificate: {certificate}, key: {key}}}\n");
        }
        if wants.basic {
            let file = dir.path().join("htpasswd");
            fs::write(&file, htpasswd()?).unwrap();
            config += &format!(
                "auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
                file.display()
            );
        }
        if let Some((realm, certificate)) = wants.token {
            let certificate = certificate.display();
            config += &format!(
                "auth: {{token: {{realm: {realm}, service: test, issuer: test, rootcertbundle: {certificate}}}}}\n"
            );
        }
        let file = dir.path().join("config.yml");
        fs::write(&file, config).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("skipped: docker-registry is not installed");
            return None;
        };
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let port = loop {
            let mut line = String::new();
            let count = log.read_line(&mut line).unwrap();
            assert!(count > 0, "docker-registry ended: {seen}");
            if let Some((_, rest)) = line.split_once("listening on 127.0.0.1:") {
                break rest
                    .split(|c: char| !c.is_ascii_digit())
                    .next()
                    .unwrap()
                    .to_owned();
            }
            seen += &line;
        };
        // It stops when nobody reads its log.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Some(Self {
            child,
            host: format!("127.0.0.1:{port}"),
            _dir: dir,
        })
    }

    /// A reference to something in it.
    pub(crate) fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.host).parse().unwrap()
    }

    /// What is declared so that it can be reached without TLS.
    pub(crate) fn plain(&self) -> Config {
        plain([self.host.as_str()])
    }

    /// A client for it without TLS and credentials.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.plain()).unwrap()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of a password file; `None` when there is no program to make it.
fn htpasswd() -> Option<Vec<u8>> {
    let output = Command::new("htpasswd")
        .args(["-Bbn", USER.0, USER.1])
        .output();
    match output {
        Ok(output) => Some(output.stdout),
        Err(_) => {
            eprintln!("skipped: htpasswd is not installed");
            None
        }
    }
}
