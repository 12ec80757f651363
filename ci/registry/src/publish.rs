//! Manifests that are pushed, and the tags that name them.
//!
//! There is no way to set a tag only if it is absent: what is done about other writers is looking before and after.

use ci_http::header::{CONTENT_TYPE, HeaderName};
use ci_http::{Method, StatusCode};
use ci_oci::{Descriptor, Digest, Reference};

use crate::client::Client;
use crate::error::Error;
use crate::manifest::{self, Manifest, stated_digest};
use crate::session::{Access, Session};

/// By this header a registry says that it lists the manifest among its subject's referrers.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// What a tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState {
    /// Nothing.
    Absent,
    /// What it is to name.
    Equal,
    /// Something else.
    Other(Digest),
}

/// How a tag came to name what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// It did before.
    Already,
    /// It was absent.
    Created,
    /// It named something else and was moved.
    Moved(Digest),
}

/// What to do with a tag that names something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moving {
    /// Leave it and fail.
    #[default]
    Refuse,
    /// Move it.
    Allow,
}

impl Client {
    /// Pushes a manifest or index under its digest, and makes sure that the registry has it under this digest (R5). What it points
    /// at has to be there. Says whether the registry lists it as a referrer by itself.
    ///
    /// # Errors
    /// We may not; the registry lacks what it points at; the registry says another digest.
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<Listed, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Push);
        put(&session, &manifest.descriptor.digest.to_string(), manifest).await
    }

    /// What `reference`'s repository has under a digest. Asks the registry itself, never a mirror.
    ///
    /// # Errors
    /// It has nothing there, or something else (R5).
    pub async fn stored(&self, reference: &Reference, digest: Digest) -> Result<Descriptor, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Push);
        manifest::head(&session, &digest.to_string(), Some(digest)).await
    }

    /// What `reference`'s tag names, compared with `digest`. Asks the registry itself, never a mirror.
    ///
    /// # Errors
    /// The registry does not say.
    pub async fn tag_state(
        &self,
        reference: &Reference,
        digest: Digest,
    ) -> Result<TagState, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Push);
        state(&session, &tag(reference), digest).await
    }

    /// Makes `reference`'s tag name a manifest that was pushed, and looks afterwards whether it does (R4).
    ///
    /// # Errors
    /// [`Error::TagTaken`] when it names something else and may not be moved, before or, by another's hand, after.
    pub async fn push_tag(
        &self,
        reference: &Reference,
        manifest: &Manifest,
        moving: Moving,
    ) -> Result<Tagged, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Push);
        let (tag, digest) = (tag(reference), manifest.descriptor.digest);
        let taken = |there| Error::TagTaken {
            tag: format!("{}:{tag}", session.endpoint.name()),
            there,
            ours: digest,
        };
        let tagged = match state(&session, &tag, digest).await? {
            TagState::Equal => return Ok(Tagged::Already),
            TagState::Absent => Tagged::Created,
            TagState::Other(there) if moving == Moving::Allow => Tagged::Moved(there),
            TagState::Other(there) => return Err(taken(there)),
        };
        put(&session, &tag, manifest).await?;
        match state(&session, &tag, digest).await? {
            TagState::Equal => Ok(tagged),
            TagState::Other(there) => Err(taken(there)),
            TagState::Absent => Err(Error::protocol(
                &session.endpoint.host,
                format!("it took the tag {tag:?} and does not have it"),
            )),
        }
    }
}

/// Who lists a manifest among its subject's referrers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// The registry does; or there is no subject.
    ByRegistry,
    /// Nobody, unless the tag for that is kept by who pushes.
    ByTag,
}

/// Pushes a manifest under a name and checks what the registry made of it.
pub(crate) async fn put(
    session: &Session,
    name: &str,
    manifest: &Manifest,
) -> Result<Listed, Error> {
    let (descriptor, host) = (&manifest.descriptor, &session.endpoint.host);
    let url = session.endpoint.url(&format!("manifests/{name}"));
    let response = session
        .send(Method::PUT, &url, |request| {
            request
                .header(CONTENT_TYPE, &descriptor.media_type)
                .body(manifest.bytes.clone())
        })
        .await?;
    let what = format!("the push of manifest {}", descriptor.digest);
    if !matches!(response.status(), StatusCode::CREATED | StatusCode::OK) {
        return Err(session.failed(&what, response).await);
    }
    let listed = match response.headers().contains_key(SUBJECT) {
        true => Listed::ByRegistry,
        false => Listed::ByTag,
    };
    let found = match stated_digest(&response) {
        Some(found) => found,
        // Not said: asked.
        None => {
            let name = descriptor.digest.to_string();
            let there = manifest::get(session, &name, Some(descriptor.digest), None).await?;
            there.descriptor.digest
        }
    };
    match found == descriptor.digest {
        true => Ok(listed),
        false => Err(Error::Mismatch {
            host: host.clone(),
            what,
            expected: descriptor.digest,
            found,
        }),
    }
}

async fn state(session: &Session, tag: &str, digest: Digest) -> Result<TagState, Error> {
    match manifest::head(session, tag, None).await {
        Ok(there) if there.digest == digest => Ok(TagState::Equal),
        Ok(there) => Ok(TagState::Other(there.digest)),
        Err(error) if error.is_not_found() => Ok(TagState::Absent),
        Err(error) => Err(error),
    }
}

/// The tag of a reference, pinned or not.
pub(crate) fn tag(reference: &Reference) -> String {
    reference.clone().without_digest().manifest()
}
