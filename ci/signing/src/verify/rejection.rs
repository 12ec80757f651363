//! Why a signature does not count.

use ci_oci::Digest;
use sigstore_verify::Error as Sigstore;

/// Why a signature does not count. What others wrote into it is in the message.
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
    Certificate(String),
    /// The log does not have it, or the entry is of something else (G1).
    #[error("{0}")]
    Log(String),
    /// Nobody who is trusted says when it was signed, or what says so is wrong.
    #[error("{0}")]
    Time(String),
}

impl Rejection {
    /// What the cryptography found. Whether the subject is the image has been checked before, so that another artifact is that of
    /// the log's entry (G1).
    pub(super) fn by_sigstore(error: Sigstore) -> Self {
        match error {
            Sigstore::IdentityMismatch { expected, actual } => Self::Identity {
                wanted: expected_name(&expected.to_string()),
                found: actual.map_or_else(|| "nobody".to_owned(), |actual| actual.to_string()),
            },
            Sigstore::IssuerMismatch { expected, actual } => Self::Issuer {
                wanted: expected,
                found: actual.unwrap_or_else(|| "nobody".to_owned()),
            },
            Sigstore::SignatureInvalid(_) => Self::Signature,
            Sigstore::ArtifactMismatch(_) => {
                Self::Log("the log entry is of something else".to_owned())
            }
            Sigstore::Certificate(error) => Self::Certificate(error.to_string()),
            Sigstore::TransparencyLog(error) => Self::Log(error.to_string()),
            Sigstore::Timestamp(error) => Self::Time(error.to_string()),
            Sigstore::InvalidBundle(problem) | Sigstore::UnsupportedBundle(problem) => {
                Self::Malformed(problem)
            }
            Sigstore::Bundle(error) => Self::Malformed(error.to_string()),
            other => Self::Malformed(other.to_string()),
        }
    }
}

/// The identity without the kind that its matcher puts before it.
fn expected_name(shown: &str) -> String {
    let name = shown
        .strip_prefix("URI ")
        .or_else(|| shown.strip_prefix("email "));
    name.unwrap_or(shown).to_owned()
}
