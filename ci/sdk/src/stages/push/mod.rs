//! `push`: brings what `build` recorded into its registries, so that the digest that was tested is the digest that is there.
//!
//! What is pushed is what the release record says, whatever the checkout has become since. Images go by digest first; when all of a
//! release unit are there, they get their tags; then the record says so. Repeated after an interrupt, it finishes.

mod blobs;
mod entry;
mod image;
mod unit;
mod work;

use std::collections::BTreeMap;

use ci_engine::Progress;
use ci_oci::Layout;
use ci_registry::Client;
use futures::future::join_all;

use self::blobs::Blobs;
pub(crate) use self::unit::PushedImage;
use super::record::{self, Record};
use crate::error::UserError;
use crate::project::Project;
use crate::registries;

/// What is to be pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Names from the command line; none means everything that was built.
    pub(crate) services: Vec<String>,
    /// The environment whose tags the images get; the one they were built for if absent.
    pub(crate) environment: Option<String>,
    /// Whether images of changes that no commit has may be pushed.
    pub(crate) allow_dirty: bool,
}

/// What had to be done for an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Transferred {
    /// Blobs that were sent.
    pub(crate) sent: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Blobs that the registry had, in this repository or another.
    pub(crate) found: usize,
}

/// What was pushed.
#[derive(Debug, Default)]
pub(crate) struct Pushed {
    /// Ordered by service.
    pub(crate) images: Vec<PushedImage>,
    /// Why units were not pushed.
    pub(crate) failures: Vec<eyre::Report>,
    /// The release record as it is now.
    pub(crate) record: serde_json::Value,
}

/// Pushes.
///
/// # Errors
/// When there is nothing to push, or something that may not be pushed. Failures of registries are in the result.
pub(crate) async fn run(
    project: &Project,
    progress: &Progress,
    request: &Request,
) -> eyre::Result<Pushed> {
    let record = Record::required(project)?;
    // There is none where everything was found in registries.
    let layout = Layout::create(&project.state_dir().join(super::build::LAYOUT))?;
    // Another build may tidy up meanwhile.
    layout.hold()?;
    let stored: Vec<_> = layout.images()?.into_iter().map(|(_, it)| it).collect();
    let units = work::of(project, &record, &stored, request)?;
    let client = Client::new(project.registries().clone()).map_err(registries::failure)?;
    let blobs = Blobs::default();
    let pushing = units
        .iter()
        .map(|unit| unit::push(&client, &layout, &blobs, progress, unit));
    let mut pushed = Pushed::default();
    for result in join_all(pushing).await {
        match result {
            Ok(images) => pushed.images.extend(images),
            Err(error) => pushed.failures.push(error),
        }
    }
    pushed.images.sort_by(|a, b| a.service.cmp(&b.service));
    let tags: BTreeMap<_, _> = pushed
        .images
        .iter()
        .map(|image| (image.service.as_str(), image))
        .collect();
    let changed = record::change(project, |record| {
        for service in &mut record.services {
            if let Some(image) = tags.get(service.name.as_str())
                && image.digest == service.digest
            {
                service.repository.clone_from(&image.repository);
                service.tags.extend(image.tags.iter().cloned());
                service.tags.sort();
                service.tags.dedup();
            }
        }
    });
    pushed.record = serde_json::to_value(changed.await?)?;
    Ok(pushed)
}

/// What an error of a registry means, told with what was being done.
fn failed(what: &str, error: ci_registry::Error) -> eyre::Report {
    let failure: UserError = registries::failure(error);
    eyre::Report::from(failure).wrap_err(what.to_owned())
}
