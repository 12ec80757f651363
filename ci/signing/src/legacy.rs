//! Signatures as cosign made them before bundles: a payload in JSON, and everything else in annotations of the layer that holds it.
//!
//! An annotation can hold a Rekor v1 entry, whose signed time is all a verifier of that age knows. Of a Rekor v2 entry it can hold
//! nothing: there the RFC 3161 timestamp is all the evidence, and cosign 2 accepts that only if it is told to
//! (`--use-signed-timestamps --insecure-ignore-tlog`).

use std::collections::BTreeMap;

use ci_oci::{Descriptor, Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sigstore_sign::types::{Bundle, DerCertificate, SignatureContent, TransparencyLogEntry};

use crate::error::Error;
use crate::key::armored;

/// Media type of a layer that holds a payload.
pub const LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// What a payload says it is.
const TYPE: &str = "cosign container image signature";

/// Names of the annotations.
pub mod annotation {
    /// The signature, in base64.
    pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
    /// The certificate, PEM.
    pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
    /// Those who certified it, PEM, the root last.
    pub const CHAIN: &str = "dev.sigstore.cosign/chain";
    /// The Rekor v1 entry.
    pub const BUNDLE: &str = "dev.sigstore.cosign/bundle";
    /// The RFC 3161 timestamp.
    pub const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
}

/// A legacy signature: one layer of the manifest under an image's `.sig` tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Legacy {
    payload: Vec<u8>,
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    /// What else its signer wanted to say.
    optional: Option<Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Named,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Named {
    docker_reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    signed_entry_timestamp: String,
    payload: EntryPayload,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryPayload {
    body: String,
    integrated_time: i64,
    log_index: u64,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Serialize)]
struct Timestamp {
    #[serde(rename = "SignedRFC3161Timestamp")]
    token: String,
}

impl Legacy {
    /// What is signed: that an image is of this name.
    pub(crate) fn to_sign(name: &str, image: Digest) -> Result<Vec<u8>, Error> {
        let payload = json(
            "the signature's payload",
            &Payload {
                critical: Critical {
                    identity: Named {
                        docker_reference: name.to_owned(),
                    },
                    image: Image {
                        docker_manifest_digest: image.to_string(),
                    },
                    kind: TYPE.to_owned(),
                },
                optional: Some(Map::new()),
            },
        )?;
        Ok(payload.into_bytes())
    }

    /// The signature of a payload, out of the bundle that was made of it. `chain` begins with the signer's certificate.
    pub(crate) fn new(
        payload: Vec<u8>,
        bundle: &Bundle,
        chain: &[DerCertificate],
    ) -> Result<Self, Error> {
        let SignatureContent::MessageSignature(content) = &bundle.content else {
            return Err(Error::Crypto("a signature of something else".to_owned()));
        };
        let mut annotations = BTreeMap::new();
        let mut annotate = |name: &str, value| annotations.insert(name.to_owned(), value);
        annotate(annotation::SIGNATURE, content.signature.to_base64());
        if let Some((leaf, issuers)) = chain.split_first() {
            annotate(
                annotation::CERTIFICATE,
                armored("CERTIFICATE", leaf.as_bytes()),
            );
            let issuers = issuers
                .iter()
                .map(|one| armored("CERTIFICATE", one.as_bytes()));
            annotate(annotation::CHAIN, issuers.collect());
        }
        let material = &bundle.verification_material;
        let entries = material.tlog_entries.iter();
        if let Some(entry) = entries.filter_map(entry).next() {
            annotate(annotation::BUNDLE, json("the log entry", &entry)?);
        }
        let stamps = &material.timestamp_verification_data.rfc3161_timestamps;
        if let Some(stamp) = stamps.first() {
            let token = stamp.signed_timestamp.to_base64();
            annotate(
                annotation::TIMESTAMP,
                json("the timestamp", &Timestamp { token })?,
            );
        }
        Ok(Self {
            payload,
            annotations,
        })
    }

    /// A signature that is in a registry: what its layer holds and how that is annotated. Nothing of it is verified.
    pub fn read(payload: Vec<u8>, annotations: BTreeMap<String, String>) -> Self {
        Self {
            payload,
            annotations,
        }
    }

    /// The bytes that are signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature and all that is said about it, by the names of [`annotation`].
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    /// Whether it carries a log entry.
    pub(crate) fn is_logged(&self) -> bool {
        self.annotations.contains_key(annotation::BUNDLE)
    }

    /// The place of the entry in the log.
    pub(crate) fn log_index(&self) -> Option<u64> {
        let entry: Entry = serde_json::from_str(self.annotations.get(annotation::BUNDLE)?).ok()?;
        Some(entry.payload.log_index)
    }

    /// That what is signed is this image.
    pub(crate) fn is_of(&self, image: Digest) -> Result<(), String> {
        let payload: Payload =
            serde_json::from_slice(&self.payload).map_err(|error| error.to_string())?;
        match payload.critical.image.docker_manifest_digest == image.to_string() {
            true => Ok(()),
            false => Err("it is of another image".to_owned()),
        }
    }

    /// The layer, annotations and all.
    pub fn layer(&self) -> Descriptor {
        let mut layer = Descriptor::of(LAYER, &self.payload);
        layer.annotations.clone_from(&self.annotations);
        layer
    }
}

/// A log entry as the annotation holds it; none of one that carries no signed time.
fn entry(entry: &TransparencyLogEntry) -> Option<Entry> {
    let promise = entry.inclusion_promise.as_ref()?;
    Some(Entry {
        signed_entry_timestamp: promise.signed_entry_timestamp.to_base64(),
        payload: EntryPayload {
            body: entry.canonicalized_body.to_base64(),
            integrated_time: entry.integrated_time?.as_second(),
            log_index: entry.log_index.get(),
            log_id: hex::encode(entry.log_id.key_id.as_bytes()),
        },
    })
}

fn json(what: &'static str, value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|source| Error::Json { what, source })
}
