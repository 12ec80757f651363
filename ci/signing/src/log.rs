//! Entries of transparency logs: `dsse` and `hashedrekord` of Rekor v1, `hashedrekord` of Rekor v2.
//!
//! In a v2 log a statement is entered as a hashed record over what was signed: verifiers disagree about its `dsse` entries.

use serde_json::json;
use sigstore_sign::crypto::sha256;
use sigstore_sign::rekor::{
    DsseEntry, Error as RekorError, HashedRekord, HashedRekordV2, LogEntry, RekorClient,
    RekorV2Client, RekorV2KeyDetails,
};
use sigstore_sign::types::{
    DerCertificate, DerPublicKey, DsseEnvelope, EntryUuid, KindVersion, SignatureBytes,
    TransparencyLogEntry,
};

use crate::call::call;
use crate::error::{Error, Service};
use crate::key::armored;
use crate::services::Services;

/// Who a log is told that a signature is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verifier<'a> {
    Certificate(&'a DerCertificate),
    Key(&'a DerPublicKey),
}

impl Verifier<'_> {
    fn to_pem(self) -> String {
        match self {
            Self::Certificate(certificate) => armored("CERTIFICATE", certificate.as_bytes()),
            Self::Key(key) => armored("PUBLIC KEY", key.as_bytes()),
        }
    }
}

/// What was signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signed<'a> {
    /// A statement in its envelope.
    Envelope(&'a DsseEnvelope),
    /// Any bytes.
    Bytes(&'a [u8]),
}

/// Enters a signature into the v1 log at `url`.
pub(crate) async fn enter_v1(
    services: &Services,
    url: &str,
    signed: Signed<'_>,
    signature: &SignatureBytes,
    verifier: Verifier<'_>,
) -> Result<TransparencyLogEntry, Error> {
    let what = "the log entry";
    let json = |source| Error::Json { what, source };
    let builder = RekorClient::builder(url).with_http_client(services.http.client().clone());
    let client = builder.build().map_err(|error| broken(url, &error))?;
    let pem = verifier.to_pem();
    // The crate makes entries of certificates only; of keys they are the same with the key in that place.
    let place = base64(pem.as_bytes());
    let (kind, entry) = match signed {
        Signed::Envelope(envelope) => {
            let envelope = serde_json::to_string(envelope).map_err(json)?;
            let entry: DsseEntry = serde_json::from_value(json!({
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": { "proposedContent": { "envelope": envelope, "verifiers": [place] } },
            }))
            .map_err(json)?;
            let entry = request(services, url, &client, || {
                client.create_dsse_entry(entry.clone())
            });
            (KindVersion::DsseV001, entry.await?)
        }
        Signed::Bytes(bytes) => {
            let entry: HashedRekord = serde_json::from_value(json!({
                "apiVersion": "0.0.1",
                "kind": "hashedrekord",
                "spec": {
                    "data": { "hash": { "algorithm": "sha256", "value": sha256(bytes).to_hex() } },
                    "signature": { "content": signature, "publicKey": { "content": place } },
                },
            }))
            .map_err(json)?;
            let entry = request(services, url, &client, || {
                client.create_entry(entry.clone())
            });
            (KindVersion::HashedRekordV001, entry.await?)
        }
    };
    entry.to_bundle_entry(kind).map_err(|error| Error::Service {
        service: Service::Rekor,
        url: url.to_owned(),
        problem: format!("gives no entry: {error}"),
    })
}

/// Enters a signature into the v2 log at `url`.
pub(crate) async fn enter_v2(
    services: &Services,
    url: &str,
    signed: Signed<'_>,
    signature: &SignatureBytes,
    verifier: Verifier<'_>,
) -> Result<TransparencyLogEntry, Error> {
    let digest = match signed {
        Signed::Envelope(envelope) => sha256(&envelope.pae()),
        Signed::Bytes(bytes) => sha256(bytes),
    };
    let details = RekorV2KeyDetails::PkixEcdsaP256Sha256;
    let entry = match verifier {
        Verifier::Certificate(certificate) => {
            HashedRekordV2::new_with_certificate(&digest, signature, certificate, details)
        }
        Verifier::Key(key) => HashedRekordV2::new_with_public_key(&digest, signature, key, details),
    };
    let builder = RekorV2Client::builder(url).with_http_client(services.http.client().clone());
    let client = builder.build().map_err(|error| broken(url, &error))?;
    call(&services.http, (Service::Rekor, url), None, || {
        client.create_entry(entry.clone())
    })
    .await
}

/// Creates an entry. One that an attempt before has made, and whose answer was lost, is asked for.
async fn request<F: Future<Output = Result<LogEntry, RekorError>>>(
    services: &Services,
    url: &str,
    client: &RekorClient,
    mut create: impl FnMut() -> F,
) -> Result<LogEntry, Error> {
    call(&services.http, (Service::Rekor, url), None, || {
        let created = create();
        async move {
            let (status, message) = match created.await {
                Err(RekorError::Status { status, message }) => (status, message),
                result => return result,
            };
            match existing(&message).filter(|_| status == 409) {
                Some(uuid) => client.get_entry_by_uuid(&uuid).await,
                None => Err(RekorError::Status { status, message }),
            }
        }
    })
    .await
}

/// The entry that a log says it has already: 64 or 80 hexadecimal digits in its message.
fn existing(message: &str) -> Option<EntryUuid> {
    let words = message.split(|c: char| !c.is_ascii_hexdigit());
    let mut ids = words.filter(|word| matches!(word.len(), 64 | 80));
    ids.next().map(EntryUuid::new)
}

fn broken(url: &str, error: &RekorError) -> Error {
    Error::Service {
        service: Service::Rekor,
        url: url.to_owned(),
        problem: format!("cannot be asked: {error}"),
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_exists_is_found_in_the_message() {
        let id = "24296fb24b8ad77a".to_owned() + &"ab".repeat(32);
        let message = format!(
            "failed: {{\"message\":\"an equivalent entry already exists with UUID {id}\"}}"
        );
        assert_eq!(existing(&message).unwrap().as_str(), id);
        assert!(existing("an equivalent entry already exists").is_none());
    }
}
