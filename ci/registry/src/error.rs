//! What can go wrong with a registry, told so that one knows what to do.

use std::fmt;
use std::time::Duration;

use ci_http::StatusCode;
use ci_oci::Digest;
use ci_oci::manifest::ManifestError;

/// What went wrong with a registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No client can be made of what is declared.
    #[error(transparent)]
    Setup(#[from] ci_http::SetupError),
    /// No answer.
    #[error(transparent)]
    Http(#[from] ci_http::Error),
    /// It is not there.
    #[error("{place} does not have {what}{}", said(.message))]
    NotFound {
        /// What was asked for.
        what: String,
        /// Registry and repository.
        place: String,
        /// What the registry says.
        message: String,
    },
    /// We have no right to it.
    #[error(transparent)]
    Denied(#[from] Box<Denied>),
    /// It does not take our credentials, or there are none.
    #[error("{host} refuses the login; {identity}{}", said(.message))]
    Login {
        /// The registry.
        host: String,
        /// Whose credentials; or that there are none, and why.
        identity: String,
        /// What the registry says.
        message: String,
    },
    /// Too many requests, also after waiting.
    #[error("{host} takes no more requests for now{}{}", waiting(.after), said(.message))]
    RateLimited {
        /// The registry.
        host: String,
        /// How long it asks to wait.
        after: Option<Duration>,
        /// What the registry says.
        message: String,
    },
    /// Another answer than can be used.
    #[error("{host} answers {status} for {request}{}", said(.message))]
    Status {
        /// The registry.
        host: String,
        /// What was asked of it.
        request: String,
        /// Its answer.
        status: StatusCode,
        /// What it says to that.
        message: String,
    },
    /// An answer that contradicts the specification (R6).
    #[error("{host} does not keep to the protocol: {problem}")]
    Protocol {
        /// The registry.
        host: String,
        /// In which way.
        problem: String,
    },
    /// A token server that is not asked (R2).
    #[error("{host} wants a token from {realm:?}, which is not asked: {problem}")]
    Realm {
        /// The registry.
        host: String,
        /// The token server's address.
        realm: String,
        /// Why it is not asked.
        problem: String,
    },
    /// Other content than was asked for, or than was sent (L13, R5).
    #[error("{host} has other content for {what}: expected {expected}, found {found}")]
    Mismatch {
        /// Who gave it.
        host: String,
        /// What was asked for.
        what: String,
        /// What it should be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// More or fewer bytes than were announced (L13).
    #[error("{host} has {found} bytes for {what}, not {expected}")]
    Size {
        /// Who gave it.
        host: String,
        /// What was asked for.
        what: String,
        /// How many bytes it should be.
        expected: u64,
        /// How many it is said to have, or has at least.
        found: u64,
    },
    /// A document that is no manifest or index, or more than one (L14).
    #[error("{what} from {host}: {source}")]
    Manifest {
        /// Who gave it.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A tag that names something else and is not moved.
    #[error("the tag {tag} names {there}; it is not moved to {ours}")]
    TagTaken {
        /// Registry, repository and tag.
        tag: String,
        /// What it names.
        there: Digest,
        /// What it was to name.
        ours: Digest,
    },
    /// A manifest that is to be attached to something and does not say so.
    #[error("{what} cannot be attached to {subject}, which is not its subject")]
    Subject {
        /// The manifest.
        what: String,
        /// What it was to be attached to.
        subject: Digest,
    },
    /// A tag that others write to without end.
    #[error("others keep writing over {tag}")]
    Contended {
        /// Registry, repository and tag.
        tag: String,
    },
    /// A layer that only its maker gives out, at addresses that an image's author chooses (CVE-2020-15157).
    #[error(
        "{place} does not have {what}, and the other addresses its image names for it are not followed"
    )]
    Foreign {
        /// The layer.
        what: String,
        /// Registry and repository.
        place: String,
    },
    /// Neither a mirror nor the registry has it.
    #[error("{}", all(.0))]
    Everywhere(
        /// What each said, by host.
        Vec<(String, Error)>,
    ),
}

/// A right that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// Registry and repository.
    pub place: String,
    /// The scope that is missing, in the notation of token servers: `repository:owner/app:pull,push`.
    pub scope: String,
    /// Whose credentials were not enough; or that there are none, and why.
    pub identity: String,
    /// What the registry says.
    pub message: String,
}

impl Error {
    pub(crate) fn protocol(host: &str, problem: impl Into<String>) -> Self {
        Self::Protocol {
            host: host.to_owned(),
            problem: problem.into(),
        }
    }

    /// Whether the registry says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound { .. } => true,
            Self::Everywhere(errors) => {
                errors.last().is_some_and(|(_, error)| error.is_not_found())
            }
            _ => false,
        }
    }

    /// Whether what was asked for or declared is at fault, and not the registry or the way to it: the same will not work another time.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Setup(_) | Self::NotFound { .. } => true,
            // A mirror need not have everything: the registry itself, which is asked last, decides.
            Self::Everywhere(errors) => errors.last().is_some_and(|(_, error)| error.is_mistake()),
            _ => false,
        }
    }

    /// What can be done, where the message does not say it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Denied(denied) => {
                let registry = denied.place.split('/').next().unwrap_or_default();
                Some(format!(
                    "`docker login {registry}` stores credentials; they are looked for in DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE, \
                     $DOCKER_CONFIG/config.json (~/.docker/config.json) and podman's auth.json"
                ))
            }
            Self::TagTaken { .. } => Some(
                "an image never changes under its tag: commit, build and push again; a tag that is meant to move is declared in the \
                 environment's `moving-tags`"
                    .to_owned(),
            ),
            Self::Everywhere(errors) => errors.iter().rev().find_map(|(_, error)| error.help()),
            _ => None,
        }
    }

    /// Whether the connection failed, so that the same may work when it is tried again.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_transient())
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (action, or) = match self.scope.contains("push") {
            true => ("push to", ""),
            false => ("pull from", ", or there is no such repository"),
        };
        let Self {
            place,
            scope,
            identity,
            message,
        } = self;
        write!(
            f,
            "not allowed to {action} {place}{or}: missing scope {scope}; {identity}{}",
            said(message)
        )
    }
}

impl std::error::Error for Denied {}

fn said(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!("; the registry says: {message}"),
    }
}

fn waiting(after: &Option<Duration>) -> String {
    let seconds = after.map_or(0, |after| after.as_secs());
    match seconds {
        0 => String::new(),
        1..120 => format!(" and asks to wait {seconds} s"),
        _ => format!(" and asks to wait {} min", seconds.div_ceil(60)),
    }
}

fn all(errors: &[(String, Error)]) -> String {
    let errors: Vec<String> = errors.iter().map(|(_, error)| error.to_string()).collect();
    errors.join("; ")
}
