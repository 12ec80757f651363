//! Verification itself: what is trusted is read once, images are asked about one by one.

use ci_oci::Reference;
use ci_registry::{Client, Config};
use ci_signing::PublicKey;
use ci_signing::discovery::{self, Judged};
use ci_signing::verify::{Claims, Policy, Signer, Trust, Verified};

use super::demand::read;
use super::{Checked, Demand, Who};
use crate::error::{Exit, UserError};
use crate::registries;

/// Whose signatures count, and what is trusted to say whose they are.
#[derive(Debug)]
pub(crate) struct Verification {
    registry: Client,
    policy: Policy,
    trust: Trust,
    warning: Option<String>,
}

impl Verification {
    /// Gets ready: reads the key and what is trusted, or asks the public Sigstore for that.
    ///
    /// # Errors
    /// When a file cannot be read or is something else.
    pub(crate) async fn open(demand: &Demand, registries: &Config) -> eyre::Result<Self> {
        let signer = match &demand.who {
            Who::Identity(identity) => Signer::Identity(identity.clone()),
            Who::Key(path) => {
                let key = PublicKey::from_pem(read(path, "the public key")?.as_bytes());
                Signer::Key(key.map_err(failure)?)
            }
        };
        let (trust, warning) = match (&demand.trusted_root, &signer) {
            (Some(path), _) => {
                let text = read(path, "the trusted root")?;
                let trust = Trust::from_json(&text, &path.display().to_string());
                (trust.map_err(failure)?, None)
            }
            // What a key needs of the public Sigstore is its log, if it is in one: no reason to ask for news.
            (None, Signer::Key(_)) => (Trust::bundled().map_err(failure)?, None),
            (None, Signer::Identity(_)) => {
                let http = ci_http::Http::new(&registries.http)?;
                Trust::public(&http).await.map_err(failure)?
            }
        };
        Ok(Self {
            registry: Client::new(registries.clone()).map_err(registries::failure)?,
            policy: Policy {
                signer,
                claims: Claims {
                    repository: demand.repository.clone(),
                    reference: demand.reference.clone(),
                    commit: demand.commit.clone(),
                    workflow: demand.workflow.clone(),
                    trigger: None,
                },
            },
            trust,
            warning,
        })
    }

    /// Why what is trusted may be out of date.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Who signed an image, which is named by its digest, and who attested what was asked for.
    ///
    /// # Errors
    /// When its registry cannot be asked. What does not hold is in the result.
    pub(crate) async fn check(
        &self,
        image: &Reference,
        attestations: &[String],
    ) -> eyre::Result<Checked> {
        Ok(Self::checked(&self.judge(image).await?, attestations))
    }

    /// The same of what is known already.
    pub(crate) fn checked(judged: &Judged, attestations: &[String]) -> Checked {
        let answer = |found: Option<&Verified>, what: &str| match found {
            Some(verified) => Ok(verified.signer.clone()),
            None => Err(none(judged, what)),
        };
        Checked {
            signature: answer(judged.signatures().next(), "signature"),
            attestations: attestations
                .iter()
                .map(|kind| {
                    let found = judged.attestations(kind).next();
                    (kind.clone(), answer(found, "attestation of this type"))
                })
                .collect(),
        }
    }

    /// Everything that is attached to an image, and what of it holds.
    ///
    /// # Errors
    /// When its registry cannot be asked, or the image is not named by its digest.
    pub(crate) async fn judge(&self, image: &Reference) -> eyre::Result<Judged> {
        let digest = image.digest().ok_or_else(|| {
            UserError::new(Exit::Usage, format!("{image} names no digest"))
                .hint("a tag may name another image by now: NAME@sha256:…")
        })?;
        let found = discovery::find(&self.registry, image, digest).await;
        let found = found.map_err(registries::failure)?;
        Ok(discovery::judge(&found, &self.policy, &self.trust))
    }

    /// The digest that an image has now.
    ///
    /// # Errors
    /// When it is not there, or its registry cannot be asked.
    pub(crate) async fn resolve(&self, image: &Reference) -> eyre::Result<Reference> {
        let found = self.registry.digest(image).await;
        let digest = found.map_err(registries::failure)?.digest;
        Ok(image.clone().with_digest(digest))
    }
}

/// Why there is none: nothing is attached, or nothing of it counts.
fn none(judged: &Judged, what: &str) -> String {
    let reasons: Vec<String> = judged
        .rejections()
        .iter()
        .map(ToString::to_string)
        .collect();
    match reasons.as_slice() {
        [] => format!("it has no {what}"),
        reasons => format!("no {what} counts: {}", reasons.join("; ")),
    }
}

/// What an error of signing means to the run.
pub(crate) fn failure(error: ci_signing::Error) -> UserError {
    use ci_signing::Error;
    let error = match error {
        Error::Registry(error) => return registries::failure(error),
        other => other,
    };
    let exit = match &error {
        Error::Digest { .. } | Error::Unsound { .. } => Exit::Failed,
        Error::Service { .. } | Error::Crypto(_) => Exit::Infrastructure,
        _ => Exit::Usage,
    };
    let failure = UserError::new(exit, error.to_string());
    match error.help() {
        Some(help) => failure.hint(help),
        None => failure,
    }
}
