//! Manifests and indexes: read by tag or digest, verified, bounded, and one thing only.

use ci_http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use ci_http::{Bytes, Method, Response, StatusCode};
use ci_oci::manifest::{Document, MAX_DOCUMENT, media_type};
use ci_oci::{Descriptor, Digest, Reference};
use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;
use crate::session::{Access, Session};

/// Everything we can read, what says most first.
const ACCEPTED: [&str; 4] = [
    media_type::OCI_INDEX,
    media_type::OCI_MANIFEST,
    media_type::DOCKER_INDEX,
    media_type::DOCKER_MANIFEST,
];
/// What a registry says the digest of its answer is.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A manifest or index as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its media type, digest and size.
    pub descriptor: Descriptor,
    /// Its bytes, of which the descriptor's digest is.
    pub bytes: Bytes,
}

impl Manifest {
    /// A manifest that is at hand.
    pub fn new(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            descriptor: Descriptor::of(media_type, &bytes),
            bytes,
        }
    }
}

impl Client {
    /// The manifest or index that a reference names, by its digest or else its tag.
    ///
    /// # Errors
    /// It is not there or not for us; or what is there is not what was asked for, or no image.
    pub async fn resolve(&self, reference: &Reference) -> Result<Manifest, Error> {
        let digest = reference.digest();
        self.fetch(reference, &reference.manifest(), digest, None)
            .await
    }

    /// The manifest or index that a descriptor of `reference`'s repository points at. It has to be of the announced type and size.
    ///
    /// # Errors
    /// As [`Client::resolve`].
    pub async fn manifest(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<Manifest, Error> {
        let name = descriptor.digest.to_string();
        let digest = Some(descriptor.digest);
        self.fetch(reference, &name, digest, Some(descriptor)).await
    }

    /// What a reference names, without reading it where the registry tells its digest.
    ///
    /// # Errors
    /// As [`Client::resolve`].
    pub async fn digest(&self, reference: &Reference) -> Result<Descriptor, Error> {
        let mut errors = Vec::new();
        for endpoint in self.sources(reference)? {
            let session = Session::new(self, endpoint, Access::Pull);
            match head(&session, &reference.manifest(), reference.digest()).await {
                Ok(descriptor) => return Ok(descriptor),
                Err(error) => {
                    self.failed_at(&session.endpoint.host, &error);
                    errors.push((session.endpoint.host, error));
                }
            }
        }
        Err(Error::everywhere(errors))
    }

    async fn fetch(
        &self,
        reference: &Reference,
        name: &str,
        digest: Option<Digest>,
        descriptor: Option<&Descriptor>,
    ) -> Result<Manifest, Error> {
        let mut errors = Vec::new();
        for endpoint in self.sources(reference)? {
            let session = Session::new(self, endpoint, Access::Pull);
            match get(&session, name, digest, descriptor).await {
                Ok(manifest) => return Ok(manifest),
                Err(error) => {
                    self.failed_at(&session.endpoint.host, &error);
                    errors.push((session.endpoint.host, error));
                }
            }
        }
        Err(Error::everywhere(errors))
    }
}

/// Reads a manifest from one place, again when the connection breaks within.
pub(crate) async fn get(
    session: &Session,
    name: &str,
    digest: Option<Digest>,
    descriptor: Option<&Descriptor>,
) -> Result<Manifest, Error> {
    let mut attempts = session.endpoint.http.attempts();
    loop {
        match get_once(session, name, digest, descriptor).await {
            Err(error) if interrupted(&error) && attempts.again(None).await => {}
            result => return result,
        }
    }
}

/// The request itself was tried often enough; a body that broke off was not.
fn interrupted(error: &Error) -> bool {
    matches!(error, Error::Http(error) if error.kind() == ci_http::Kind::Interrupted)
}

async fn get_once(
    session: &Session,
    name: &str,
    digest: Option<Digest>,
    descriptor: Option<&Descriptor>,
) -> Result<Manifest, Error> {
    let endpoint = &session.endpoint;
    let response = request(session, Method::GET, name).await?;
    if response.status() != StatusCode::OK {
        return Err(session.failed(&asked(name), response).await);
    }
    let stated = stated_digest(&response);
    let content_type = content_type(&response);
    let bytes = response.bytes(MAX_DOCUMENT).await?;
    let found = Digest::of(&bytes);
    // What we asked for decides; what the registry says about its own answer has to agree (R5).
    for expected in [digest, stated].into_iter().flatten() {
        if expected != found {
            return Err(Error::Mismatch {
                host: endpoint.host.clone(),
                what: asked(name),
                expected,
                found,
            });
        }
    }
    let media_type = kind(content_type, &bytes);
    if let Some(descriptor) = descriptor
        && descriptor.size != bytes.len() as u64
    {
        return Err(Error::Size {
            host: endpoint.host.clone(),
            what: asked(name),
            expected: descriptor.size,
            found: bytes.len() as u64,
        });
    }
    let announced = descriptor.map_or(&media_type, |descriptor| &descriptor.media_type);
    Document::parse(announced, &bytes).map_err(|source| Error::Manifest {
        host: endpoint.host.clone(),
        what: asked(name),
        source,
    })?;
    Ok(Manifest {
        descriptor: Descriptor::new(announced, found, bytes.len() as u64),
        bytes,
    })
}

/// Asks for the head only, and for the whole where that does not tell the digest.
pub(crate) async fn head(
    session: &Session,
    name: &str,
    digest: Option<Digest>,
) -> Result<Descriptor, Error> {
    let response = request(session, Method::HEAD, name).await?;
    if response.status() != StatusCode::OK {
        return Err(session.failed(&asked(name), response).await);
    }
    let media_type = content_type(&response).filter(|kind| is_image(kind));
    let (stated, size) = (stated_digest(&response), response.content_length());
    let (Some(found), Some(size), Some(media_type)) = (stated, size, media_type) else {
        let manifest = get(session, name, digest, None).await?;
        return Ok(manifest.descriptor);
    };
    match digest {
        Some(expected) if expected != found => Err(Error::Mismatch {
            host: session.endpoint.host.clone(),
            what: asked(name),
            expected,
            found,
        }),
        _ => Ok(Descriptor::new(&media_type, found, size)),
    }
}

async fn request(session: &Session, method: Method, name: &str) -> Result<Response, Error> {
    let url = session.endpoint.url(&format!("manifests/{name}"));
    let accept = ACCEPTED.join(", ");
    session
        .send(method, &url, |request| request.header(ACCEPT, &accept))
        .await
}

/// `Docker-Content-Digest`, where it is of the one algorithm that is spoken here.
pub(crate) fn stated_digest(response: &Response) -> Option<Digest> {
    response.header(CONTENT_DIGEST)?.parse().ok()
}

fn content_type(response: &Response) -> Option<String> {
    let value = response.header(CONTENT_TYPE)?;
    let kind = value.split(';').next().unwrap_or(value);
    Some(kind.trim().to_ascii_lowercase())
}

fn is_image(kind: &str) -> bool {
    media_type::is_index(kind) || media_type::is_manifest(kind)
}

/// What a document is: what the registry says; where that says nothing (`application/json`), what the document says.
fn kind(content_type: Option<String>, bytes: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: Option<String>,
    }
    let content_type = content_type.unwrap_or_default();
    if is_image(&content_type) {
        return content_type;
    }
    let typed = serde_json::from_slice::<Typed>(bytes).ok();
    typed
        .and_then(|typed| typed.media_type)
        .unwrap_or(content_type)
}

fn asked(name: &str) -> String {
    match name.starts_with("sha256:") {
        true => format!("the manifest {name}"),
        false => format!("the tag {name:?}"),
    }
}

impl Error {
    /// What all places said; a single one speaks for itself.
    pub(crate) fn everywhere(mut errors: Vec<(String, Self)>) -> Self {
        match errors.len() {
            1 => errors.remove(0).1,
            _ => Self::Everywhere(errors),
        }
    }
}
