//! `sign`: says of the images of the release record whose they are, where they are from, what is in them and how they were tested, in
//! forms that verifiers accept.
//!
//! What is signed are the digests of the record; a registry that has something else ends it. Statements are attached first and the
//! signature last, so a signed image has all of them. Repeated after an interrupt, it makes what is missing.

mod job;
mod provenance;
mod results;
mod signer;
mod work;

use ci_engine::Progress;
use ci_engine::progress::Outcome;
use ci_oci::Digest;
use ci_registry::Client;
use ci_signing::{Attached, Predicate, Signer, predicate};
use futures::future::join_all;
use serde_json::{Value, json};

use self::job::Job;
pub(crate) use self::signer::{KeySource, password};
use self::work::Work;
use super::record::{self, Record};
use super::sbom::{self, Form};
use super::verify::failure;
use crate::project::Project;
use crate::registries;

/// Member of the release record that says how an image is signed.
const MEMBER: &str = "signature";

/// What is to be signed, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Names from the command line; none means everything that was built.
    pub(crate) services: Vec<String>,
    /// The private key; without one, whoever this job or this person is.
    pub(crate) key: Option<KeySource>,
    /// Leaves the transparency log out. For keys only.
    pub(crate) is_unlogged: bool,
}

/// What was signed.
#[derive(Debug, Default)]
pub(crate) struct Signed {
    /// In the order of the record.
    pub(crate) images: Vec<SignedImage>,
    /// Why images were not signed.
    pub(crate) failures: Vec<eyre::Report>,
    /// The release record as it is now.
    pub(crate) record: Value,
}

/// An image that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedImage {
    pub(crate) service: String,
    /// Registry and repository.
    pub(crate) repository: String,
    pub(crate) digest: Digest,
    /// Whose signature it is.
    pub(crate) by: String,
    /// Signatures and statements that were made.
    pub(crate) made: usize,
    /// Those that were there.
    pub(crate) found: usize,
    /// What is attached, for the record.
    attached: Value,
}

/// Signs.
///
/// # Errors
/// When nothing can be signed. Failures of single images are in the result.
pub(crate) async fn run(
    project: &Project,
    progress: &Progress,
    request: &Request,
) -> eyre::Result<Signed> {
    let record = Record::required(project)?;
    let job = Job::of(|name| std::env::var(name).ok());
    let works = work::of(project.catalog(), &record, job.as_ref(), &request.services)?;
    let signer = signer::of(project, request.key.as_ref(), !request.is_unlogged).await?;
    let client = Client::new(project.registries().clone()).map_err(registries::failure)?;
    let signing = works.iter().map(|work| async {
        let step = progress.start(
            &work.service.name.as_str().into(),
            format!("sign {}", work.reference.name()),
            None,
        );
        let signed = sign(project, &record, job.as_ref(), &client, &signer, work).await;
        step.finish(match &signed {
            Ok(image) if image.made == 0 => Outcome::Cached,
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        signed.map_err(|error| error.wrap_err(format!("cannot sign {}", work.service.name)))
    });
    let mut signed = Signed::default();
    for result in join_all(signing).await {
        match result {
            Ok(image) => signed.images.push(image),
            Err(error) => signed.failures.push(error),
        }
    }
    let changed = record::change(project, |record| {
        for service in &mut record.services {
            let image = signed.images.iter().find(|it| it.service == service.name);
            if let Some(image) = image
                && image.digest == service.digest
            {
                service.more.insert(MEMBER.into(), image.attached.clone());
            }
        }
    });
    signed.record = serde_json::to_value(changed.await?)?;
    Ok(signed)
}

async fn sign(
    project: &Project,
    record: &Record,
    job: Option<&Job>,
    client: &Client,
    signer: &Signer,
    work: &Work<'_>,
) -> eyre::Result<SignedImage> {
    let mut made = 0;
    let mut found = 0;
    let mut count = |attached: &Attached| match attached.already {
        true => found += 1,
        false => made += 1,
    };
    let mut statements = Vec::new();
    let mut said = predicates(record, job, work);
    add_bills(&mut said, project, work).await?;
    for (image, predicates) in said {
        let kinds: Vec<String> = predicates.iter().map(|it| it.kind.clone()).collect();
        let attached = ci_signing::attest(client, &work.reference, image, signer, predicates).await;
        for (kind, attached) in kinds.into_iter().zip(attached.map_err(failure)?) {
            count(&attached);
            statements.push(json!({
                "image": image,
                "predicateType": kind,
                "manifest": attached.manifest,
            }));
        }
    }
    let formats = &project.catalog().signing().formats;
    let signatures =
        ci_signing::sign_images(client, &work.reference, &work.digests, signer, formats).await;
    let signatures = signatures.map_err(failure)?;
    let mut by = String::new();
    let mut forms = Vec::new();
    for signature in &signatures {
        by = signer::name(&signature.by);
        for (format, attached) in [("bundle", signature.bundle), ("legacy", signature.legacy)] {
            if let Some(attached) = attached {
                count(&attached);
                forms.push(json!({
                    "image": signature.image,
                    "format": format,
                    "manifest": attached.manifest,
                }));
            }
        }
    }
    Ok(SignedImage {
        service: work.service.name.clone(),
        repository: work.reference.name(),
        digest: work.service.digest,
        attached: json!({"by": by, "signatures": forms, "attestations": statements}),
        by,
        made,
        found,
    })
}

/// What is said, of the image as a whole and of each platform's.
fn predicates(
    record: &Record,
    job: Option<&Job>,
    work: &Work<'_>,
) -> Vec<(Digest, Vec<Predicate>)> {
    let service = work.service;
    let of = |kind: &str, content| Predicate {
        kind: kind.to_owned(),
        content,
    };
    let mut all = Vec::new();
    for image in &work.digests {
        let mut predicates = Vec::new();
        // Whoever built it has said where it is from.
        if !service.reused {
            let content = provenance::predicate(record, service, job);
            predicates.push(of(predicate::PROVENANCE, content));
        }
        if let Some(results) = &service.tests {
            let content = results::predicate(record, results, job);
            predicates.push(of(predicate::TEST_RESULT, content));
        }
        all.push((*image, predicates));
    }
    all.retain(|(_, predicates)| !predicates.is_empty());
    all
}

/// Adds what is in the image of each platform. One that was not built here is not at hand; whoever built it has said what is in it.
async fn add_bills(
    said: &mut Vec<(Digest, Vec<Predicate>)>,
    project: &Project,
    work: &Work<'_>,
) -> eyre::Result<()> {
    if work.service.reused {
        return Ok(());
    }
    for described in sbom::of_service(project, work.service, &[]).await? {
        let forms = [
            (predicate::SPDX, Form::Spdx),
            (predicate::CYCLONEDX, Form::CycloneDx),
        ];
        let mut bills = Vec::new();
        for (kind, form) in forms {
            bills.push(Predicate {
                kind: kind.to_owned(),
                content: serde_json::from_slice(&described.document(form)?)?,
            });
        }
        match said
            .iter_mut()
            .find(|(image, _)| *image == described.digest)
        {
            Some((_, predicates)) => predicates.extend(bills),
            None => said.push((described.digest, bills)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
