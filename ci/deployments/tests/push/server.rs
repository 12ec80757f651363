//! `git http-backend` behind a server that asks for a password.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::http::{Request, serve};

/// Serves the repositories of a folder until the program ends.
pub(crate) struct Server {
    pub(crate) address: String,
}

impl Server {
    /// `authorization` is the header that every request must have.
    pub(crate) fn start(root: &Path, authorization: Option<&str>) -> Self {
        let root = root.to_owned();
        let authorization = authorization.map(str::to_owned);
        let address = serve(move |request| {
            let allowed =
                authorization.is_none() || request.header("authorization") == authorization;
            Some(match allowed {
                true => backend(&root, &request),
                false => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\n\r\n".to_vec(),
            })
        });
        Self { address }
    }
}

/// RFC 3875, as far as git needs it.
fn backend(root: &Path, request: &Request) -> Vec<u8> {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "somebody")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env(
            "CONTENT_TYPE",
            request.header("content-type").unwrap_or_default(),
        )
        .env(
            "HTTP_CONTENT_ENCODING",
            request.header("content-encoding").unwrap_or_default(),
        )
        .env(
            "GIT_PROTOCOL",
            request.header("git-protocol").unwrap_or_default(),
        )
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = request.body.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output().unwrap().stdout;
    let _ = writer.join().unwrap();
    let end = output.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..end]);
    let body = &output[end + 4..];
    let status = head.lines().find_map(|line| line.strip_prefix("Status: "));
    let mut answer = format!("HTTP/1.1 {}\r\n", status.unwrap_or("200 OK"));
    for line in head.lines().filter(|line| !line.starts_with("Status: ")) {
        answer += &format!("{line}\r\n");
    }
    answer += &format!("Content-Length: {}\r\n\r\n", body.len());
    let mut answer = answer.into_bytes();
    answer.extend(body);
    answer
}
