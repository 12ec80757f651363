//! The program as its users see it: started, asked, told to end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

struct Service {
    child: Child,
    log: BufReader<ChildStdout>,
    port: u16,
}

impl Service {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_web"));
        command
            .args(arguments)
            .env_clear()
            .env("PORT", "0")
            .envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        let mut service = Self {
            child,
            log,
            port: 0,
        };
        let line = service.wait_for("listening");
        service.port = line
            .split("\"port\":\"")
            .nth(1)
            .unwrap()
            .trim_end_matches("\"}")
            .parse()
            .unwrap();
        service
    }

    /// Reads the log up to the line with this message.
    fn wait_for(&mut self, message: &str) -> String {
        let wanted = format!("\"message\":\"{message}\"");
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert!(
                self.log.read_line(&mut line).unwrap() > 0,
                "no {wanted} in the log:\n{seen}"
            );
            if line.contains(&wanted) {
                return line.trim_end().to_owned();
            }
            seen.push_str(&line);
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
    }

    /// Status and body of a request on a connection of its own.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = self.connect();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        finish(stream)
    }

    fn signal(&self, name: &str) {
        // Every shell has `kill` built in; the program is not installed everywhere.
        let script = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
    }

    fn exit(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a response to its end.
fn finish(mut stream: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

#[test]
fn answers_what_its_contract_says() {
    let service = Service::start(
        &[],
        &[
            ("GIT_SHA", "0123abc"),
            ("SERVICE", "web"),
            ("IMAGE_DIGEST", "sha256:00"),
        ],
    );
    assert_eq!(service.get("/livez"), (200, "ok\n".to_owned()));
    assert_eq!(service.get("/readyz").0, 200);
    let version = "{\"sha\":\"0123abc\",\"service\":\"web\",\"buildTs\":\"\",\"imageDigest\":\"sha256:00\"}\n";
    assert_eq!(service.get("/version"), (200, version.to_owned()));
    assert!(service.get("/").1.contains("0123abc"));
    assert_eq!(service.get("/none").0, 404);
}

#[test]
fn one_connection_takes_many_requests() {
    let service = Service::start(&[], &[]);
    let mut stream = service.connect();
    stream.write_all(b"HEAD / HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\n\r\nPOST /livez HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let statuses: Vec<&str> = answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|part| &part[..3])
        .collect();
    assert_eq!(statuses, ["200", "200", "405"]);
    assert!(!answer.contains("<h1>") && answer.contains("Allow: GET, HEAD\r\n"));
}

#[test]
fn requests_that_are_none_are_refused() {
    let service = Service::start(&[], &[]);
    let send = |bytes: &[u8]| {
        let mut stream = service.connect();
        stream.write_all(bytes).unwrap();
        finish(stream).0
    };
    assert_eq!(send(b"nonsense\r\n\r\n"), 400);
    assert_eq!(
        send(&[b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; 9000]].concat()),
        431
    );
    assert_eq!(service.get("/livez").0, 200);
}

#[test]
fn ends_in_good_order() {
    let mut service = Service::start(&[], &[("DRAIN_MS", "400")]);
    let mut begun = service.connect();
    begun.write_all(b"GET /version HTTP/1.1\r\n").unwrap();
    let signalled = Instant::now();
    service.signal("TERM");
    service.wait_for("draining");
    // Not ready, but alive and serving.
    assert_eq!(service.get("/readyz"), (503, "draining\n".to_owned()));
    assert_eq!(service.get("/livez").0, 200);
    // A request that was begun before is finished after the window has closed.
    while TcpStream::connect(("127.0.0.1", service.port)).is_ok() {
        assert!(
            signalled.elapsed() < Duration::from_secs(4),
            "still takes connections"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        signalled.elapsed() >= Duration::from_millis(400),
        "left before the window closed"
    );
    begun.write_all(b"\r\n").unwrap();
    assert_eq!(finish(begun).0, 200);
    let (status, rest) = service.exit();
    assert_eq!(status.code(), Some(0));
    assert!(
        rest.ends_with("{\"level\":\"info\",\"message\":\"drained\"}\n"),
        "{rest}"
    );
}

#[test]
fn interrupting_it_is_the_same_as_ending_it() {
    let mut service = Service::start(&[], &[("DRAIN_MS", "1")]);
    service.signal("INT");
    assert_eq!(service.exit().0.code(), Some(0));
}

/// A file that vanishes with the value.
struct Schedule(PathBuf);

impl Schedule {
    fn new(name: &str, lines: &str, digest: &str) -> Self {
        let path = std::env::temp_dir().join(format!("schedule-{}-{name}", std::process::id()));
        fs::write(&path, format!("{lines}sha256 {digest}\n")).unwrap();
        Self(path)
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_worker_runs_its_jobs() {
    let lines = "hello 1 Say hello\n";
    let schedule = Schedule::new("good", lines, &sha256::hex(lines.as_bytes()));
    let mut service = Service::start(
        &["--jobs", schedule.0.to_str().unwrap()],
        &[("DRAIN_MS", "1")],
    );
    service.wait_for("schedule loaded");
    let job = service.wait_for("job");
    assert_eq!(
        job,
        r#"{"level":"info","message":"job","name":"hello","description":"Say hello"}"#
    );
    assert_eq!(service.get("/readyz").0, 200);
    service.wait_for("job");
    service.signal("TERM");
    assert_eq!(service.exit().0.code(), Some(0));
}

#[test]
fn a_worker_without_a_good_schedule_fails() {
    let schedule = Schedule::new("bad", "hello 1 Say hello\n", "00");
    let mut service = Service::start(&["--jobs", schedule.0.to_str().unwrap()], &[]);
    let line = service.wait_for("no jobs");
    assert!(line.contains("does not match its checksum"), "{line}");
    assert_eq!(service.exit().0.code(), Some(1));
}

#[test]
fn the_health_check_asks_the_server() {
    let service = Service::start(&[], &[]);
    let check = |port: u16| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_web"));
        command
            .arg("--check")
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .status()
            .unwrap()
            .code()
    };
    assert_eq!(check(service.port), Some(0));
    let port = service.port;
    drop(service);
    assert_eq!(check(port), Some(1));
}

#[test]
fn wrong_arguments_are_told() {
    let output = Command::new(env!("CARGO_BIN_EXE_web"))
        .env("PORT", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let log = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        log,
        "{\"level\":\"error\",\"message\":\"cannot start\",\"reason\":\"PORT=x: not a port number\"}\n"
    );
}
