//! From errors of the Dagger API to errors for people, with the exit code that says whose turn it is; and errors that several
//! services share because one reads the image of another.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use dagger_sdk::core::gql_client::GraphQlExtension;
use dagger_sdk::core::graphql_client::GraphQLError;
use dagger_sdk::errors::DaggerError;

use crate::error::{Exit, UserError};

/// What the system calls a full disk, and a user who has used up their part of it.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// How the engine says which limit an execution ran into.
const RAISE: &str = "; raise `limits.";

/// What an error of the API means. A program that failed and a file that is missing are failed work; what the engine marks
/// otherwise is a Dockerfile that cannot be read. A full disk is nobody's fault.
pub(crate) fn of_dagger(error: DaggerError) -> UserError {
    let (message, fields) = match error {
        DaggerError::Query(GraphQLError::DomainError { message, fields }) => (message, fields),
        DaggerError::Query(GraphQLError::HttpError(message)) => {
            return UserError::new(Exit::Infrastructure, message);
        }
        other => {
            return UserError::new(Exit::Infrastructure, "a Dagger function cannot be called")
                .because(other);
        }
    };
    let extension = fields.into_iter().find_map(|field| field.extensions);
    let exit = match extension {
        Some(GraphQlExtension::Other) => Exit::Usage,
        Some(GraphQlExtension::ExecError { .. }) => Exit::Failed,
        None if NO_ROOM.iter().any(|text| message.contains(text)) => {
            return UserError::new(Exit::Infrastructure, message).hint(
                "make room; the `cache` command shows and prunes what is kept of earlier builds",
            );
        }
        None => Exit::Failed,
    };
    let limited = message.contains(RAISE);
    let error = UserError::new(exit, message);
    if limited {
        error.hint("limits are in [limits] of service.toml, and for all services in pipeline.toml")
    } else {
        error
    }
}

/// Lets `?` and `map_err` say what was being done.
pub(crate) trait Call<T> {
    /// The result with errors for people.
    fn told(self) -> Result<T, UserError>;
}

impl<T> Call<T> for Result<T, DaggerError> {
    fn told(self) -> Result<T, UserError> {
        self.map_err(of_dagger)
    }
}

/// An error that everybody who waits for the same thing gets.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<eyre::Report>);

impl Shared {
    /// The message of the innermost cause.
    pub(crate) fn root(&self) -> String {
        self.0.root_cause().to_string()
    }
}

impl From<eyre::Report> for Shared {
    fn from(report: eyre::Report) -> Self {
        Self(Arc::new(report))
    }
}

impl From<UserError> for Shared {
    fn from(error: UserError) -> Self {
        eyre::Report::from(error).into()
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The report itself, so that whoever walks the chain finds its type; the message is the same as ours.
        Some(&**self.0)
    }
}

#[cfg(test)]
mod tests;
