//! `git http-backend` behind the smallest server that can carry it, with a password.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Serves the repositories of a folder until it is dropped.
pub(crate) struct Server {
    pub(crate) address: String,
}

impl Server {
    /// `authorization` is the header that every request must have.
    pub(crate) fn start(root: &Path, authorization: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let root = root.to_owned();
        let authorization = authorization.map(str::to_owned);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (root, authorization) = (root.clone(), authorization.clone());
                std::thread::spawn(move || serve(stream.unwrap(), root, authorization));
            }
        });
        Self { address }
    }
}

fn serve(stream: TcpStream, root: PathBuf, authorization: Option<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = Request::read(&mut reader, &mut stream) {
        let allowed = authorization.is_none() || request.header("authorization") == authorization;
        let answer = match allowed {
            true => backend(&root, &request),
            false => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\n\r\n".to_vec(),
        };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<String> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.clone())
    }

    fn read(reader: &mut BufReader<TcpStream>, stream: &mut TcpStream) -> Option<Self> {
        let first = line(reader)?;
        let mut parts = first.split(' ');
        let mut request = Self {
            method: parts.next()?.to_owned(),
            target: parts.next()?.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = line(reader)?;
            let Some((key, value)) = line.split_once(':') else {
                break;
            };
            let header = (key.to_ascii_lowercase(), value.trim().to_owned());
            request.headers.push(header);
        }
        if request.header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        if let Some(length) = request.header("content-length") {
            request.body = vec![0; length.parse().ok()?];
            reader.read_exact(&mut request.body).ok()?;
        } else if request.header("transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(line(reader)?.trim(), 16).ok()?;
                let start = request.body.len();
                request.body.resize(start + size, 0);
                reader.read_exact(&mut request.body[start..]).ok()?;
                line(reader)?;
                if size == 0 {
                    break;
                }
            }
        }
        Some(request)
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    Some(line.trim_end().to_owned())
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
