//! A git repository served over git's own protocol, for what Dockerfiles fetch.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tempfile::TempDir;

/// Serves `repo.git` on a port of 127.0.0.1 that the kernel chooses, until it is dropped.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl GitServer {
    /// Makes a repository of a folder and starts to serve it. It has two commits on `main`: the first, with the tag `v1`, is the folder
    /// as it is; the second says `2` in the file `version`. Commits made of the same files have the same names.
    #[track_caller]
    pub fn start(files: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let repository = folder.path().join("repo.git");
        crate::case::check_out(files, &repository, &[]);
        let git = |arguments: &[&str]| {
            let status = Command::new("git")
                .args(["-c", "init.defaultBranch=main", "-c", "core.autocrlf=false"])
                .args(arguments)
                .current_dir(&repository)
                .envs([
                    ("GIT_CONFIG_GLOBAL", "/dev/null"),
                    ("GIT_CONFIG_NOSYSTEM", "1"),
                ])
                .envs(["AUTHOR", "COMMITTER"].into_iter().flat_map(|who| {
                    [
                        (format!("GIT_{who}_NAME"), "A"),
                        (format!("GIT_{who}_EMAIL"), "a@example.com"),
                        (format!("GIT_{who}_DATE"), "1700000000 +0000"),
                    ]
                }))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .unwrap_or_else(|error| panic!("git is needed: {error}"));
            assert!(status.success(), "git {arguments:?}");
        };
        git(&["init", "--quiet"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message=first"]);
        git(&["tag", "v1"]);
        std::fs::write(repository.join("version"), "2\n").unwrap();
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message=second"]);

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (base, end) = (folder.path().to_owned(), ended.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                // A client that goes away is its own business.
                let _ = stream.and_then(|stream| answer(stream, &base));
            }
        });
        Self {
            address,
            ended,
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// `git://HOST:PORT`.
    pub fn address(&self) -> String {
        format!("git://{}", self.address)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Leaves a connection to git, as inetd does.
fn answer(stream: TcpStream, base: &Path) -> std::io::Result<()> {
    let output = stream.try_clone()?;
    Command::new("git")
        .args([
            "daemon",
            "--inetd",
            "--export-all",
            "--log-destination=none",
        ])
        .arg(format!("--base-path={}", base.display()))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(OwnedFd::from(stream))
        .stdout(OwnedFd::from(output))
        .stderr(Stdio::null())
        .status()
        .map(drop)
}
