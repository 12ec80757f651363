//! What is to be signed: the images of the release record that were pushed, and what can be said of them.

use ci_catalog::Catalog;
use ci_oci::{Digest, Reference};

use super::job::Job;
use crate::error::{Exit, UserError};
use crate::stages::record::{Record, Service};

/// One image that is to be signed.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) service: &'a Service,
    /// Registry, repository, and a tag that it was pushed under.
    pub(super) reference: Reference,
    /// Its digest; then those of its platforms, where these are signed, too.
    pub(super) digests: Vec<Digest>,
}

/// The images that `names` mean, or all that were built; in the order of the record.
///
/// # Errors
/// When one of them cannot be signed in good conscience: it was not built or not pushed, its tests failed, it was built from uncommitted
/// changes, or by another job than this.
pub(super) fn of<'a>(
    catalog: &Catalog,
    record: &'a Record,
    job: Option<&Job>,
    names: &[String],
) -> eyre::Result<Vec<Work<'a>>> {
    honest(record, job)?;
    let wanted = match names {
        [] => record.services.iter().collect(),
        names => {
            let selected = catalog.select(names)?;
            let selected = selected
                .into_iter()
                .map(|it| built(record, it.name.as_str()));
            selected.collect::<Result<Vec<_>, _>>()?
        }
    };
    let works = wanted.into_iter().map(|service| work(catalog, service));
    works.collect()
}

fn built<'a>(record: &'a Record, name: &str) -> Result<&'a Service, UserError> {
    record.service(name).ok_or_else(|| {
        UserError::new(Exit::Usage, format!("{name} was not built"))
            .hint(format!("`build {name}` and `push {name}` first"))
    })
}

/// A signature says that an image is of a commit, and provenance says whose job built it.
fn honest(record: &Record, job: Option<&Job>) -> Result<(), UserError> {
    let source = &record.source;
    if source.dirty {
        let message =
            "the images were built from uncommitted changes, and no signature can say from which";
        return Err(UserError::new(Exit::Usage, message).hint("commit, then build and push again"));
    }
    match job {
        Some(job) if job.commit != source.commit => {
            let message = format!(
                "the images were built from commit {}, and this job is of {}",
                source.commit, job.commit
            );
            Err(UserError::new(Exit::Usage, message)
                .hint("sign in the run that builds; a job of it can take over `.pipeline`"))
        }
        _ => Ok(()),
    }
}

fn work<'a>(catalog: &Catalog, service: &'a Service) -> eyre::Result<Work<'a>> {
    let name = &service.name;
    let failed = service.tests.iter().flat_map(|it| &it.failed);
    let failed: Vec<&str> = failed.map(String::as_str).collect();
    if !failed.is_empty() {
        let message = format!("{name} failed its tests: {}", failed.join(", "));
        return Err(UserError::new(Exit::Failed, message)
            .hint(format!("`test {name}` shows what is wrong"))
            .into());
    }
    let reference: Reference = service.repository.parse()?;
    let tag = service.tags.first().ok_or_else(|| {
        UserError::new(Exit::Usage, format!("{name} was not pushed"))
            .hint(format!("`push {name}` first"))
    })?;
    let platforms = service.platforms.iter().map(|platform| platform.digest);
    let platforms =
        platforms.filter(|digest| catalog.signing().platforms && *digest != service.digest);
    Ok(Work {
        service,
        reference: reference.with_tag(tag)?,
        digests: std::iter::once(service.digest).chain(platforms).collect(),
    })
}
