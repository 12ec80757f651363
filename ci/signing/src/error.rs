//! What can go wrong with signing, told so that one knows what to do.

use std::fmt;
use std::path::PathBuf;

use ci_oci::Digest;

/// What went wrong with signing. No message holds a token, a key or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] ci_registry::Error),
    /// A service of Sigstore does not answer, or not with what was asked for. Nothing was attached.
    #[error("the {service} at {url} {problem}")]
    Service {
        /// Which.
        service: Service,
        /// Its address.
        url: String,
        /// What it does.
        problem: String,
    },
    /// The Sigstore that is configured does not have a service that this needs.
    #[error("the signing config names no {0} that can be used")]
    NoService(Service),
    /// The trust root or the signing config cannot be had.
    #[error("{what}: {problem}")]
    Trust {
        /// Which document, or where from.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// A file that cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Nobody says who we are.
    #[error("no identity to sign with: {0}")]
    Identity(String),
    /// A key that is of no use.
    #[error("the {what} key {problem}")]
    Key {
        /// "private" or "public".
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A registry that has other content than is to be signed (R5). Nothing was signed.
    #[error("{place} is {found} in the registry, not {ours}")]
    Digest {
        /// Registry, repository and tag.
        place: String,
        /// What was computed here.
        ours: Digest,
        /// What the registry says.
        found: Digest,
    },
    /// A signature that was made and does not verify: a service gave what does not belong together (G1). Nothing was attached.
    #[error("the signature of {what} was made and does not verify: {problem}")]
    Unsound {
        /// What was signed.
        what: String,
        /// Why it does not verify.
        problem: String,
    },
    /// A statement about nothing that can be signed.
    #[error("the statement is about no image: {0}")]
    Statement(String),
    /// A document that cannot be written or read.
    #[error("{what}: {source}")]
    Json {
        /// Which document.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// What is under the tag for legacy signatures are not signatures.
    #[error("{place} holds no signatures: {problem}")]
    Occupied {
        /// Registry, repository and tag.
        place: String,
        /// What it holds.
        problem: String,
    },
    /// The cryptography failed.
    #[error("cryptography: {0}")]
    Crypto(String),
}

/// A service of a Sigstore instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Issues certificates for identities.
    Fulcio,
    /// Logs signatures.
    Rekor,
    /// Says when a signature was there (RFC 3161).
    Timestamp,
    /// Says who somebody is.
    Oidc,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fulcio => "certificate authority (Fulcio)",
            Self::Rekor => "transparency log (Rekor)",
            Self::Timestamp => "timestamp authority",
            Self::Oidc => "identity provider",
        })
    }
}

impl Error {
    /// What can be done, where the message does not say it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Registry(error) if error.is_not_found() => {
                "what is signed has to be there: push it first"
            }
            Self::Registry(error) => return error.help(),
            Self::Service { .. } => {
                "nothing was attached; run the same again when the service is back"
            }
            Self::NoService(Service::Timestamp) => {
                "entries of a Rekor v2 log carry no time: the signing config needs a timestamp authority"
            }
            Self::Identity(_) => {
                "in GitHub Actions give the job `permissions: id-token: write`; elsewhere set SIGSTORE_ID_TOKEN, or sign with a key"
            }
            Self::Digest { .. } => {
                "somebody pushed something else: build and push again, and sign what was pushed"
            }
            Self::Unsound { .. } => {
                "are the trust root and the signing config of the same Sigstore?"
            }
            _ => return None,
        };
        Some(help.to_owned())
    }
}
