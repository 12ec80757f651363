//! Why the engine could not give what was asked for, cheap to hand to everybody who waits for the same thing.

use std::sync::Arc;

use ci_graphql::FieldError;
use serde_json::{Map, Value, json};

use crate::progress::Source;

/// Result of an evaluation.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Largest part of a failed execution's output that an error carries, in bytes; its end is kept.
const OUTPUT_LIMIT: usize = 100 * 1024;

/// The type, in a GraphQL error's extensions, of what a registry did not give. `isMistake` says whether one may ask for it again.
pub(crate) const REGISTRY_ERROR: &str = "REGISTRY_ERROR";

/// Why an evaluation failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// A program ended otherwise than it had to.
    #[error("{}", .0.message())]
    Exec(Arc<ExecFailure>),
    /// A Dockerfile that cannot be built, with the place.
    #[error("{0}")]
    Dockerfile(Arc<str>),
    /// A registry could not be reached, would not give something, or gave something else.
    #[error("{message}")]
    Registry {
        /// Said for people.
        message: Arc<str>,
        /// Whether what was asked for is at fault, and not the registry.
        is_mistake: bool,
    },
    /// Everything else, said for people.
    #[error("{0}")]
    Message(Arc<str>),
}

/// A program that ended otherwise than it had to.
#[derive(Debug)]
pub(crate) struct ExecFailure {
    /// Program and arguments.
    pub(crate) cmd: Vec<String>,
    /// What it exited with, or 128 plus the signal.
    pub(crate) code: i32,
    /// Why, if not by its own exit: `out of memory`.
    pub(crate) reason: Option<String>,
    /// What it printed, secrets masked.
    pub(crate) stdout: Vec<u8>,
    /// What it printed, secrets masked.
    pub(crate) stderr: Vec<u8>,
    /// The Dockerfile line it comes from.
    pub(crate) source: Option<Source>,
}

impl ExecFailure {
    /// `exit code: N`, with the place where there is one.
    pub(crate) fn message(&self) -> String {
        let how = match &self.reason {
            Some(reason) => format!("exit code: {} ({reason})", self.code),
            None => format!("exit code: {}", self.code),
        };
        match &self.source {
            Some(source) => format!("{source}: {how}"),
            None => how,
        }
    }
}

impl Error {
    /// An error for people.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(Arc::from(message.into()))
    }

    /// A Dockerfile that cannot be built.
    pub(crate) fn dockerfile(error: impl std::fmt::Display) -> Self {
        Self::Dockerfile(Arc::from(error.to_string()))
    }

    /// Says in front what was being done.
    pub(crate) fn context(self, what: impl std::fmt::Display) -> Self {
        match self {
            Self::Message(message) => Self::new(format!("{what}: {message}")),
            Self::Registry {
                message,
                is_mistake,
            } => Self::Registry {
                message: format!("{what}: {message}").into(),
                is_mistake,
            },
            placed => placed,
        }
    }
}

impl From<Error> for FieldError {
    fn from(error: Error) -> Self {
        let plain = Self::new(error.to_string());
        match error {
            Error::Message(_) => plain,
            Error::Dockerfile(_) => plain.with_extensions(Map::from_iter([(
                "_type".to_owned(),
                json!("DOCKERFILE_ERROR"),
            )])),
            Error::Registry { is_mistake, .. } => plain.with_extensions(Map::from_iter([
                ("_type".to_owned(), json!(REGISTRY_ERROR)),
                ("isMistake".to_owned(), json!(is_mistake)),
            ])),
            Error::Exec(failure) => {
                let mut extensions = Map::new();
                extensions.insert("_type".into(), json!("EXEC_ERROR"));
                extensions.insert("cmd".into(), json!(failure.cmd));
                extensions.insert("exitCode".into(), json!(failure.code));
                extensions.insert("stdout".into(), Value::String(tail(&failure.stdout)));
                extensions.insert("stderr".into(), Value::String(tail(&failure.stderr)));
                plain.with_extensions(extensions)
            }
        }
    }
}

fn tail(output: &[u8]) -> String {
    let start = output.len().saturating_sub(OUTPUT_LIMIT);
    String::from_utf8_lossy(&output[start..]).trim().to_owned()
}

impl From<ci_registry::Error> for Error {
    fn from(error: ci_registry::Error) -> Self {
        let help = error.help().map(|help| format!("\nhelp: {help}"));
        Self::Registry {
            message: format!("{error}{}", help.unwrap_or_default()).into(),
            is_mistake: error.is_mistake(),
        }
    }
}

macro_rules! from_display {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::new(error.to_string())
            }
        })+
    };
}

from_display!(
    std::io::Error,
    serde_json::Error,
    tokio::task::JoinError,
    ci_http::SetupError,
    ci_store::Error,
    ci_sandbox::Error,
    ci_rootfs::Error,
    ci_oci::layout::LayoutError,
    ci_oci::assembly::AssemblyError,
    ci_oci::config::ConfigError,
    ci_oci::PlatformError,
    ci_oci::ReferenceError,
    ci_oci::manifest::SelectError,
    rustix::io::Errno,
    tokio::sync::AcquireError,
);
