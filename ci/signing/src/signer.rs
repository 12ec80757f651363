//! Making signatures, of statements and in the older form, with a certificate or with a key that is kept.
//!
//! Whatever is given out has been verified against the trust root, as anybody else would. Nothing here touches a registry.

mod certified;
mod hand;

use std::fmt;
use std::sync::Arc;

use ci_oci::Digest;
use sigstore_sign::types::bundle::MessageSignature;
use sigstore_sign::types::{
    Bundle, DsseEnvelope, DsseSignature, KeyId, PayloadBytes, SignatureContent,
};
use tokio::sync::Mutex;

use certified::Certified;
use hand::Hand;

use crate::error::{Error, Service};
use crate::identity::Identity;
use crate::key::KeyPair;
use crate::legacy::Legacy;
use crate::log::Signed;
use crate::services::Services;
use crate::stamped;
use crate::statement::{PAYLOAD_TYPE, Statement};
use crate::verify::{self, Policy, Trust};

/// Makes signatures. Clones are one signer.
#[derive(Clone)]
pub struct Signer {
    inner: Arc<Inner>,
}

enum Inner {
    Keyless {
        identity: Identity,
        services: Services,
        certified: Mutex<Option<Arc<Certified>>>,
    },
    Key {
        pair: KeyPair,
        services: Option<Services>,
        /// Stands in where there are no services: nothing of it is asked for signatures that are in no log.
        unlogged: Trust,
    },
}

impl Signer {
    /// Signs as an identity, with certificates of `services`.
    pub fn keyless(identity: Identity, services: Services) -> Self {
        crate::crypto::install();
        Self {
            inner: Arc::new(Inner::Keyless {
                identity,
                services,
                certified: Mutex::new(None),
            }),
        }
    }

    /// Signs with a key. With `services`, signatures are entered into their log and stamped, as verifiers expect unless they are told
    /// otherwise; without, nothing leaves this machine but the signature.
    ///
    /// # Errors
    /// None in practice; the trust root that is built in could not be read.
    pub fn key(pair: KeyPair, services: Option<Services>) -> Result<Self, Error> {
        crate::crypto::install();
        let unlogged = Trust::bundled()?;
        Ok(Self {
            inner: Arc::new(Inner::Key {
                pair,
                services,
                unlogged,
            }),
        })
    }

    /// Who signs. Without a key that takes a certificate.
    ///
    /// # Errors
    /// There is no identity; Fulcio does not certify it.
    pub async fn signed_by(&self) -> Result<verify::Signer, Error> {
        match &*self.inner {
            Inner::Key { pair, .. } => Ok(verify::Signer::Key(pair.public()?)),
            Inner::Keyless { .. } => self.certified().await?.signed_by(),
        }
    }

    /// Signs a statement: a bundle that holds all a verifier needs beside its trust root.
    ///
    /// # Errors
    /// There is no identity; a service does not answer; what it answers does not verify.
    pub async fn statement(&self, statement: &Statement) -> Result<Bundle, Error> {
        let payload = statement.to_bytes()?;
        let pae = sigstore_sign::types::pae(PAYLOAD_TYPE, &payload);
        let hand = self.hand().await?;
        let signature = hand.pair().sign(&pae)?;
        let envelope = DsseEnvelope::new(
            PAYLOAD_TYPE,
            PayloadBytes::new(payload),
            DsseSignature::new(signature.clone(), KeyId::default()),
        );
        let signed = Signed::Envelope(&envelope);
        let evidence = hand.evidence(signed, &signature).await?;
        let bundle = hand.bundle(SignatureContent::DsseEnvelope(envelope), evidence)?;
        let image = statement.image()?;
        let what = "the bundle";
        let json = serde_json::to_vec(&bundle).map_err(|source| Error::Json { what, source })?;
        let policy = Policy::from(hand.signed_by()?);
        verify::bundle(&json, image, &policy, self.trust()).map_err(|why| unsound(image, why))?;
        Ok(bundle)
    }

    /// Signs an image in the form that was used before bundles. `name` is the image's name, without tag and digest.
    ///
    /// # Errors
    /// As [`Signer::statement`].
    pub async fn legacy(&self, name: &str, image: Digest) -> Result<Legacy, Error> {
        let payload = Legacy::to_sign(name, image)?;
        let hand = self.hand().await?;
        let signature = hand.pair().sign(&payload)?;
        let evidence = hand.evidence(Signed::Bytes(&payload), &signature).await?;
        let content = MessageSignature::new(signature);
        let bundle = hand.bundle(SignatureContent::MessageSignature(content), evidence)?;
        let legacy = Legacy::new(payload, &bundle, hand.chain())?;
        let by = hand.signed_by()?;
        self.verify_legacy(&legacy, image, &by)
            .map_err(|why| unsound(image, why))?;
        Ok(legacy)
    }

    /// Whether a legacy signature of `image` is of `by`. Where only a Rekor v2 log is written to there is no entry in it to ask for.
    pub(crate) fn verify_legacy(
        &self,
        signature: &Legacy,
        image: Digest,
        by: &verify::Signer,
    ) -> Result<(), String> {
        let services = self.services();
        let enterable = services.is_some_and(|services| services.rekor.v1.is_some());
        if let (Some(services), verify::Signer::Identity(identity)) = (services, by)
            && !enterable
            && !signature.is_logged()
        {
            signature.is_of(image)?;
            return stamped::verify(signature, identity, services);
        }
        let layer = verify::Layer {
            payload: signature.payload().to_vec(),
            annotations: signature.annotations().clone(),
        };
        let verified = verify::legacy(&layer, image, &Policy::from(by.clone()), self.trust());
        match verified.map_err(|why| why.to_string())?.logged || !enterable {
            true => Ok(()),
            false => Err("it is not in the log".to_owned()),
        }
    }

    /// Whether this signer's bundles are in a log.
    pub(crate) fn is_logged(&self) -> bool {
        self.services().is_some()
    }

    /// What this signer's signatures are verified against.
    pub(crate) fn trust(&self) -> &Trust {
        match &*self.inner {
            Inner::Keyless { services, .. } => services.trust(),
            Inner::Key {
                services, unlogged, ..
            } => services.as_ref().map_or(unlogged, Services::trust),
        }
    }

    pub(crate) fn services(&self) -> Option<&Services> {
        match &*self.inner {
            Inner::Keyless { services, .. } => Some(services),
            Inner::Key { services, .. } => services.as_ref(),
        }
    }

    async fn hand(&self) -> Result<Hand<'_>, Error> {
        Ok(match &*self.inner {
            Inner::Keyless { services, .. } => Hand::Certified(services, self.certified().await?),
            Inner::Key { pair, services, .. } => Hand::Key(services.as_ref(), pair),
        })
    }

    /// The certificate that is used now; a new one when there is none or its time is nearly over.
    async fn certified(&self) -> Result<Arc<Certified>, Error> {
        let Inner::Keyless {
            identity,
            services,
            certified,
        } = &*self.inner
        else {
            return Err(Error::NoService(Service::Fulcio));
        };
        let mut certified = certified.lock().await;
        if let Some(there) = certified.as_ref()
            && there.is_fresh()
        {
            return Ok(Arc::clone(there));
        }
        let new = Arc::new(Certified::request(services, identity).await?);
        *certified = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &*self.inner {
            Inner::Keyless { .. } => "keyless",
            Inner::Key { .. } => "key",
        };
        write!(f, "Signer({kind})")
    }
}

fn unsound(image: Digest, why: impl fmt::Display) -> Error {
    Error::Unsound {
        what: image.to_string(),
        problem: why.to_string(),
    }
}
