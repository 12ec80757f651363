//! What precedes the bytes of a blob: is it there, can it be mounted, where is it to be sent to.

use ci_http::header::{HeaderName, LOCATION};
use ci_http::{Method, Response, StatusCode, Url};
use ci_oci::Descriptor;

use crate::error::Error;
use crate::session::Session;

/// The least a registry wants in one part (OCI distribution specification, "Pushing a blob in chunks").
const LEAST_PART: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// An upload the registry has opened.
pub(super) struct Upload {
    pub(super) location: Url,
    /// How many bytes the registry has of it.
    pub(super) offset: u64,
    /// The least it wants in one part.
    pub(super) least: u64,
}

/// Whether the repository has the blob.
pub(super) async fn exists(session: &Session, descriptor: &Descriptor) -> Result<bool, Error> {
    let path = format!("blobs/{}", descriptor.digest);
    let response = session
        .send(Method::HEAD, &session.endpoint.url(&path), |request| {
            request
        })
        .await?;
    match response.status() {
        StatusCode::OK => Ok(true),
        StatusCode::NOT_FOUND => Ok(false),
        _ => {
            let what = format!("the question for {}", descriptor.digest);
            Err(session.failed(&what, response).await)
        }
    }
}

/// What a registry says to a mount.
pub(super) enum Mount {
    /// It is done.
    Done,
    /// The registry wants the blob itself.
    Upload(Upload),
    /// It wants neither.
    Refused,
}

/// Asks for a blob of another repository.
pub(super) async fn mount(
    session: &Session,
    descriptor: &Descriptor,
    from: &str,
) -> Result<Mount, Error> {
    let session = session.and_pull(from);
    let mut url = session.endpoint.url("blobs/uploads/");
    url.query_pairs_mut()
        .append_pair("mount", &descriptor.digest.to_string())
        .append_pair("from", from);
    let response = match session.send(Method::POST, &url, |request| request).await {
        Ok(response) => response,
        // A token server may refuse the right to both rather than give the one it would.
        Err(Error::Denied(_)) => return Ok(Mount::Refused),
        Err(error) => return Err(error),
    };
    match response.status() {
        StatusCode::CREATED => Ok(Mount::Done),
        StatusCode::ACCEPTED => Ok(Mount::Upload(opened(&session, &response)?)),
        // Whatever it has against mounting, it says to an upload what it has against us.
        _ => Ok(Mount::Refused),
    }
}

/// Opens an upload.
pub(super) async fn begin(session: &Session) -> Result<Upload, Error> {
    let url = session.endpoint.url("blobs/uploads/");
    let response = session.send(Method::POST, &url, |request| request).await?;
    match response.status() {
        StatusCode::ACCEPTED => opened(session, &response),
        _ => Err(session.failed("the beginning of an upload", response).await),
    }
}

fn opened(session: &Session, response: &Response) -> Result<Upload, Error> {
    let least = response
        .header(LEAST_PART)
        .and_then(|value| value.parse().ok());
    Ok(Upload {
        location: location(session, response)?,
        offset: 0,
        least: least.unwrap_or_default(),
    })
}

/// Where to go on with an upload (R6).
pub(super) fn location(session: &Session, response: &Response) -> Result<Url, Error> {
    let wrong = |problem: &str| Error::protocol(&session.endpoint.host, problem);
    let text = response
        .header(LOCATION)
        .ok_or_else(|| wrong("it opens an upload and does not say where (no Location)"))?;
    let mut url = response
        .url()
        .join(text)
        .map_err(|_| wrong("the Location of an upload is no address"))?;
    let root = session.endpoint.root();
    if url.scheme() == root.scheme() || url.scheme() == "https" {
        return Ok(url);
    }
    // A registry behind a proxy that ends TLS may not know that it is reached by it.
    let same = url.host_str() == root.host_str()
        && url.port().is_none_or(|port| Some(port) == root.port());
    if url.scheme() == "http" && same && url.set_scheme(root.scheme()).is_ok() {
        return Ok(url);
    }
    Err(wrong("the Location of an upload is plain HTTP"))
}
