//! A registry that takes uploads as the specification says, but for what a test has it do instead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ci_oci::Digest;

use crate::server::{Handler, Reply, Request, Server};

type Cut = Box<dyn Fn(&Request) -> Option<usize> + Send + Sync>;
type Instead = Box<dyn Fn(&Request) -> Option<Reply> + Send + Sync>;

/// What it keeps.
#[derive(Debug, Default)]
struct Kept {
    blobs: HashMap<String, Vec<u8>>,
    uploads: HashMap<String, Vec<u8>>,
    begun: usize,
}

/// The registry, before it is started.
pub(crate) struct Uploads {
    kept: Arc<Mutex<Kept>>,
    cut: Cut,
    instead: Instead,
    least_part: usize,
}

/// The registry.
pub(crate) struct Running {
    pub(crate) server: Server,
    kept: Arc<Mutex<Kept>>,
}

impl Uploads {
    pub(crate) fn new() -> Self {
        Self {
            kept: Arc::default(),
            cut: Box::new(|_| None),
            instead: Box::new(|_| None),
            least_part: 0,
        }
    }

    /// Breaks connections after so many bytes of a body, of which it keeps what came.
    pub(crate) fn cut(
        self,
        cut: impl Fn(&Request) -> Option<usize> + Send + Sync + 'static,
    ) -> Self {
        Self {
            cut: Box::new(cut),
            ..self
        }
    }

    /// Gives other answers, and does nothing else then.
    pub(crate) fn instead(
        self,
        instead: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self {
            instead: Box::new(instead),
            ..self
        }
    }

    /// Says how many bytes a part has to have.
    pub(crate) fn least_part(self, least_part: usize) -> Self {
        Self { least_part, ..self }
    }

    pub(crate) async fn start(self) -> Running {
        let kept = self.kept.clone();
        Running {
            server: Server::start(self).await,
            kept,
        }
    }
}

impl Running {
    pub(crate) fn blob(&self, digest: Digest) -> Option<Vec<u8>> {
        let kept = self.kept.lock().unwrap();
        kept.blobs.get(&digest.to_string()).cloned()
    }

    /// Methods of the requests, with the length of what they sent.
    pub(crate) fn steps(&self) -> Vec<String> {
        let log = self.server.log();
        let step = |request: &Request| match request.body.len() {
            0 => request.method.clone(),
            length => format!("{} {length}", request.method),
        };
        log.iter().map(step).collect()
    }
}

impl Handler for Uploads {
    fn hang_up(&self, head: &Request) -> Option<usize> {
        (self.cut)(head)
    }

    fn answer(&self, request: &Request) -> Reply {
        if let Some(reply) = (self.instead)(request) {
            return reply;
        }
        let mut kept = self.kept.lock().unwrap();
        let (folder, name) = request.path().rsplit_once('/').unwrap();
        let name = name.to_owned();
        let going_on = |status, length: usize| {
            Reply::new(status)
                .header("location", format!("{folder}/{name}"))
                .header("range", format!("0-{}", length.saturating_sub(1)))
        };
        match request.method.as_str() {
            "HEAD" => match kept.blobs.get(&name) {
                Some(blob) => Reply::new(200).header("content-length", blob.len()),
                None => Reply::new(404),
            },
            "POST" => {
                kept.begun += 1;
                let name = format!("upload{}", kept.begun);
                let location = format!("{folder}/{name}?state=x");
                kept.uploads.insert(name, Vec::new());
                Reply::new(202)
                    .header("location", location)
                    .header("oci-chunk-min-length", self.least_part)
            }
            method => {
                let Some(upload) = kept.uploads.get_mut(&name) else {
                    return Reply::new(404);
                };
                let range = request.header("content-range").unwrap_or("0-");
                let begin = range.split('-').next().unwrap().parse::<usize>();
                if method == "PATCH" && begin != Ok(upload.len()) {
                    return Reply::new(416);
                }
                upload.extend_from_slice(&request.body);
                let length = upload.len();
                match method {
                    "GET" => going_on(204, length),
                    "PATCH" => going_on(202, length),
                    _ => {
                        let digest = Digest::of(&upload);
                        let asked = format!("digest=sha256%3A{}", digest.hex());
                        if !request.target.ends_with(&asked) {
                            return Reply::new(400);
                        }
                        let blob = kept.uploads.remove(&name).unwrap();
                        kept.blobs.insert(digest.to_string(), blob);
                        Reply::new(201).header("docker-content-digest", digest)
                    }
                }
            }
        }
    }
}

/// Whether it is called for the first time.
pub(crate) fn once() -> impl Fn() -> bool + Send + Sync {
    let called = std::sync::atomic::AtomicBool::new(false);
    move || !called.swap(true, std::sync::atomic::Ordering::Relaxed)
}
