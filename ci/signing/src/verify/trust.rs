//! What is trusted: the authorities and logs of one Sigstore instance.

use std::fmt;
use std::time::Duration;

use ci_catalog::Identity;
use ci_http::Http;
use sigstore_verify::trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot, TufConfig};
use sigstore_verify::{IdentityMatcher, VerificationPolicy, Verifier};

use crate::error::Error;

/// How long the public Sigstore's repository may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Sigstore instance's certificate authorities, logs and timestamp authorities, checked and ready.
pub struct Trust {
    verifier: Verifier,
    /// Whether it has a log of certificates. A private instance need not have one.
    transparent: bool,
}

impl Trust {
    /// What a trusted root names.
    ///
    /// # Errors
    /// It holds what is no key or certificate.
    pub fn new(root: &TrustedRoot) -> Result<Self, Error> {
        Self::named(root, "the trusted root")
    }

    /// Reads a `trusted_root.json`. `what` is its name in messages.
    ///
    /// # Errors
    /// It is none.
    pub fn from_json(text: &str, what: &str) -> Result<Self, Error> {
        let root = TrustedRoot::from_json(text).map_err(|error| Error::Trust {
            what: what.to_owned(),
            problem: error.to_string(),
        })?;
        Self::named(&root, what)
    }

    fn named(root: &TrustedRoot, what: &str) -> Result<Self, Error> {
        crate::crypto::install();
        let verifier = Verifier::new(root).map_err(|error| Error::Trust {
            what: what.to_owned(),
            problem: error.to_string(),
        })?;
        Ok(Self {
            verifier,
            transparent: !root.ctlogs.is_empty(),
        })
    }

    /// The public Sigstore as its TUF repository says it is now; as it was when this program was made where that cannot be asked, with
    /// the reason.
    ///
    /// # Errors
    /// The repository says what is no trusted root.
    pub async fn public(http: &Http) -> Result<(Self, Option<String>), Error> {
        crate::crypto::install();
        let config = TufConfig::production()
            .with_http_client(http.client().clone())
            .without_cache();
        let asked = tokio::time::timeout(PATIENCE, TrustedRoot::from_tuf(config)).await;
        let problem = match asked {
            Ok(Ok(root)) => return Ok((Self::new(&root)?, None)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        let warning = format!(
            "what is trusted may be out of date, as the public Sigstore's repository cannot be asked: {problem}"
        );
        Ok((Self::bundled()?, Some(warning)))
    }

    /// The public Sigstore as it was when this program was made. It works without a network; keys that came later are not in it.
    ///
    /// # Errors
    /// None in practice.
    pub fn bundled() -> Result<Self, Error> {
        Self::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT, "the bundled trusted root")
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The policy of `sigstore-verify` for one identity. Nothing that this instance has is left out.
    pub(super) fn policy(&self, identity: &Identity) -> VerificationPolicy {
        let name = identity.identity().to_owned();
        let matcher = match name.contains("://") {
            true => IdentityMatcher::Uri(name),
            false => IdentityMatcher::Email(name),
        };
        let policy = VerificationPolicy::new(matcher, identity.issuer());
        match self.transparent {
            true => policy,
            false => policy.skip_sct(),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}
