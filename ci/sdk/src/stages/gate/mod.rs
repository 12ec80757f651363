//! `gate`: whether every image that manifests run is pinned by its digest, is there, and is signed by who is declared to sign.
//!
//! For the checks of a deployments repository, which may have no services and no catalog. Which images manifests run is
//! [`ci_deployments::gate`]'s business. Every source must run images, and every image is told with what was checked of it: what was not
//! checked is no success.

mod declared;
mod look;
mod sources;

use std::path::PathBuf;

use ci_catalog::Catalog;
use ci_engine::Progress;
use ci_registry::Config;
use serde::Serialize;

use super::verify::Demand;
use crate::error::{Exit, UserError};

pub(crate) use look::Verdict;
pub(crate) use sources::Source;

/// What is to be checked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Where manifests are.
    pub(crate) sources: Vec<Source>,
    /// The environment of the catalog whose declared places are checked, too, in the files of this checkout.
    pub(crate) environment: Option<String>,
    /// Images and objects, as they are written, that are not checked.
    pub(crate) except: Vec<String>,
    /// What signatures are held to; absent: images need none.
    pub(crate) signatures: Option<Demand>,
    /// Repositories, with all below them, whose images need none either.
    pub(crate) unsigned: Vec<String>,
}

/// Where the check takes place.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The catalog, where there is one.
    pub(crate) catalog: Option<Catalog>,
    /// How registries are reached, and as whom.
    pub(crate) registries: Config,
}

/// One image, wherever it is run.
#[derive(Debug)]
pub(crate) struct Checked {
    /// As it is written.
    pub(crate) image: String,
    /// Who runs it; never empty.
    pub(crate) places: Vec<Place>,
    /// What came of it.
    pub(crate) verdict: Verdict,
}

/// Who runs an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    /// The file, or what was rendered.
    pub(crate) source: String,
    /// From 1.
    pub(crate) line: usize,
    /// The object, service or variable, and the container.
    pub(crate) by: String,
}

/// Checks.
///
/// # Errors
/// When something cannot be read, and when a source runs no image. What is wrong with images is in the result, which is never empty.
pub(crate) async fn run(
    setting: &Setting,
    progress: &Progress,
    request: &Request,
) -> eyre::Result<Vec<Checked>> {
    let mut found = sources::read(&request.sources).await?;
    if let Some(environment) = &request.environment {
        found.extend(declared::read(setting.catalog.as_ref(), environment)?);
    }
    if found.is_empty() {
        let message = "none of this runs an image, so nothing was checked";
        return Err(UserError::new(Exit::Failed, message).into());
    }
    let checked = look::at(setting, progress, request, found).await?;
    if checked
        .iter()
        .all(|it| matches!(it.verdict, Verdict::Excepted))
    {
        let message = "every image is excepted, so nothing was checked";
        return Err(UserError::new(Exit::Failed, message).into());
    }
    Ok(checked)
}

/// What a client needs to know, whether or not there is a catalog.
pub(crate) fn setting(
    directory: &std::path::Path,
    variable: impl Fn(&str) -> Option<String>,
) -> eyre::Result<Setting> {
    let root: Option<PathBuf> = ci_catalog::find_root(directory);
    Ok(Setting {
        catalog: root.map(|root| Catalog::load(&root)).transpose()?,
        registries: crate::registries::anywhere(directory, variable)?,
    })
}

#[cfg(test)]
mod tests;
