//! What is attached to an image: manifests with a `subject` (OCI distribution specification, "Listing Referrers").
//!
//! A registry that keeps the list says so when a manifest is pushed. For the others the list is an index under a tag that
//! everybody writes who attaches something.

use std::collections::BTreeMap;

use ci_http::header::{CONTENT_TYPE, LINK};
use ci_http::{Method, Response, StatusCode, Url};
use ci_oci::manifest::{Document, MAX_DOCUMENT, ManifestError, media_type};
use ci_oci::{Descriptor, Digest, Index, Reference};

use crate::client::Client;
use crate::contended::{self, Change};
use crate::error::Error;
use crate::manifest::{self, Manifest};
use crate::publish::{self, Listed};
use crate::session::{Access, Session};

/// Pages of a list that are read.
const MAX_PAGES: usize = 100;

impl Client {
    /// What is attached to `subject` in `reference`'s repository; where `artifact_type` is given, only that. Types are what the list
    /// says they are: some registries and some writers say the type of the manifest's config.
    ///
    /// # Errors
    /// The registry does not say, or what it says is no index.
    pub async fn referrers(
        &self,
        reference: &Reference,
        subject: Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Pull);
        let mut all = match listed(&session, subject, artifact_type).await? {
            Some(all) => all,
            None => tagged(&session, subject).await?.manifests,
        };
        // Whether the registry has filtered is its own affair.
        all.retain(|one| artifact_type.is_none() || one.artifact_type.as_deref() == artifact_type);
        Ok(all)
    }

    /// Pushes manifests, all of which have `subject` as their subject, and sees to it that they are found from there.
    ///
    /// # Errors
    /// As [`Client::push_manifest`]; one has another subject; others keep writing over the list.
    pub async fn attach(
        &self,
        reference: &Reference,
        subject: Digest,
        manifests: &[Manifest],
    ) -> Result<Listed, Error> {
        let session = Session::new(self, self.target(reference)?, Access::Push);
        let mut unlisted = Vec::new();
        for manifest in manifests {
            let descriptor = described(&session, subject, manifest)?;
            let name = descriptor.digest.to_string();
            if publish::put(&session, &name, manifest).await? == Listed::ByTag {
                unlisted.push(descriptor);
            }
        }
        if unlisted.is_empty() {
            return Ok(Listed::ByRegistry);
        }
        keep(self, reference, &session, subject, unlisted).await?;
        Ok(Listed::ByTag)
    }
}

/// What the list says about a manifest: its `artifactType`, or its config's type, and its annotations.
fn described(session: &Session, subject: Digest, manifest: &Manifest) -> Result<Descriptor, Error> {
    let what = format!("the manifest {}", manifest.descriptor.digest);
    let document = Document::parse(&manifest.descriptor.media_type, &manifest.bytes);
    let document = document.map_err(|source| Error::Manifest {
        host: session.endpoint.host.clone(),
        what: what.clone(),
        source,
    })?;
    let mut descriptor = manifest.descriptor.clone();
    let of = match document {
        Document::Manifest(image) => {
            descriptor.artifact_type = Some(image.artifact_type.unwrap_or(image.config.media_type));
            descriptor.annotations = image.annotations;
            image.subject
        }
        Document::Index(index) => {
            descriptor.artifact_type = index.artifact_type;
            descriptor.annotations = index.annotations;
            index.subject
        }
    };
    match of {
        Some(of) if of.digest == subject => Ok(descriptor),
        _ => Err(Error::Subject { what, subject }),
    }
}

/// Puts descriptors into the list under the tag, until they stay there.
async fn keep(
    client: &Client,
    reference: &Reference,
    session: &Session,
    subject: Digest,
    ours: Vec<Descriptor>,
) -> Result<(), Error> {
    let mut seen: BTreeMap<Digest, Descriptor> =
        ours.into_iter().map(|one| (one.digest, one)).collect();
    let tag = tag(subject);
    contended::change(client, reference, &tag, |there: Option<&Manifest>| {
        let mut index = match there {
            Some(list) => read(session, &list.descriptor.media_type, &list.bytes)?,
            None => Index::of(Vec::new()),
        };
        let there: Vec<Digest> = index.manifests.iter().map(|one| one.digest).collect();
        let missing = seen.values().filter(|one| !there.contains(&one.digest));
        let missing: Vec<Descriptor> = missing.cloned().collect();
        for one in &index.manifests {
            seen.entry(one.digest).or_insert_with(|| one.clone());
        }
        if missing.is_empty() {
            return Ok(None);
        }
        index.manifests.extend(missing);
        let list = serde_json::to_vec(&index).map_err(ManifestError::from);
        let list = list.map_err(|source| Error::Manifest {
            host: session.endpoint.host.clone(),
            what: "the list of referrers".to_owned(),
            source,
        })?;
        Ok(Some(Change {
            manifest: Manifest::new(media_type::OCI_INDEX, list),
            blobs: Vec::new(),
        }))
    })
    .await
}

/// The tag of the list where the registry keeps none (OCI distribution specification, "Referrers Tag Schema").
fn tag(subject: Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// The list under the tag; an empty one where there is none.
async fn tagged(session: &Session, subject: Digest) -> Result<Index, Error> {
    let list = match manifest::get(session, &tag(subject), None, None).await {
        Ok(list) => list,
        Err(error) if error.is_not_found() => return Ok(Index::of(Vec::new())),
        Err(error) => return Err(error),
    };
    read(session, &list.descriptor.media_type, &list.bytes)
}

/// The registry's own list, all pages of it; `None` where it keeps none.
async fn listed(
    session: &Session,
    subject: Digest,
    artifact_type: Option<&str>,
) -> Result<Option<Vec<Descriptor>>, Error> {
    let mut url = session.endpoint.url(&format!("referrers/{subject}"));
    if let Some(kind) = artifact_type {
        url.query_pairs_mut().append_pair("artifactType", kind);
    }
    let mut all = Vec::new();
    for page in 0..MAX_PAGES {
        let response = session.send(Method::GET, &url, |request| request).await?;
        let unknown = [400, 404, 405, 406, 501].contains(&response.status().as_u16());
        let index = response
            .header(CONTENT_TYPE)
            .is_some_and(|kind| kind.starts_with(media_type::OCI_INDEX));
        if page == 0 && (unknown || (response.status() == StatusCode::OK && !index)) {
            return Ok(None);
        }
        if response.status() != StatusCode::OK {
            return Err(session.failed("the list of referrers", response).await);
        }
        let next = next(session, &response)?;
        let bytes = response.bytes(MAX_DOCUMENT).await?;
        all.extend(read(session, media_type::OCI_INDEX, &bytes)?.manifests);
        match next {
            Some(next) => url = next,
            None => return Ok(Some(all)),
        }
    }
    let problem = format!("its list of referrers has more than {MAX_PAGES} pages");
    Err(Error::protocol(&session.endpoint.host, problem))
}

fn read(session: &Session, kind: &str, bytes: &[u8]) -> Result<Index, Error> {
    let source = match Document::parse(kind, bytes) {
        Ok(Document::Index(index)) => return Ok(index),
        Ok(Document::Manifest(_)) => ManifestError::NoImage(kind.to_owned()),
        Err(error) => error,
    };
    Err(Error::Manifest {
        host: session.endpoint.host.clone(),
        what: "the list of referrers".to_owned(),
        source,
    })
}

/// The next page: `Link: <…>; rel="next"` (RFC 8288). It has to be the registry's own, too.
fn next(session: &Session, response: &Response) -> Result<Option<Url>, Error> {
    let Some(link) = response.header(LINK) else {
        return Ok(None);
    };
    let target = link
        .split(',')
        .filter(|link| link.contains("rel=\"next\"") || link.contains("rel=next"))
        .find_map(|link| Some(link.split_once('<')?.1.split_once('>')?.0));
    let Some(target) = target else {
        return Ok(None);
    };
    match response.url().join(target) {
        Ok(url) if session.endpoint.owns(&url) => Ok(Some(url)),
        _ => Err(Error::protocol(
            &session.endpoint.host,
            "the next page of its list of referrers is elsewhere",
        )),
    }
}
