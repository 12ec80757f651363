//! Git repositories of the tests, and `git http-backend` behind a server.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixture::Fixture;
use crate::server::{Answer, Request, Server};

/// A repository of the test, with the history that it makes.
pub(crate) struct Repository(pub(crate) PathBuf);

impl Repository {
    pub(crate) fn new(fixture: &Fixture, name: &str) -> Self {
        let dir = fixture.dir.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        let repository = Self(dir);
        repository.git(&["init", "-q", "-b", "main", "."]);
        repository
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.0)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ALLOW_PROTOCOL", "file")
            .envs(
                [
                    "GIT_AUTHOR_NAME",
                    "GIT_COMMITTER_NAME",
                    "GIT_AUTHOR_EMAIL",
                    "GIT_COMMITTER_EMAIL",
                ]
                .map(|name| (name, "me")),
            )
            .envs(
                ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"]
                    .map(|name| (name, "2023-11-14T22:13:20Z")),
            )
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Commits what is there; its id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }
}

/// A repository with files of every kind.
pub(crate) fn sample(fixture: &Fixture) -> Repository {
    let repository = Repository::new(fixture, "sample");
    repository.write("README", "read me\n");
    repository.write("bin/tool", "#!/bin/sh\n");
    let tool = repository.0.join("bin/tool");
    std::fs::set_permissions(tool, std::os::unix::fs::PermissionsExt::from_mode(0o775)).unwrap();
    std::os::unix::fs::symlink("bin/tool", repository.0.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", repository.0.join("outside")).unwrap();
    repository.write("lines", "a\r\nb\r\n");
    repository.write(".gitattributes", "lines text eol=lf\n");
    repository.commit("first");
    repository
}

/// `git http-backend` behind a server: the repositories of a directory at `/`.
pub(crate) fn serve(root: &Path, token: Option<&'static str>) -> Server {
    let root = root.to_owned();
    Server::start(move |request| {
        if token.is_some_and(|token| {
            request.headers.get("authorization").map(String::as_str) != Some(token)
        }) {
            return Answer::status(401, "who are you?")
                .with("WWW-Authenticate", "Basic realm=\"test\"");
        }
        backend(&root, request)
    })
}

/// The same by the protocol of before 2018, which gives no commit that has no name.
pub(crate) fn serve_old(root: &Path) -> Server {
    let root = root.to_owned();
    Server::start(move |request| {
        let mut request = request.clone();
        request.headers.remove("git-protocol");
        backend(&root, &request)
    })
}

/// The files of a directory, which git can fetch from after `git update-server-info`.
pub(crate) fn serve_files(root: &Path) -> Server {
    let root = root.to_owned();
    Server::start(move |request| {
        let path = request.target.split('?').next().unwrap_or_default();
        match std::fs::read(root.join(path.trim_start_matches('/'))) {
            Ok(content) => Answer::ok(content),
            Err(_) => Answer::status(404, "no"),
        }
    })
}

fn backend(root: &Path, request: &Request) -> Answer {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, body) = (child.stdin.take().unwrap(), request.body.clone());
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    let split = output
        .stdout
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8_lossy(&output.stdout[..split]).into_owned();
    let mut answer = Answer::ok(&output.stdout[split + 4..]);
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name == "Status" {
            answer.status = value[..3].parse().unwrap();
        } else {
            answer = answer.with(name, value);
        }
    }
    answer
}
