//! The smallest HTTP server that tests need: requests with bodies, one after another on a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Serves on a port of this machine until the program ends; `answer` gives the whole answer, or nothing to end the connection.
pub(crate) fn serve(
    answer: impl Fn(Request) -> Option<Vec<u8>> + Clone + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(request) = Request::read(&mut reader, &mut stream) {
                    let Some(bytes) = answer(request) else {
                        return;
                    };
                    // Of the older version, an answer ends with its connection.
                    if stream.write_all(&bytes).is_err() || bytes.starts_with(b"HTTP/1.0") {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A request, with its whole body.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
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
