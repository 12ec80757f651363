//! Blobs that are pushed: those that are there are not sent, those another repository has are mounted, the rest is streamed.
//!
//! An upload whose connection breaks goes on where the registry says it stopped; if it does not say (Docker's registry 2 does not,
//! once a part was cut off), or has forgotten the upload, it begins anew.

mod opening;

use std::sync::Arc;
use std::time::Duration;

use ci_http::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use ci_http::{Method, RequestBuilder, Response, StatusCode};
use ci_oci::{Descriptor, Reference};

use opening::{Mount, Upload, begin, exists, location};

use crate::client::Client;
use crate::error::Error;
use crate::manifest::stated_digest;
use crate::session::{Access, Session};
use crate::source::{self, Source};

/// The parts a blob is cut into where the whole is too large for the registry, or for a proxy before it.
const PART: u64 = 32 << 20;
/// The whole is not sent again when it has failed so often. Not everybody who finds it too large says so.
const WHOLE: u32 = 2;
const OCTETS: &str = "application/octet-stream";

/// How a blob came to be in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It was there.
    Existed,
    /// Another repository of the registry had it.
    Mounted,
    /// It was sent.
    Uploaded,
}

/// A blob on its way.
struct Sending<'a> {
    session: &'a Session,
    descriptor: &'a Descriptor,
    source: &'a Arc<dyn Source>,
    /// Whether it is sent in parts.
    parts: bool,
}

/// How far sending came.
enum Step {
    /// The blob is there.
    Done,
    /// There is more to send.
    On(Upload),
    /// The whole is too large to be sent at once.
    TooLarge,
    /// It did not work, and may when it is tried again.
    Failed(Error, Option<Duration>),
}

impl Client {
    /// Whether `reference`'s repository has a blob.
    ///
    /// # Errors
    /// The registry does not say.
    pub async fn has_blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<bool, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Push);
        exists(&session, descriptor).await
    }

    /// Brings a blob into `reference`'s repository. `mount` is another repository of the same registry that may have it.
    ///
    /// # Errors
    /// We may not; the source gives other bytes than the descriptor says; the registry does not take them.
    pub async fn push_blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        source: Arc<dyn Source>,
        mount: Option<&str>,
    ) -> Result<Pushed, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Push);
        if exists(&session, descriptor).await? {
            return Ok(Pushed::Existed);
        }
        let mut begun = None;
        if let Some(from) = mount.filter(|from| *from != reference.repository()) {
            match opening::mount(&session, descriptor, from).await? {
                Mount::Done => return Ok(Pushed::Mounted),
                Mount::Upload(upload) => begun = Some(upload),
                Mount::Refused => {}
            }
        }
        let sending = Sending {
            session: &session,
            descriptor,
            source: &source,
            parts: false,
        };
        sending.run(begun).await?;
        Ok(Pushed::Uploaded)
    }
}

impl Sending<'_> {
    /// Sends the blob, in the upload that is begun or in one of its own.
    async fn run(mut self, mut upload: Option<Upload>) -> Result<(), Error> {
        let mut attempts = self.session.endpoint.http.attempts();
        let mut failures = 0;
        loop {
            let current = match upload.take() {
                Some(upload) => upload,
                None => begin(self.session).await?,
            };
            let before = current.offset;
            match self.step(&current).await? {
                Step::Done => return Ok(()),
                Step::On(next) => {
                    if next.offset <= before || next.offset > self.descriptor.size {
                        return Err(self.protocol("it takes a part and has no more than before"));
                    }
                    attempts.reset();
                    upload = Some(next);
                }
                Step::TooLarge => self.parts = true,
                Step::Failed(error, asked) => {
                    if !attempts.again(asked).await {
                        return Err(error);
                    }
                    failures += 1;
                    self.parts |= failures == WHOLE && self.descriptor.size > PART;
                    // Perhaps only the answer was lost.
                    if exists(self.session, self.descriptor).await? {
                        return Ok(());
                    }
                    upload = self.status(current).await;
                }
            }
        }
    }

    /// Sends what is missing: the whole at once, or a part, or only the end.
    async fn step(&self, upload: &Upload) -> Result<Step, Error> {
        let rest = self.descriptor.size - upload.offset;
        let at_once = rest == 0 || (upload.offset == 0 && !self.parts);
        let length = match self.parts {
            true => rest.min(PART.max(upload.least)),
            false => rest,
        };
        let result = match at_once {
            true => self.put(upload, rest).await,
            false => self.patch(upload, length).await,
        };
        let response = match result {
            Ok(response) => response,
            Err(error) if error.is_transient() => return Ok(Step::Failed(error, None)),
            Err(error) => return Err(error),
        };
        match response.status() {
            StatusCode::CREATED | StatusCode::NO_CONTENT if at_once => {
                self.verify(&response)?;
                Ok(Step::Done)
            }
            StatusCode::ACCEPTED if !at_once => Ok(Step::On(Upload {
                location: location(self.session, &response)?,
                offset: taken(&response).unwrap_or(upload.offset + length),
                least: upload.least,
            })),
            StatusCode::PAYLOAD_TOO_LARGE if !self.parts && rest > PART => Ok(Step::TooLarge),
            // It has forgotten the upload, or has another idea of its length.
            StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE => {
                let error = self.session.failed(&self.name(), response).await;
                Ok(Step::Failed(error, None))
            }
            _ if response.may_pass() => {
                let asked = response.retry_after(self.session.endpoint.http.clock());
                let error = self.session.failed(&self.name(), response).await;
                Ok(Step::Failed(error, asked))
            }
            _ => Err(self.session.failed(&self.name(), response).await),
        }
    }

    /// Sends the last `length` bytes and ends the upload.
    async fn put(&self, upload: &Upload, length: u64) -> Result<Response, Error> {
        let mut url = upload.location.clone();
        url.query_pairs_mut()
            .append_pair("digest", &self.descriptor.digest.to_string());
        let octets = |request: RequestBuilder| request.header(CONTENT_TYPE, OCTETS);
        let body = || source::body(self.source, upload.offset, length);
        self.session
            .send_body(Method::PUT, &url, octets, body)
            .await
    }

    /// Sends the next `length` bytes.
    async fn patch(&self, upload: &Upload, length: u64) -> Result<Response, Error> {
        let range = format!("{}-{}", upload.offset, upload.offset + length - 1);
        let head = |request: RequestBuilder| {
            request
                .header(CONTENT_TYPE, OCTETS)
                .header(CONTENT_RANGE, &range)
        };
        let body = || source::body(self.source, upload.offset, length);
        self.session
            .send_body(Method::PATCH, &upload.location, head, body)
            .await
    }

    /// Asks how much of an upload the registry has; `None` when it is no use going on.
    async fn status(&self, upload: Upload) -> Option<Upload> {
        let asked = self
            .session
            .send(Method::GET, &upload.location, |request| request)
            .await;
        let response = asked
            .ok()
            .filter(|response| response.status() == StatusCode::NO_CONTENT)?;
        // `0-0` is said of an upload with one byte and of one with none.
        let offset = taken(&response).filter(|taken| (2..=self.descriptor.size).contains(taken))?;
        let location = location(self.session, &response).unwrap_or(upload.location);
        Some(Upload {
            location,
            offset,
            least: upload.least,
        })
    }

    /// The registry has to have what we sent (R5).
    fn verify(&self, response: &Response) -> Result<(), Error> {
        match stated_digest(response) {
            Some(found) if found != self.descriptor.digest => Err(Error::Mismatch {
                host: self.session.endpoint.host.clone(),
                what: self.name(),
                expected: self.descriptor.digest,
                found,
            }),
            _ => Ok(()),
        }
    }

    fn name(&self) -> String {
        format!("the upload of {}", self.descriptor.digest)
    }

    fn protocol(&self, problem: &str) -> Error {
        Error::protocol(&self.session.endpoint.host, problem)
    }
}

/// How many bytes an upload has, as `Range: 0-99` says.
fn taken(response: &Response) -> Option<u64> {
    let range = response.header(RANGE)?;
    let range = range.strip_prefix("bytes=").unwrap_or(range);
    let last: u64 = range.strip_prefix("0-")?.trim().parse().ok()?;
    last.checked_add(1)
}
