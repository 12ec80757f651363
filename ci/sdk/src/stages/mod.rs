//! The stages: what the commands do, written with Dagger functions.
//!
//! Stages take a [`crate::Context`] and a [`Request`], and return what happened as values. Arguments, tables and exit codes
//! belong to the command line.

pub(crate) mod affected;
pub(crate) mod bases;
pub(crate) mod build;
mod checkout;
pub(crate) mod deployments;
mod dockerfile;
mod files;
pub(crate) mod fingerprint;
pub(crate) mod gate;
pub(crate) mod git;
pub(crate) mod kustomize;
pub(crate) mod limits;
mod lock;
mod plan;
pub(crate) mod preview;
pub(crate) mod promote;
pub(crate) mod push;
mod recipe;
mod record;
pub(crate) mod reuse;
pub(crate) mod sbom;
#[cfg(feature = "sign")]
pub(crate) mod sign;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod verify;
pub(crate) mod version;

use std::collections::BTreeSet;

use ci_catalog::{Name, Platform};

pub(crate) use checkout::Checkout;

use crate::error::{Exit, UserError};

/// What is to be built or tested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Names from the command line; none means the catalog's default services.
    pub(crate) services: Vec<String>,
    /// The environment whose tag template names the images.
    pub(crate) environment: Option<String>,
    /// Instead of the platforms in the catalog.
    pub(crate) platforms: Vec<Platform>,
    /// Of these services only those; from `--affected`.
    pub(crate) only: Option<BTreeSet<Name>>,
    /// Whether what registries have of the same inputs is to be used instead of building it.
    pub(crate) reuse: bool,
    /// Whether every base has to be in `pipeline.lock`, and nothing else.
    pub(crate) locked: bool,
}

/// The time that images carry as theirs: `SOURCE_DATE_EPOCH`, else that of the commit, else the epoch itself.
///
/// # Errors
/// When `SOURCE_DATE_EPOCH` is no number.
pub(crate) fn source_date_epoch(checkout: &Checkout) -> Result<i64, UserError> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) if !text.is_empty() => text.parse().map_err(|_| {
            UserError::new(
                Exit::Usage,
                format!("SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds"),
            )
        }),
        _ => Ok(checkout.commit_time.unwrap_or(0)),
    }
}
