//! Certificates: a pair of keys for a short time, and Fulcio's word on whose it is.

use std::time::Duration;

use sigstore_sign::crypto::{CertificateInfo, parse_certificate_info};
use sigstore_sign::fulcio::FulcioClient;
use sigstore_sign::types::DerCertificate;
use tokio::time::Instant;

use crate::call::call;
use crate::error::{Error, Service};
use crate::identity::Identity;
use crate::key::KeyPair;
use crate::services::Services;
use crate::verify;

/// A certificate is not used for the last part of its time, which services need to log and stamp what was signed.
const MARGIN: Duration = Duration::from_secs(180);

/// A pair of keys for a short time, and who it belongs to.
pub(super) struct Certified {
    pub(super) pair: KeyPair,
    /// The certificate first.
    pub(super) chain: Vec<DerCertificate>,
    info: CertificateInfo,
    until: Instant,
}

impl Certified {
    /// A pair for the identity that `identity` gives a token for.
    pub(super) async fn request(services: &Services, identity: &Identity) -> Result<Self, Error> {
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

    /// Whether there is time enough to sign with it.
    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.until
    }

    /// Whose it is.
    pub(super) fn signed_by(&self) -> Result<verify::Signer, Error> {
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
