//! What a signature has to satisfy: one signer, and what else a certificate has to say.

use ci_catalog::Identity;
use serde::Serialize;
use sigstore_verify::crypto::CertificateInfo;

use super::Rejection;
use super::rejection::shown;
use crate::key::PublicKey;

/// Whose signatures count, and from which build. There is no policy of "anybody" (G6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who has to have signed.
    pub signer: Signer,
    /// What the certificate has to say besides; keys say nothing.
    pub claims: Claims,
}

/// Who has to have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// The one this issuer calls so.
    Identity(Identity),
    /// The holder of the private half.
    Key(PublicKey),
}

impl From<Signer> for Policy {
    fn from(signer: Signer) -> Self {
        Self {
            signer,
            claims: Claims::default(),
        }
    }
}

/// What a certificate of a build says of it (Fulcio, "Sigstore OID information"). In a policy: what it has to say, word for word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The repository that was built, as a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The reference that was built, in full: `refs/heads/main`.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The commit that was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The workflow that was started, as a URL with its reference. The identity is that of the workflow which signed: the same,
    /// unless this one calls another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The event that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

impl Claims {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What a certificate says. Of the older extensions of the same meaning none is read: whoever issues them issues these, too.
    pub(super) fn of(certificate: &CertificateInfo) -> Self {
        let claims = &certificate.ci_claims;
        Self {
            repository: claims.source_repository_uri.clone(),
            reference: claims.source_repository_ref.clone(),
            commit: claims.source_repository_digest.clone(),
            workflow: claims.build_config_uri.clone(),
            trigger: claims.build_trigger.clone(),
        }
    }

    /// Whether `said` is all that these claims ask for.
    pub(super) fn check(&self, said: &Self) -> Result<(), Rejection> {
        let pairs = [
            ("repository", &self.repository, &said.repository),
            ("ref", &self.reference, &said.reference),
            ("commit", &self.commit, &said.commit),
            ("workflow", &self.workflow, &said.workflow),
            ("trigger", &self.trigger, &said.trigger),
        ];
        for (claim, wanted, found) in pairs {
            if let Some(wanted) = wanted
                && found.as_ref() != Some(wanted)
            {
                return Err(Rejection::Claim {
                    claim,
                    wanted: wanted.clone(),
                    found: found.as_deref().map(shown),
                });
            }
        }
        Ok(())
    }
}
