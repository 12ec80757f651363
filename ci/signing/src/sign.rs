//! Signing images in a registry: look what is signed already, make all that is missing, and only then attach anything.
//!
//! So a service that fails leaves nothing half-signed (G4), and a run that is killed between two attachments is finished by the next
//! one, which makes only what is missing. Tags are moved, and what was done is recorded, by the callers.

use std::collections::BTreeSet;

use ci_catalog::SignatureFormat;
use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::{Client, TagState};
use futures::future::{join, join_all};

use crate::attach::{Attachment, attach_bundles, attach_legacy};
use crate::error::Error;
use crate::existing;
use crate::legacy::Legacy;
use crate::signer::Signer;
use crate::statement::{Predicate, Statement};
use crate::verify;

/// How an image is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The image.
    pub image: Digest,
    /// Whose signature it is.
    pub by: verify::Signer,
    /// Its bundle, where that was asked for.
    pub bundle: Option<Attached>,
    /// Its legacy signature, where that was asked for.
    pub legacy: Option<Attached>,
}

/// Something that is attached to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached {
    /// The digest of the manifest that holds it.
    pub manifest: Digest,
    /// Whether it was there before.
    pub already: bool,
    /// Its place in the transparency log, where it is in one.
    pub log_index: Option<u64>,
}

impl Signed {
    /// Whether all of it was there before.
    pub fn already(&self) -> bool {
        [self.bundle, self.legacy]
            .iter()
            .flatten()
            .all(|one| one.already)
    }
}

/// Signs images (an index, and its platforms' manifests where that is wanted) in `reference`'s repository. `images` are the digests
/// that were computed here; where `reference` has a tag, it has to name the first of them if it names anything. What this signer has
/// signed before stays as it is.
///
/// # Errors
/// The registry has something else under a digest or the tag, or not the image; a signature cannot be made, and nothing was
/// attached; it cannot be attached.
pub async fn sign_images(
    client: &Client,
    reference: &Reference,
    images: &[Digest],
    signer: &Signer,
    formats: &BTreeSet<SignatureFormat>,
) -> Result<Vec<Signed>, Error> {
    let mut works = Vec::new();
    for (nth, image) in images.iter().enumerate() {
        let subject = check(client, reference, *image, nth == 0).await?;
        let bundle = formats.contains(&SignatureFormat::Bundle);
        let statements = bundle.then(|| Statement::signature(*image));
        let mut work = Work::new(subject, statements.into_iter().collect());
        work.find(client, reference, signer).await?;
        if formats.contains(&SignatureFormat::Legacy) {
            work.legacy = match existing::legacy(client, reference, *image, signer).await? {
                Some(there) => Part::There(there),
                None => Part::Missing,
            };
        }
        works.push(work);
    }
    // Asked before anything is attached: it may fail.
    let by = signer.signed_by().await?;
    for work in &mut works {
        work.make(signer, &reference.name()).await?;
    }
    let done = works.iter().map(|work| work.attach(client, reference));
    let done: Vec<_> = join_all(done).await.into_iter().collect::<Result<_, _>>()?;
    let signed = done.into_iter().map(|(image, bundles, legacy)| Signed {
        image,
        by: by.clone(),
        bundle: bundles.into_iter().next(),
        legacy,
    });
    Ok(signed.collect())
}

/// States something about an image in `reference`'s repository, and gives how each statement is attached, in the order of the
/// `predicates`. The same statement by the same signer is made once.
///
/// # Errors
/// As [`sign_images`].
pub async fn attest(
    client: &Client,
    reference: &Reference,
    image: Digest,
    signer: &Signer,
    predicates: Vec<Predicate>,
) -> Result<Vec<Attached>, Error> {
    let subject = check(client, reference, image, false).await?;
    let statements = predicates.into_iter().map(|one| Statement::new(image, one));
    let mut work = Work::new(subject, statements.collect());
    work.find(client, reference, signer).await?;
    work.make(signer, &reference.name()).await?;
    let (_, bundles, _) = work.attach(client, reference).await?;
    Ok(bundles)
}

/// That the registry has the image under its digest, and nothing else under the tag (R4, R5).
async fn check(
    client: &Client,
    reference: &Reference,
    image: Digest,
    tagged: bool,
) -> Result<Descriptor, Error> {
    let there = client.stored(reference, image).await?;
    if tagged && reference.tag().is_some() {
        let tag = reference.clone().without_digest();
        if let TagState::Other(found) = client.tag_state(&tag, image).await? {
            return Err(Error::Digest {
                place: tag.to_string(),
                ours: image,
                found,
            });
        }
    }
    Ok(there)
}

/// What is to be attached to one image.
struct Work {
    image: Descriptor,
    bundles: Vec<(Statement, Part<Attachment>)>,
    legacy: Part<Legacy>,
}

/// One thing to attach, and how far it is.
enum Part<T> {
    /// Not asked for.
    Unwanted,
    /// Neither attached nor made.
    Missing,
    /// Made, and its place in the log.
    Made(T, Option<u64>),
    /// It was attached before.
    There(Attached),
}

impl Work {
    fn new(image: Descriptor, statements: Vec<Statement>) -> Self {
        let missing = statements.into_iter().map(|one| (one, Part::Missing));
        Self {
            image,
            bundles: missing.collect(),
            legacy: Part::Unwanted,
        }
    }

    /// Finds the bundles that are there.
    async fn find(
        &mut self,
        client: &Client,
        reference: &Reference,
        signer: &Signer,
    ) -> Result<(), Error> {
        let statements = self.bundles.iter().map(|(statement, _)| statement.clone());
        let statements: Vec<Statement> = statements.collect();
        if statements.is_empty() {
            return Ok(());
        }
        let image = self.image.digest;
        let found = existing::bundles(client, reference, image, signer, &statements).await?;
        for ((_, part), found) in self.bundles.iter_mut().zip(found) {
            if let Some(found) = found {
                *part = Part::There(found);
            }
        }
        Ok(())
    }

    /// Makes what is missing.
    async fn make(&mut self, signer: &Signer, name: &str) -> Result<(), Error> {
        for (statement, part) in &mut self.bundles {
            if matches!(part, Part::Missing) {
                let bundle = signer.statement(statement).await?;
                let entries = &bundle.verification_material.tlog_entries;
                let index = entries.first().map(|entry| entry.log_index.get());
                let kind = statement.predicate_type();
                *part = Part::Made(Attachment::new(&self.image, kind, &bundle)?, index);
            }
        }
        if matches!(self.legacy, Part::Missing) {
            let signature = signer.legacy(name, self.image.digest).await?;
            let index = signature.log_index();
            self.legacy = Part::Made(signature, index);
        }
        Ok(())
    }

    /// Attaches what was made, in both forms at once: much of the time it takes is spent on seeing whether others write, too. What
    /// fails keeps nothing else from being finished.
    async fn attach(
        &self,
        client: &Client,
        reference: &Reference,
    ) -> Result<(Digest, Vec<Attached>, Option<Attached>), Error> {
        let image = self.image.digest;
        let bundles = self.attach_bundles(client, reference);
        let legacy = self.attach_legacy(client, reference);
        let (bundles, legacy) = join(bundles, legacy).await;
        Ok((image, bundles?, legacy?))
    }

    async fn attach_bundles(
        &self,
        client: &Client,
        reference: &Reference,
    ) -> Result<Vec<Attached>, Error> {
        let mut made = Vec::new();
        let mut all = Vec::new();
        for (_, part) in &self.bundles {
            match part {
                Part::Made(attachment, log_index) => {
                    made.push(attachment.clone());
                    all.push(Attached {
                        manifest: attachment.digest(),
                        already: false,
                        log_index: *log_index,
                    });
                }
                Part::There(there) => all.push(*there),
                Part::Unwanted | Part::Missing => {}
            }
        }
        if !made.is_empty() {
            attach_bundles(client, reference, self.image.digest, &made).await?;
        }
        Ok(all)
    }

    async fn attach_legacy(
        &self,
        client: &Client,
        reference: &Reference,
    ) -> Result<Option<Attached>, Error> {
        Ok(match &self.legacy {
            Part::Made(signature, log_index) => Some(Attached {
                manifest: attach_legacy(client, reference, self.image.digest, signature).await?,
                already: false,
                log_index: *log_index,
            }),
            Part::There(there) => Some(*there),
            Part::Unwanted | Part::Missing => None,
        })
    }
}
