//! A server over HTTP, for what Dockerfiles download and for whatever else a test answers itself.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Answers on a port of 127.0.0.1 that the kernel chooses, one request after another, until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What is asked; bodies are not read.
#[derive(Debug, Default)]
pub struct Request {
    /// `GET`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// What follows `Authorization:`.
    pub authorization: Option<String>,
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    /// Number and phrase.
    pub status: &'static str,
    /// The media type, if it is said.
    pub media_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// That there is nothing.
    pub fn not_found() -> Self {
        Self {
            status: "404 Not Found",
            media_type: None,
            body: b"not found\n".to_vec(),
        }
    }
}

impl Server {
    /// Starts one that serves a folder.
    #[track_caller]
    pub fn start(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self::listen().serve(move |request| file(request, &folder))
    }

    /// A port, which is known before anything is answered there.
    #[track_caller]
    pub fn listen() -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Listening { listener, address }
    }

    /// `http://HOST:PORT`.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A port at which nothing is answered yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// `http://HOST:PORT`.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts to answer.
    pub fn serve(self, answer: impl Fn(&Request) -> Answer + Send + 'static) -> Server {
        let Self { listener, address } = self;
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                // A client that goes away is its own business.
                let _ = stream.and_then(|stream| converse(stream, &answer));
            }
        });
        Server {
            address,
            ended,
            thread: Some(thread),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers one request of a connection, and closes it.
fn converse(mut stream: TcpStream, answer: impl Fn(&Request) -> Answer) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut words = first.split(' ').map(str::to_owned);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_else(|| "/".to_owned()),
        authorization: None,
    };
    while let Some(line) = lines
        .next()
        .transpose()?
        .filter(|line: &String| !line.is_empty())
    {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            request.authorization = Some(value.trim().to_owned());
        }
    }
    let answer = answer(&request);
    let media_type = answer
        .media_type
        .map(|it| format!("Content-Type: {it}\r\n"));
    write!(
        stream,
        "HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
        answer.status,
        media_type.unwrap_or_default(),
        answer.body.len()
    )?;
    if request.method != "HEAD" {
        stream.write_all(&answer.body)?;
    }
    stream.flush()
}

/// A file of a folder.
fn file(request: &Request, folder: &Path) -> Answer {
    let path = request.target.split('?').next().unwrap_or_default();
    let file: PathBuf = folder.join(path.trim_start_matches('/'));
    match fs::read(file) {
        Ok(body) => Answer {
            status: "200 OK",
            media_type: None,
            body,
        },
        Err(_) => Answer::not_found(),
    }
}
