//! Whose signatures count, as the catalog or the command line say.

use std::path::{Path, PathBuf};

use ci_catalog::{Catalog, Identity, Signer};

use crate::error::{Exit, UserError};

/// What a signature is held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Who has to have signed.
    pub(crate) who: Who,
    /// The repository that has to have been built, as a URL.
    pub(crate) repository: Option<String>,
    /// The reference that has to have been built, in full.
    pub(crate) reference: Option<String>,
    /// The commit that has to have been built.
    pub(crate) commit: Option<String>,
    /// The workflow that has to have been started, as a URL with its reference.
    pub(crate) workflow: Option<String>,
    /// What is trusted, in place of the public Sigstore: a `trusted_root.json`.
    pub(crate) trusted_root: Option<PathBuf>,
}

/// Who has to have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The one an issuer calls so.
    Identity(Identity),
    /// The holder of the private half of the key in this file.
    Key(PathBuf),
}

impl Demand {
    /// Nothing but that this one signed.
    pub(crate) fn new(who: Who) -> Self {
        Self {
            who,
            repository: None,
            reference: None,
            commit: None,
            workflow: None,
            trusted_root: None,
        }
    }

    /// What the catalog declares.
    ///
    /// # Errors
    /// When it names nobody.
    pub(crate) fn of(catalog: &Catalog) -> Result<Self, UserError> {
        let signing = catalog.signing();
        let below = |path: &ci_catalog::RelativePath| path.under(catalog.root());
        let who = match &signing.signer {
            Some(Signer::Identity(identity)) => Who::Identity(identity.clone()),
            Some(Signer::Key(path)) => Who::Key(below(path)),
            None => return Err(nobody()),
        };
        Ok(Self {
            trusted_root: signing.trusted_root.as_ref().map(below),
            ..Self::new(who)
        })
    }
}

/// Nobody is named whose signatures count. Those of anybody are worth nothing (G6).
pub(crate) fn nobody() -> UserError {
    UserError::new(Exit::Usage, "nobody is named whose signatures count").hint(
        "in pipeline.toml: `[signing]` with `identity = \"https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@refs/heads/BRANCH\"`, or with `key`",
    )
}

/// What a file holds.
#[cfg_attr(
    not(feature = "sign"),
    expect(dead_code, reason = "nothing is read without signing")
)]
pub(crate) fn read(path: &Path, what: &str) -> Result<String, UserError> {
    std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read {what} {}", path.display());
        UserError::new(Exit::Usage, message).because(error)
    })
}
