//! A registry in memory: blobs, manifests and tags, with or without the referrers API, and another writer where a test wants one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ci_http::{Http, Options, Proxies};
use ci_oci::manifest::media_type;
use ci_oci::{Digest, Index, Manifest as Document, Reference};
use ci_registry::{Client, Config, Credentials, Manifest, RegistryConfig};

use crate::clock::Hurried;
use crate::server::{Reply, Request, Server};

/// What is in the registry.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) blobs: BTreeMap<Digest, Vec<u8>>,
    /// By digest and by tag.
    pub(crate) manifests: BTreeMap<String, Manifest>,
    /// How often each tag was read.
    reads: BTreeMap<String, usize>,
    /// Tags that cannot be written.
    pub(crate) locked: Option<String>,
}

/// What another does when a tag is read for the first time, the second, and so on.
type Meanwhile = dyn Fn(&str, usize, &Mutex<Content>) + Send + Sync;

/// A registry; it ends with the value.
pub(crate) struct Registry {
    pub(crate) server: Server,
    pub(crate) content: Arc<Mutex<Content>>,
}

impl Registry {
    /// Like GHCR: it keeps no list of referrers.
    pub(crate) async fn start() -> Self {
        Self::with(false, |_, _, _| {}).await
    }

    pub(crate) async fn with(
        referrers: bool,
        meanwhile: impl Fn(&str, usize, &Mutex<Content>) + Send + Sync + 'static,
    ) -> Self {
        let content: Arc<Mutex<Content>> = Arc::default();
        let kept = Arc::clone(&content);
        let server =
            Server::start(move |request: &Request| answer(request, &kept, referrers, &meanwhile))
                .await;
        Self { server, content }
    }

    /// The repository, and the image under the tag `1`.
    pub(crate) fn reference(&self) -> Reference {
        format!("{}/acme/shop:1", self.server.host())
            .parse()
            .unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        let declared = RegistryConfig {
            plain_http: true,
            ..RegistryConfig::default()
        };
        let config = Config {
            http: options(),
            credentials: Credentials::none(),
            registries: BTreeMap::from([(self.server.host(), declared)]),
        };
        Client::new(config).unwrap()
    }

    /// Puts an image there, under its digest and the tag; its digest.
    pub(crate) fn push(&self) -> Digest {
        let index = serde_json::to_vec(&Index::of(Vec::new())).unwrap();
        let index = Manifest::new(media_type::OCI_INDEX, index);
        let digest = index.descriptor.digest;
        let mut content = self.content.lock().unwrap();
        content.manifests.insert(digest.to_string(), index.clone());
        content.manifests.insert("1".to_owned(), index);
        digest
    }

    /// How often something was written.
    pub(crate) fn writes(&self) -> usize {
        let lines = self.server.lines();
        let writes = lines
            .iter()
            .filter(|line| !line.starts_with("GET ") && !line.starts_with("HEAD "));
        writes.count()
    }

    /// The manifest under a tag.
    pub(crate) fn tagged(&self, tag: &str) -> Option<Document> {
        let content = self.content.lock().unwrap();
        let manifest = content.manifests.get(tag)?;
        Some(serde_json::from_slice(&manifest.bytes).unwrap())
    }

    pub(crate) fn blob(&self, digest: Digest) -> Vec<u8> {
        self.content.lock().unwrap().blobs[&digest].clone()
    }

    /// What the tag for that lists as attached to an image.
    pub(crate) fn listed(&self, image: Digest) -> Index {
        let content = self.content.lock().unwrap();
        let tag = format!("sha256-{}", image.hex());
        match content.manifests.get(&tag) {
            Some(list) => serde_json::from_slice(&list.bytes).unwrap(),
            None => Index::of(Vec::new()),
        }
    }
}

/// Of no environment, and in no need of time.
pub(crate) fn options() -> Options {
    Options {
        proxies: Proxies::default(),
        clock: Arc::new(Hurried::default()),
        ..Options::default()
    }
}

pub(crate) fn http() -> Http {
    Http::new(&options()).unwrap()
}

fn answer(
    request: &Request,
    content: &Mutex<Content>,
    referrers: bool,
    meanwhile: &Meanwhile,
) -> Reply {
    let path = request.path().to_owned();
    let Some(path) = path.strip_prefix("/v2/acme/shop/") else {
        return Reply::new(404);
    };
    let reading = matches!(request.method.as_str(), "GET" | "HEAD");
    if let Some(name) = path.strip_prefix("manifests/") {
        if reading && !name.starts_with("sha256:") {
            let number = {
                let mut content = content.lock().unwrap();
                let reads = content.reads.entry(name.to_owned()).or_default();
                *reads += 1;
                *reads - 1
            };
            meanwhile(name, number, content);
        }
        let mut content = content.lock().unwrap();
        return match reading {
            true => content.manifests.get(name).map_or(Reply::new(404), give),
            false if content.locked.as_deref() == Some(name) => Reply::new(403),
            false => put(name, request, referrers, &mut content),
        };
    }
    let mut content = content.lock().unwrap();
    if let Some(subject) = path.strip_prefix("referrers/").filter(|_| referrers) {
        let of = |manifest: &Manifest| {
            let document: Document = serde_json::from_slice(&manifest.bytes).ok()?;
            let mut descriptor = manifest.descriptor.clone();
            let named = document.subject.as_ref()?.digest.to_string() == subject;
            descriptor.artifact_type = document.artifact_type;
            descriptor.annotations = document.annotations;
            named.then_some(descriptor)
        };
        let all = content.manifests.values().filter_map(of).collect();
        let list = serde_json::to_vec(&Index::of(all)).unwrap();
        return Reply::new(200)
            .header("content-type", media_type::OCI_INDEX)
            .body(list);
    }
    match (request.method.as_str(), path.strip_prefix("blobs/")) {
        ("POST", _) => Reply::new(202).header("location", "/v2/acme/shop/blobs/uploads/1"),
        ("PUT", _) => {
            let digest = Digest::of(&request.body);
            content.blobs.insert(digest, request.body.clone());
            Reply::new(201).header("docker-content-digest", digest)
        }
        (_, Some(digest)) => {
            let digest = digest.parse().unwrap();
            let blob = content.blobs.get(&digest);
            blob.map_or(Reply::new(404), |blob| Reply::new(200).body(blob.clone()))
        }
        _ => Reply::new(404),
    }
}

fn give(manifest: &Manifest) -> Reply {
    Reply::new(200)
        .header("content-type", &manifest.descriptor.media_type)
        .header("docker-content-digest", manifest.descriptor.digest)
        .body(manifest.bytes.clone())
}

fn put(name: &str, request: &Request, referrers: bool, content: &mut Content) -> Reply {
    let kind = request.header("content-type").unwrap();
    let manifest = Manifest::new(kind, request.body.clone());
    let digest = manifest.descriptor.digest;
    content
        .manifests
        .insert(digest.to_string(), manifest.clone());
    content.manifests.insert(name.to_owned(), manifest);
    let reply = Reply::new(201).header("docker-content-digest", digest);
    match referrers {
        true => reply.header("oci-subject", digest),
        false => reply,
    }
}
