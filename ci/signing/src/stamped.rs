//! Legacy signatures of Sigstores that write to Rekor v2 only: no annotation can hold such an entry, so that the RFC 3161 timestamp is
//! all that shows when they were made.
//!
//! Here that is enough for knowing one's own signatures again. Whether it is enough to run an image is not asked here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ci_catalog::Identity;
use serde_json::{Value, json};
use sigstore_sign::types::{Bundle, DerCertificate};
use sigstore_verify::{VerificationPolicy, Verifier};

use crate::legacy::{Legacy, annotation};
use crate::services::Services;

/// Verifies that a legacy signature without a log entry is of an identity, by its timestamp. Gives why not.
pub(crate) fn verify(
    signature: &Legacy,
    identity: &Identity,
    services: &Services,
) -> Result<(), String> {
    let bundle = arranged(signature)?;
    let verifier = Verifier::new(services.root()).map_err(|error| error.to_string())?;
    let policy = VerificationPolicy::new(identity.identity(), identity.issuer()).skip_tlog_unsafe();
    let policy = match services.root().ctlogs.is_empty() {
        true => policy.skip_sct(),
        false => policy,
    };
    let verified = crate::crypto::verifying(signature.payload(), || {
        verifier.verify(signature.payload(), &bundle, &policy)
    });
    verified.map(drop).map_err(|error| error.to_string())
}

/// The signature as a bundle.
fn arranged(signature: &Legacy) -> Result<Bundle, String> {
    let annotations = signature.annotations();
    let value = |name: &str| {
        let value = annotations.get(name);
        value.ok_or_else(|| format!("the annotation {name} is missing"))
    };
    let certificate = DerCertificate::from_pem(value(annotation::CERTIFICATE)?);
    let certificate = certificate.map_err(|error| error.to_string())?;
    let stamp: Value = serde_json::from_str(value(annotation::TIMESTAMP)?)
        .map_err(|error| format!("its timestamp: {error}"))?;
    let bundle = json!({
        "mediaType": crate::attach::BUNDLE,
        "verificationMaterial": {
            "certificate": { "rawBytes": STANDARD.encode(certificate.as_bytes()) },
            "timestampVerificationData": {
                "rfc3161Timestamps": [{ "signedTimestamp": stamp["SignedRFC3161Timestamp"] }],
            },
        },
        "messageSignature": { "signature": value(annotation::SIGNATURE)? },
    });
    serde_json::from_value(bundle).map_err(|error| error.to_string())
}
