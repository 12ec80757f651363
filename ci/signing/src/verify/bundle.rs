//! Sigstore bundles, version 0.3, with a DSSE envelope around an in-toto statement: what cosign 3 makes of signatures and
//! attestations alike.

use ci_oci::Digest;
use serde_json::Value;
use sigstore_verify::types::{
    Bundle, DsseEnvelope, KindVersion, MediaType, Sha256Hash, SignatureContent, Statement,
    VerificationMaterialContent,
};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationResult};

use super::rejection::shown;
use super::{Claims, Policy, Rejection, Signer, Trust, Verified};
use crate::key::PublicKey;
use crate::statement::PAYLOAD_TYPE;

/// No bundle is larger, in bytes: what admission controllers read at most.
pub const MAX_BUNDLE: u64 = 10_000_000;

/// The in-toto attestation framework's statements.
const STATEMENTS: [&str; 2] = [
    "https://in-toto.io/Statement/v1",
    "https://in-toto.io/Statement/v0.1",
];

/// Verifies a bundle of `image`.
///
/// # Errors
/// Why it does not count.
pub fn bundle(
    json: &[u8],
    image: Digest,
    policy: &Policy,
    trust: &Trust,
) -> Result<Verified, Rejection> {
    crate::crypto::install();
    let bundle = read(json)?;
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Err(Rejection::NoStatement);
    };
    let statement = statement(envelope, image)?;
    proven(&bundle)?;
    let verified = match &policy.signer {
        Signer::Identity(identity) => {
            if bundle.signing_certificate().is_none() {
                return Err(Rejection::Material {
                    wanted: "a certificate",
                    found: "a key",
                });
            }
            let artifact = Sha256Hash::new(*image.as_bytes());
            let result = trust
                .verifier()
                .verify(artifact, &bundle, &trust.policy(identity));
            signed(&result.map_err(Rejection::by_sigstore)?, &bundle)
        }
        Signer::Key(key) => by_key(&bundle, envelope, image, key, trust)?,
    };
    policy.claims.check(&verified.claims)?;
    Ok(Verified {
        predicate: Some(statement.predicate_type),
        content: statement.predicate,
        ..verified
    })
}

/// Reads a bundle of the version that images have. Two signatures in one envelope are refused here: a certificate and a log entry
/// speak for one (G3).
pub(crate) fn read(json: &[u8]) -> Result<Bundle, Rejection> {
    if json.len() as u64 > MAX_BUNDLE {
        return Err(Rejection::malformed("it is too large"));
    }
    let text = std::str::from_utf8(json).map_err(Rejection::malformed)?;
    let bundle = Bundle::from_json(text).map_err(Rejection::malformed)?;
    match bundle.media_type() {
        MediaType::Bundle0_3 => Ok(bundle),
        MediaType::Bundle0_1 => Err(Rejection::Version("0.1".to_owned())),
        MediaType::Bundle0_2 => Err(Rejection::Version("0.2".to_owned())),
        other => Err(Rejection::Version(other.to_string())),
    }
}

/// The statement in an envelope, if it is about the image.
fn statement(envelope: &DsseEnvelope, image: Digest) -> Result<Statement, Rejection> {
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Rejection::PayloadType(shown(&envelope.payload_type)));
    }
    let statement: Statement = serde_json::from_slice(envelope.payload.as_bytes())
        .map_err(|error| Rejection::malformed(format!("its statement: {error}")))?;
    if !STATEMENTS.contains(&statement.type_.as_str()) {
        return Err(Rejection::PayloadType(shown(&statement.type_)));
    }
    let wanted = Sha256Hash::new(*image.as_bytes());
    if statement.matches_sha256(&wanted) {
        return Ok(statement);
    }
    let found = statement.subject.iter().map(|subject| {
        let digest = subject.digest.sha256.as_ref();
        digest.map_or_else(
            || "no sha256".to_owned(),
            |hash| format!("sha256:{}", hash.to_hex()),
        )
    });
    let found: Vec<String> = found.take(3).collect();
    Err(Rejection::Subject {
        found: found.join(", "),
        wanted: image,
    })
}

/// That every log entry has its proof. One entry that has would be enough below, and lend its weight to the others.
fn proven(bundle: &Bundle) -> Result<(), Rejection> {
    for entry in &bundle.verification_material.tlog_entries {
        match &entry.inclusion_proof {
            None => {
                return Err(Rejection::Log(
                    "a log entry has no proof that the log has it",
                ));
            }
            Some(proof) if proof.checkpoint.is_empty() => {
                return Err(Rejection::Log("the proof of a log entry has no checkpoint"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Signed with a key: without a certificate, so that no time is needed, and without a log unless it says that it is in one.
fn by_key(
    bundle: &Bundle,
    envelope: &DsseEnvelope,
    image: Digest,
    key: &PublicKey,
    trust: &Trust,
) -> Result<Verified, Rejection> {
    let material = &bundle.verification_material;
    if !matches!(material.content, VerificationMaterialContent::PublicKey(_)) {
        return Err(Rejection::Material {
            wanted: "a key",
            found: "a certificate",
        });
    }
    // The hint is only a name: what counts is whose signature it is.
    key.verify(&envelope.pae(), envelope.signature.sig.as_bytes())
        .map_err(|_| Rejection::Signature)?;
    if material.tlog_entries.is_empty() {
        return Ok(unlogged(key));
    }
    let artifact = Sha256Hash::new(*image.as_bytes());
    let wanted = PublicKeyVerificationPolicy::new(key.der().clone());
    let result = trust.verifier().verify(artifact, bundle, &wanted);
    let result = result.map_err(Rejection::by_sigstore)?;
    Ok(Verified {
        signer: name(key),
        ..signed(&result, bundle)
    })
}

/// How a key is called in what people read.
fn name(key: &PublicKey) -> String {
    format!("key {}", key.hint())
}

/// What is known of a signature that only the key vouches for.
pub(super) fn unlogged(key: &PublicKey) -> Verified {
    Verified {
        signer: name(key),
        issuer: None,
        claims: Claims::default(),
        times: Vec::new(),
        logged: false,
        log_time: false,
        predicate: None,
        content: Value::Null,
    }
}

/// What is known of a signature that holds.
pub(super) fn signed(result: &VerificationResult, bundle: &Bundle) -> Verified {
    let mut times = result.verified_timestamps().to_vec();
    times.sort_unstable();
    times.dedup();
    let entries = &bundle.verification_material.tlog_entries;
    Verified {
        signer: result
            .identity()
            .map(|identity| identity.to_string())
            .unwrap_or_default(),
        issuer: result.issuer().map(str::to_owned),
        claims: result.certificate().map(Claims::of).unwrap_or_default(),
        times: times.iter().map(ToString::to_string).collect(),
        logged: result.tlog_verified(),
        log_time: entries.iter().any(|entry| {
            entry.kind_version != KindVersion::HashedRekordV002
                && entry.inclusion_promise.is_some()
                && entry.integrated_time.is_some()
        }),
        predicate: None,
        content: Value::Null,
    }
}
