//! cosign's signatures of old: the layers of the image under the tag `sha256-….sig`, with everything about them in annotations
//! (cosign, "Signature Specification").
//!
//! The material is that of a bundle of version 0.1 in another arrangement, so it is brought into that one, and verified as all
//! others: the entry has to be of this payload, this signature and this certificate or key (G1, G2), whatever it is an entry of.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ci_oci::Digest;
use serde::Deserialize;
use serde_json::{Value, json};
use sigstore_verify::PublicKeyVerificationPolicy;
use sigstore_verify::types::{Bundle, DerCertificate};

use super::bundle::{signed, unlogged};
use super::rejection::shown;
use super::{Policy, Rejection, Signer, Trust, Verified};
use crate::key::PublicKey;
use crate::legacy::annotation::{BUNDLE, CERTIFICATE, SIGNATURE, TIMESTAMP};

/// What the payload says it is.
const TYPE: &str = "cosign container image signature";

/// One signature: a layer of the image under the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What is signed: the layer's content.
    pub payload: Vec<u8>,
    /// The annotations of the layer's descriptor.
    pub annotations: BTreeMap<String, String>,
}

/// What is signed. Its `docker-reference` is where the image was at the time; the digest says which it is, wherever it is now.
#[derive(Deserialize)]
struct SimpleSigning {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// A log entry with the log's promise, as the annotation has it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Promised {
    signed_entry_timestamp: String,
    payload: Entry,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    body: String,
    integrated_time: u64,
    log_index: u64,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
struct Timestamp {
    #[serde(rename = "SignedRFC3161Timestamp")]
    token: String,
}

/// Verifies a legacy signature of an image.
///
/// # Errors
/// Why it does not count.
pub fn legacy(
    layer: &Layer,
    image: Digest,
    policy: &Policy,
    trust: &Trust,
) -> Result<Verified, Rejection> {
    crate::crypto::install();
    subject(&layer.payload, image)?;
    let certificate = layer
        .annotations
        .get(CERTIFICATE)
        .filter(|pem| !pem.is_empty());
    let verified = match (&policy.signer, certificate) {
        (Signer::Identity(identity), Some(pem)) => {
            let bundle = arranged(layer, certified(pem)?)?;
            let wanted = trust.policy(identity);
            let result = crate::crypto::verifying(&layer.payload, || {
                trust.verifier().verify(&layer.payload, &bundle, &wanted)
            });
            signed(&result.map_err(Rejection::by_sigstore)?, &bundle)
        }
        (Signer::Key(key), None) => by_key(layer, key, trust)?,
        (Signer::Identity(_), None) => {
            return Err(Rejection::Material {
                wanted: "a certificate",
                found: "only a signature",
            });
        }
        (Signer::Key(_), Some(_)) => {
            return Err(Rejection::Material {
                wanted: "a key",
                found: "a certificate",
            });
        }
    };
    policy.claims.check(&verified.claims)?;
    Ok(verified)
}

fn by_key(layer: &Layer, key: &PublicKey, trust: &Trust) -> Result<Verified, Rejection> {
    let signature = STANDARD.decode(annotation(layer, SIGNATURE)?);
    let signature = signature.map_err(|error| malformed("its signature", &error))?;
    key.verify(&layer.payload, &signature)
        .map_err(|_| Rejection::Signature)?;
    if !layer.annotations.contains_key(BUNDLE) {
        return Ok(unlogged(key));
    }
    let bundle = arranged(layer, json!({ "publicKey": { "hint": key.hint() } }))?;
    let wanted = PublicKeyVerificationPolicy::new(key.der().clone());
    let result = crate::crypto::verifying(&layer.payload, || {
        trust.verifier().verify(&layer.payload, &bundle, &wanted)
    });
    let result = result.map_err(Rejection::by_sigstore)?;
    Ok(Verified {
        signer: unlogged(key).signer,
        ..signed(&result, &bundle)
    })
}

/// That what is signed is this image.
fn subject(payload: &[u8], image: Digest) -> Result<(), Rejection> {
    let signing: SimpleSigning =
        serde_json::from_slice(payload).map_err(|error| malformed("what is signed", &error))?;
    if signing.critical.kind != TYPE {
        return Err(Rejection::PayloadType(shown(&signing.critical.kind)));
    }
    match signing.critical.image.digest == image.to_string() {
        true => Ok(()),
        false => Err(Rejection::Subject {
            found: shown(&signing.critical.image.digest),
            wanted: image,
        }),
    }
}

/// The certificate as a bundle has it. The chain beside it is of no use: who is trusted is known, and nobody else's word counts.
fn certified(pem: &str) -> Result<Value, Rejection> {
    let certificate =
        DerCertificate::from_pem(pem).map_err(|error| malformed("its certificate", &error))?;
    Ok(
        json!({ "x509CertificateChain": { "certificates": [{ "rawBytes": certificate.to_base64() }] } }),
    )
}

/// A signature as a bundle of version 0.1.
fn arranged(layer: &Layer, mut material: Value) -> Result<Bundle, Rejection> {
    let promised: Promised =
        read(layer, BUNDLE)?.ok_or(Rejection::Log("there is no log entry with it"))?;
    material["tlogEntries"] = json!([entry(&promised)?]);
    if let Some(timestamp) = read::<Timestamp>(layer, TIMESTAMP)? {
        material["timestampVerificationData"] =
            json!({ "rfc3161Timestamps": [{ "signedTimestamp": timestamp.token }] });
    }
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": material,
        "messageSignature": { "signature": annotation(layer, SIGNATURE)? },
    });
    serde_json::from_value(bundle).map_err(|error| malformed("the signature", &error))
}

fn entry(promised: &Promised) -> Result<Value, Rejection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kind {
        kind: String,
        api_version: String,
    }
    let entry = &promised.payload;
    let body = STANDARD.decode(&entry.body);
    let body = body.map_err(|error| malformed("its log entry", &error))?;
    let kind: Kind =
        serde_json::from_slice(&body).map_err(|error| malformed("its log entry", &error))?;
    let log = hex::decode(&entry.log_id).map_err(|error| malformed("its log's name", &error))?;
    Ok(json!({
        "logIndex": entry.log_index.to_string(),
        "logId": { "keyId": STANDARD.encode(log) },
        "kindVersion": { "kind": kind.kind, "version": kind.api_version },
        "integratedTime": entry.integrated_time.to_string(),
        "inclusionPromise": { "signedEntryTimestamp": promised.signed_entry_timestamp },
        "canonicalizedBody": entry.body,
    }))
}

fn annotation<'a>(layer: &'a Layer, name: &str) -> Result<&'a str, Rejection> {
    let value = layer.annotations.get(name).map(String::as_str);
    value.ok_or_else(|| Rejection::malformed(format!("the annotation {name} is missing")))
}

fn read<T: for<'a> Deserialize<'a>>(layer: &Layer, name: &str) -> Result<Option<T>, Rejection> {
    let Some(text) = layer.annotations.get(name) else {
        return Ok(None);
    };
    let value = serde_json::from_str(text);
    value.map_err(|error| malformed(&format!("the annotation {name}"), &error))
}

fn malformed(what: &str, error: &dyn std::fmt::Display) -> Rejection {
    Rejection::malformed(format!("{what}: {error}"))
}
