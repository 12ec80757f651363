//! Making signatures: a key for one use and a certificate for it, or a key that is kept; an entry in a log; a timestamp.
//!
//! Whatever is given out has been verified against the trust root, as anybody else would. Nothing here touches a registry.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ci_oci::Digest;
use sigstore_sign::bundle::{BundleV03, VerificationMaterialV03};
use sigstore_sign::crypto::{CertificateInfo, parse_certificate_info};
use sigstore_sign::fulcio::FulcioClient;
use sigstore_sign::tsa::TimestampClient;
use sigstore_sign::types::bundle::MessageSignature;
use sigstore_sign::types::{
    Bundle, DerCertificate, DsseEnvelope, DsseSignature, KeyId, PayloadBytes, SignatureBytes,
    SignatureContent, TimestampToken, TransparencyLogEntry,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::call::call;
use crate::error::{Error, Service};
use crate::identity::Identity;
use crate::key::KeyPair;
use crate::legacy::Legacy;
use crate::log::{self, Signed, Verifier};
use crate::services::Services;
use crate::stamped;
use crate::statement::{PAYLOAD_TYPE, Statement};
use crate::verify::{self, Policy, Trust};

/// A certificate is not used for the last part of its time, which services need to log and stamp what was signed.
const MARGIN: Duration = Duration::from_secs(180);
/// How far a log's clock may be ahead of this machine's.
const MAX_AHEAD: Duration = Duration::from_secs(30);

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

/// A pair of keys for a short time, and who it belongs to.
struct Certified {
    pair: KeyPair,
    /// The certificate first.
    chain: Vec<DerCertificate>,
    info: CertificateInfo,
    until: Instant,
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
        let layer = verify::Layer {
            payload: signature.payload().to_vec(),
            annotations: signature.annotations().clone(),
        };
        if let (Some(services), verify::Signer::Identity(identity)) = (self.services(), by)
            && services.rekor.v1.is_none()
            && !signature.is_logged()
        {
            signature.is_of(image)?;
            return stamped::verify(signature, identity, services);
        }
        let verified = verify::legacy(&layer, image, &Policy::from(by.clone()), self.trust());
        match verified.map_err(|why| why.to_string())? {
            verified if verified.logged == self.logs(signature) => Ok(()),
            _ => Err("it is not in the log".to_owned()),
        }
    }

    /// Whether this signer's legacy signatures carry a log entry.
    fn logs(&self, signature: &Legacy) -> bool {
        match self.services() {
            Some(services) if services.rekor.v1.is_some() => true,
            _ => signature.is_logged(),
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
            && Instant::now() < there.until
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

impl Certified {
    async fn request(services: &Services, identity: &Identity) -> Result<Self, Error> {
        let url = services.fulcio.as_deref();
        let url = url.ok_or(Error::NoService(Service::Fulcio))?;
        let failed = |problem: String| Error::Service {
            service: Service::Fulcio,
            url: url.to_owned(),
            problem,
        };
        let token = identity.token(services).await?;
        let pair = KeyPair::generate()?;
        let builder = FulcioClient::builder(url).with_http_client(services.http.client().clone());
        let client = builder.build();
        let client = client.map_err(|error| failed(format!("cannot be asked: {error}")))?;
        // From before it was asked for: its time began no earlier.
        let asked = Instant::now();
        let secret = Some(token.expose_secret());
        let place = (Service::Fulcio, url);
        let answer = call(&services.http, place, secret, || {
            client.create_signing_certificate(&token, pair.pair())
        })
        .await?;
        let chain = answer.certificate_chain().to_vec();
        let info = parse_certificate_info(answer.leaf_certificate())
            .map_err(|error| failed(format!("gives no certificate: {error}")))?;
        if info.public_key != *pair.public()?.der() {
            return Err(failed("gives a certificate for another key".to_owned()));
        }
        let life = info.not_after.duration_since(info.not_before);
        let life = Duration::try_from(life).unwrap_or_default();
        let until = asked + life.saturating_sub(MARGIN);
        Ok(Self {
            pair,
            chain,
            info,
            until,
        })
    }

    fn signed_by(&self) -> Result<verify::Signer, Error> {
        match (&self.info.identity, &self.info.issuer) {
            (Some(identity), Some(issuer)) => ci_catalog::Identity::new(issuer, identity.as_str())
                .map(verify::Signer::Identity)
                .map_err(|error| Error::Identity(error.to_string())),
            _ => Err(Error::Identity(
                "the certificate does not say whose it is".to_owned(),
            )),
        }
    }
}

/// What signs.
enum Hand<'a> {
    Certified(&'a Services, Arc<Certified>),
    Key(Option<&'a Services>, &'a KeyPair),
}

/// What shows that a signature was there in time.
#[derive(Default)]
struct Evidence {
    entry: Option<TransparencyLogEntry>,
    timestamp: Option<TimestampToken>,
}

impl Hand<'_> {
    fn pair(&self) -> &KeyPair {
        match self {
            Self::Certified(_, certified) => &certified.pair,
            Self::Key(_, pair) => pair,
        }
    }

    fn services(&self) -> Option<&Services> {
        match self {
            Self::Certified(services, _) => Some(services),
            Self::Key(services, _) => *services,
        }
    }

    fn chain(&self) -> &[DerCertificate] {
        match self {
            Self::Certified(_, certified) => &certified.chain,
            Self::Key(..) => &[],
        }
    }

    fn signed_by(&self) -> Result<verify::Signer, Error> {
        match self {
            Self::Certified(_, certified) => certified.signed_by(),
            Self::Key(_, pair) => Ok(verify::Signer::Key(pair.public()?)),
        }
    }

    /// Has a signature logged and stamped: in a v1 log as long as there is one. Only its entries fit into legacy signatures, and only
    /// they have the time that cosign 2 asks for.
    async fn evidence(
        &self,
        signed: Signed<'_>,
        signature: &SignatureBytes,
    ) -> Result<Evidence, Error> {
        let Some(services) = self.services() else {
            return Ok(Evidence::default());
        };
        let public = self.pair().public()?;
        let verifier = match self.chain().first() {
            Some(certificate) => Verifier::Certificate(certificate),
            None => Verifier::Key(public.der()),
        };
        let (v1, v2) = (services.rekor.v1.as_deref(), services.rekor.v2.as_deref());
        let entry = match (v1, v2) {
            (Some(url), _) => log::enter_v1(services, url, signed, signature, verifier).await?,
            (None, Some(_)) if services.timestamp.is_none() => {
                return Err(Error::NoService(Service::Timestamp));
            }
            (None, Some(url)) => log::enter_v2(services, url, signed, signature, verifier).await?,
            (None, None) => return Err(Error::NoService(Service::Rekor)),
        };
        let timestamp = match services.timestamp.as_deref() {
            Some(url) => Some(stamp(services, url, signature).await?),
            None => None,
        };
        await_time(services, &entry).await;
        Ok(Evidence {
            entry: Some(entry),
            timestamp,
        })
    }

    fn bundle(&self, content: SignatureContent, evidence: Evidence) -> Result<Bundle, Error> {
        let material = match self.chain().first() {
            Some(leaf) => VerificationMaterialV03::Certificate(leaf.clone()),
            None => VerificationMaterialV03::PublicKey {
                hint: self.pair().public()?.hint(),
            },
        };
        let mut bundle = BundleV03::new(material, content);
        if let Some(entry) = evidence.entry {
            bundle = bundle.with_tlog_entry(entry);
        }
        if let Some(timestamp) = evidence.timestamp {
            bundle = bundle.with_rfc3161_timestamp(timestamp);
        }
        Ok(bundle.into_bundle())
    }
}

async fn stamp(
    services: &Services,
    url: &str,
    signature: &SignatureBytes,
) -> Result<TimestampToken, Error> {
    let builder = TimestampClient::builder(url).with_http_client(services.http.client().clone());
    let client = builder.build().map_err(|error| Error::Service {
        service: Service::Timestamp,
        url: url.to_owned(),
        problem: format!("cannot be asked: {error}"),
    })?;
    call(&services.http, (Service::Timestamp, url), None, || {
        client.timestamp_signature(signature)
    })
    .await
}

/// Waits until it is here as late as the log says that it is, if this machine's clock is only a little behind: what was signed in the
/// future does not verify.
async fn await_time(services: &Services, entry: &TransparencyLogEntry) {
    let clock = services.http.clock();
    let logged = entry
        .integrated_time
        .and_then(|time| u64::try_from(time.as_second()).ok());
    let logged = logged.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let ahead = logged.and_then(|logged| logged.duration_since(clock.now()).ok());
    if let Some(ahead) = ahead.filter(|ahead| *ahead <= MAX_AHEAD) {
        clock.sleep(ahead).await;
    }
}

fn unsound(image: Digest, why: impl fmt::Display) -> Error {
    Error::Unsound {
        what: image.to_string(),
        problem: why.to_string(),
    }
}

#[cfg(test)]
mod tests;
