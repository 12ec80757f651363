//! What signs, and the evidence that it did so in time: an entry in a log, a timestamp.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sigstore_sign::bundle::{BundleV03, VerificationMaterialV03};
use sigstore_sign::tsa::TimestampClient;
use sigstore_sign::types::{
    Bundle, DerCertificate, SignatureBytes, SignatureContent, TimestampToken, TransparencyLogEntry,
};

use super::certified::Certified;
use crate::call::call;
use crate::error::{Error, Service};
use crate::key::KeyPair;
use crate::log::{self, Signed, Verifier};
use crate::services::Services;
use crate::verify;

/// How far a log's clock may be ahead of this machine's.
const MAX_AHEAD: Duration = Duration::from_secs(30);

/// What signs.
pub(super) enum Hand<'a> {
    Certified(&'a Services, Arc<Certified>),
    Key(Option<&'a Services>, &'a KeyPair),
}

/// What shows that a signature was there in time.
#[derive(Default)]
pub(super) struct Evidence {
    entry: Option<TransparencyLogEntry>,
    timestamp: Option<TimestampToken>,
}

impl Hand<'_> {
    pub(super) fn pair(&self) -> &KeyPair {
        match self {
            Self::Certified(_, certified) => &certified.pair,
            Self::Key(_, pair) => pair,
        }
    }

    pub(super) fn services(&self) -> Option<&Services> {
        match self {
            Self::Certified(services, _) => Some(services),
            Self::Key(services, _) => *services,
        }
    }

    pub(super) fn chain(&self) -> &[DerCertificate] {
        match self {
            Self::Certified(_, certified) => &certified.chain,
            Self::Key(..) => &[],
        }
    }

    pub(super) fn signed_by(&self) -> Result<verify::Signer, Error> {
        match self {
            Self::Certified(_, certified) => certified.signed_by(),
            Self::Key(_, pair) => Ok(verify::Signer::Key(pair.public()?)),
        }
    }

    /// Has a signature logged and stamped: in a v1 log as long as there is one. Only its entries fit into legacy signatures, and only
    /// they have the time that cosign 2 asks for.
    pub(super) async fn evidence(
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

    pub(super) fn bundle(
        &self,
        content: SignatureContent,
        evidence: Evidence,
    ) -> Result<Bundle, Error> {
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

#[cfg(test)]
mod tests;
