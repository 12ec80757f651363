//! Whose signatures count, and who is trusted to say whose they are: what `verify` and `gate` take alike.

use std::path::PathBuf;

use ci_catalog::{Catalog, GITHUB_ISSUER, Identity};

use crate::error::{Exit, UserError};
use crate::stages::verify::{Demand, Who, nobody};

/// Who has to have signed.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Trusting {
    /// Who has to have signed, exactly [default: `[signing]` of pipeline.toml]
    #[arg(long, value_name = "URL")]
    identity: Option<String>,

    /// With --identity: who vouches for it [default: GitHub, for the jobs of its Actions]
    #[arg(long, value_name = "URL", requires = "identity")]
    issuer: Option<String>,

    /// The public key that images have to be signed with, instead
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    key: Option<PathBuf>,

    /// Trust this Sigstore, without asking anybody: a trusted_root.json, of a private one or saved
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
}

impl Trusting {
    /// Whose signatures count: as the command line says, else the catalog.
    ///
    /// # Errors
    /// Nobody is named, or not exactly (G6).
    pub(crate) fn demand(&self, catalog: Option<&Catalog>) -> Result<Demand, UserError> {
        let mut demand = match (&self.identity, &self.key, catalog) {
            (Some(identity), _, _) => {
                let issuer = self.issuer.as_deref().unwrap_or(GITHUB_ISSUER);
                let identity = Identity::new(issuer, identity).map_err(|fault| {
                    UserError::new(Exit::Usage, format!("--identity with its issuer: {fault}"))
                })?;
                Demand::new(Who::Identity(identity))
            }
            (None, Some(key), _) => Demand::new(Who::Key(key.clone())),
            (None, None, Some(catalog)) => Demand::of(catalog)?,
            (None, None, None) => return Err(nobody()),
        };
        demand.trusted_root = self.trusted_root.clone().or(demand.trusted_root);
        Ok(demand)
    }

    /// Whether the command line names somebody.
    pub(crate) fn names(&self) -> bool {
        self.identity.is_some() || self.key.is_some()
    }
}
