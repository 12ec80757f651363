//! Policies for those who admit images: what a cluster is told so that it runs only what the signer signed, and what a deployments
//! repository is told so that it asks first.
//!
//! The same demand has the same text on every machine. Every value of the caller's is quoted, so that none can be more than a value.

mod argocd;
mod kyverno;
mod policy_controller;
mod repositories;
mod yaml;

use ci_catalog::Identity;

pub use argocd::{Check, argocd};
pub use kyverno::kyverno;
pub use policy_controller::policy_controller;

/// What admission is to demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What the objects are named after: the project.
    pub name: String,
    /// The repositories whose images have to be signed, as their names are written in full.
    pub repositories: Vec<String>,
    /// Who has to have signed.
    pub signer: Signer,
    /// Types of what has to be attested of them besides.
    pub attestations: Vec<String>,
    /// What is trusted in place of the public Sigstore: the text of a `trusted_root.json`.
    pub trusted_root: Option<String>,
}

/// Who has to have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// The one this issuer calls so.
    Identity(Identity),
    /// The holder of the private half of this key.
    Key {
        /// The public key, PEM.
        pem: String,
        /// Whether signatures have to be in a transparency log.
        logged: bool,
    },
}

impl Demand {
    /// Who has to have signed, for messages and comments.
    fn signed_by(&self) -> String {
        match &self.signer {
            Signer::Identity(identity) => identity.identity().to_owned(),
            Signer::Key { .. } => format!("the key of {}", self.name),
        }
    }
}

#[cfg(test)]
mod tests;
