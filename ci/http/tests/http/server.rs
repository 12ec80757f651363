//! A server that answers as a test tells it, bad answers included. The tests of `ci-registry` use it, too.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As in the request line: path and query, or what a proxy is asked.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    /// As much as there came.
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Method and path.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path())
    }
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    sent: Option<usize>,
    silent: bool,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The connection ends after so many bytes of the body.
    pub(crate) fn cut(mut self, sent: usize) -> Self {
        self.sent = Some(sent);
        self
    }

    /// Nothing comes after so many bytes of the body, and the connection stays.
    pub(crate) fn stall(self, sent: usize) -> Self {
        Self {
            silent: true,
            ..self.cut(sent)
        }
    }
}

/// What decides about answers.
pub(crate) trait Handler: Send + Sync + 'static {
    /// After how many bytes of a request's body the connection ends without an answer.
    fn hang_up(&self, _head: &Request) -> Option<usize> {
        None
    }

    fn answer(&self, request: &Request) -> Reply;
}

impl<F: Fn(&Request) -> Reply + Send + Sync + 'static> Handler for F {
    fn answer(&self, request: &Request) -> Reply {
        self(request)
    }
}

/// A server on a port of 127.0.0.1 that the kernel chooses; it ends with the value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    log: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(handler: impl Handler) -> Self {
        Self::serve(handler, None).await
    }

    pub(crate) async fn start_tls(handler: impl Handler, authority: &Authority) -> Self {
        Self::serve(handler, Some(authority.acceptor())).await
    }

    async fn serve(handler: impl Handler, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let log = Arc::new(Mutex::new(Vec::new()));
        let (handler, requests) = (Arc::new(handler), log.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, requests, tls) = (handler.clone(), requests.clone(), tls.clone());
                tokio::spawn(async move {
                    // Clients go away as they like.
                    let _ = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &*handler, &requests).await,
                            Err(error) => Err(error),
                        },
                        None => converse(stream, &*handler, &requests).await,
                    };
                });
            }
        });
        Self {
            address,
            scheme,
            log,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// Their methods and paths.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log().iter().map(Request::line).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers the requests of one connection.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    handler: &impl Handler,
    log: &Mutex<Vec<Request>>,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some((mut request, rest)) = read_head(&mut stream, &mut buffer).await? else {
            return Ok(());
        };
        let length = request.header("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        let end = handler.hang_up(&request).map(|limit| limit.min(length));
        request.body = rest;
        while request.body.len() < end.unwrap_or(length) {
            if stream.read_buf(&mut request.body).await? == 0 {
                break;
            }
        }
        buffer = request
            .body
            .split_off(request.body.len().min(end.unwrap_or(length)));
        log.lock().unwrap().push(request.clone());
        let reply = handler.answer(&request);
        if end.is_some() {
            return Ok(());
        }
        if write(&mut stream, &request, &reply).await? {
            return stream.shutdown().await;
        }
    }
}

/// The head of the next request, and what came behind it.
async fn read_head<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(Request, Vec<u8>)>> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(buffer).map_err(|_| io::ErrorKind::InvalidData);
        if status.is_err() {
            // What speaks TLS, for example.
            stream.write_all(b"HTTP/1.1 400 -\r\n\r\n").await?;
        }
        if let httparse::Status::Complete(length) = status? {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let request = Request {
                method: parsed.method.unwrap_or_default().to_owned(),
                target: parsed.path.unwrap_or_default().to_owned(),
                headers: parsed
                    .headers
                    .iter()
                    .map(|header| (header.name.to_owned(), text(header.value)))
                    .collect(),
                body: Vec::new(),
            };
            return Ok(Some((request, buffer[length..].to_vec())));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Writes an answer; says whether the connection is to end.
async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    request: &Request,
    reply: &Reply,
) -> io::Result<bool> {
    let named = |name: &str| {
        reply
            .headers
            .iter()
            .any(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let mut head = format!("HTTP/1.1 {} -\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let chunked = named("transfer-encoding");
    if !chunked && !named("content-length") && reply.status != 204 {
        head += &format!("content-length: {}\r\n", reply.body.len());
    }
    let mut bytes = (head + "\r\n").into_bytes();
    let body = &reply.body[..reply.sent.unwrap_or(reply.body.len())];
    match request.method.as_str() {
        "HEAD" => {}
        _ if chunked => {
            bytes.extend(format!("{:x}\r\n", body.len()).bytes());
            bytes.extend(body);
            bytes.extend(b"\r\n0\r\n\r\n");
        }
        _ => bytes.extend(body),
    }
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    if reply.silent {
        std::future::pending::<()>().await;
    }
    Ok(reply.sent.is_some())
}

/// A certificate authority of our own, and a server's certificate by it.
#[derive(Debug)]
pub(crate) struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    /// One whose server is called `name`.
    pub(crate) fn new(name: &str) -> Self {
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let authority = ca.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new([name.to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(dir.path().join("server.pem"), server.pem()).unwrap();
        std::fs::write(dir.path().join("key.pem"), key.serialize_pem()).unwrap();
        Self { dir }
    }

    /// The file with its own certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The folder with `ca.pem`, `server.pem` and `key.pem`.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn acceptor(&self) -> TlsAcceptor {
        use rustls::pki_types::pem::PemObject;
        let certificates =
            rustls::pki_types::CertificateDer::pem_file_iter(self.dir().join("server.pem"));
        let certificates = certificates.unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(self.dir().join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
