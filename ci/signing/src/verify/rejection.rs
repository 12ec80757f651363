//! Why a signature does not count.

use std::fmt;

use ci_oci::Digest;
use sigstore_verify::{CertificateError, Error as Sigstore, TimestampError, TransparencyLogError};

/// Why a signature does not count. What others wrote into it is in the message, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It is not what it should be: no bundle, no signature, or one with parts missing.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// The bundle has a form that verifiers of images do not take.
    #[error("it is a bundle of version {0}; images have 0.3")]
    Version(String),
    /// The bundle signs the image itself and states nothing about it.
    #[error("it is a bundle without a statement")]
    NoStatement,
    /// What is signed is something else than a statement (G3).
    #[error("what is signed is of the type {0:?}, not an in-toto statement")]
    PayloadType(String),
    /// It is of another image (G3).
    #[error("it is of another image: {found}, not {wanted}")]
    Subject {
        /// The images it names.
        found: String,
        /// The image in question.
        wanted: Digest,
    },
    /// Somebody else signed.
    #[error("{found} signed, not {wanted}")]
    Identity {
        /// Who had to.
        wanted: String,
        /// Who did, or what there is in place of an identity.
        found: String,
    },
    /// Somebody else vouches for the identity.
    #[error("{found} vouches for the signer, not {wanted}")]
    Issuer {
        /// Who had to.
        wanted: String,
        /// Who does.
        found: String,
    },
    /// The certificate says something else of the build.
    #[error("the certificate's {claim} is {}, not {wanted}", .found.as_deref().unwrap_or("missing"))]
    Claim {
        /// Which of [`Claims`](super::Claims).
        claim: &'static str,
        /// What it had to be.
        wanted: String,
        /// What it is.
        found: Option<String>,
    },
    /// It was made with a certificate where a key is expected, or the other way round (G2).
    #[error("it brings {found} where {wanted} is expected")]
    Material {
        /// What the policy is about.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The signature is not the signer's over this.
    #[error("the signature is wrong")]
    Signature,
    /// The certificate was not valid, or nobody who is trusted issued it.
    #[error("{0}")]
    Certificate(&'static str),
    /// The log does not have it, or the entry is of something else (G1).
    #[error("{0}")]
    Log(&'static str),
    /// Nobody who is trusted says when it was signed, or what says so is wrong.
    #[error("{0}")]
    Time(&'static str),
}

impl Rejection {
    /// What the cryptography found; its details are logged. Whether the subject is the image has been checked before, so that
    /// another artifact is that of the log's entry (G1).
    pub(super) fn by_sigstore(error: Sigstore) -> Self {
        tracing::debug!(%error, "a signature does not verify");
        match error {
            Sigstore::IdentityMismatch { expected, actual } => Self::Identity {
                wanted: without_kind(&expected.to_string()).to_owned(),
                found: actual.map_or_else(nobody, |actual| shown(actual.as_str())),
            },
            Sigstore::IssuerMismatch { expected, actual } => Self::Issuer {
                wanted: expected,
                found: actual.map_or_else(nobody, |actual| shown(&actual)),
            },
            Sigstore::SignatureInvalid(_) => Self::Signature,
            Sigstore::ArtifactMismatch(_) => Self::Log(OTHER_ENTRY),
            Sigstore::Certificate(error) => Self::Certificate(certificate(&error)),
            Sigstore::TransparencyLog(error) => Self::Log(log(&error)),
            Sigstore::Timestamp(error) => Self::Time(time(&error)),
            Sigstore::InvalidBundle(problem) | Sigstore::UnsupportedBundle(problem) => {
                Self::malformed(problem)
            }
            Sigstore::Bundle(error) => Self::malformed(error),
            other => Self::malformed(other),
        }
    }

    /// What cannot be read, and why; without the place in a JSON document that nobody sees.
    pub(super) fn malformed(problem: impl fmt::Display) -> Self {
        let problem = problem.to_string();
        let problem = problem.strip_prefix("JSON error: ").unwrap_or(&problem);
        let end = problem.rfind(" at line ").unwrap_or(problem.len());
        Self::Malformed(shown(&problem[..end]))
    }
}

const OTHER_ENTRY: &str = "the log entry is of something else";

fn certificate(error: &CertificateError) -> &'static str {
    // The library says of validity only in words.
    let expired = |problem: &str| problem.contains("CertExpired");
    let early = |problem: &str| problem.contains("CertNotValidYet");
    match error {
        CertificateError::Expired { .. } => "the certificate had expired when it was used",
        CertificateError::ChainInvalid(problem) if expired(problem) => {
            "the certificate had expired when it was used"
        }
        CertificateError::NotYetValid { .. } => "the certificate was used before it was valid",
        CertificateError::ChainInvalid(problem) if early(problem) => {
            "the certificate was used before it was valid"
        }
        CertificateError::ChainInvalid(_) => "nobody who is trusted issued the certificate",
        CertificateError::NoValidAuthority { .. } => {
            "no authority was trusted when the certificate was used"
        }
        CertificateError::Sct(_) => "no log of certificates that is trusted has the certificate",
        _ => "the certificate cannot be read",
    }
}

fn log(error: &TransparencyLogError) -> &'static str {
    match error {
        TransparencyLogError::UnknownLog { .. } => "the log is none that is trusted",
        TransparencyLogError::InclusionProof(_) => "the log's proof is of something else",
        TransparencyLogError::Checkpoint(_) => {
            "the log's proof ends at no checkpoint of a log that is trusted"
        }
        TransparencyLogError::InclusionPromise(_) => {
            "the log's promise is of something else, or of no log that is trusted"
        }
        TransparencyLogError::EntryMismatch(_) => OTHER_ENTRY,
        TransparencyLogError::IntegratedTime(_) => {
            "the log entry is of another time than the certificate"
        }
        _ => "the log entry is of another kind, or cannot be read",
    }
}

fn time(error: &TimestampError) -> &'static str {
    match error {
        TimestampError::NoVerifiedTimestamp(_) => "nobody who is trusted says when it was signed",
        TimestampError::OutsideAuthorityValidity { .. } => {
            "the timestamp's authority was not trusted at that time"
        }
        _ => "the timestamp is of something else, or of no authority that is trusted",
    }
}

/// The identity without the kind that its matcher puts before it.
fn without_kind(shown: &str) -> &str {
    let name = shown
        .strip_prefix("URI ")
        .or_else(|| shown.strip_prefix("email "));
    name.unwrap_or(shown)
}

fn nobody() -> String {
    "nobody".to_owned()
}

/// What somebody else wrote, for terminals and logs: of bounded length, without control characters.
pub(super) fn shown(text: &str) -> String {
    let printable = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    printable.take(300).collect()
}
