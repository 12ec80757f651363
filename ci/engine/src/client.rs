//! The engine as the client that `dagger-sdk` talks through, in the same process.

use std::sync::Arc;

use async_trait::async_trait;
use ci_graphql::{Error, Request};
use dagger_sdk::core::gql_client::{GraphQLErrorMessage, GraphQlExtension};
use dagger_sdk::core::graphql_client::{GraphQLClient, GraphQLError};
use serde_json::{Map, Value};

use crate::Group;
use crate::error::REGISTRY_ERROR;
use crate::object::Object;
use crate::schema::{Connection, SCHEMA};
use crate::session::Session;

/// A connection to the engine without a socket.
pub(crate) struct Client {
    connection: Arc<Connection>,
}

impl Client {
    pub(crate) fn new(session: Arc<Session>, group: Group) -> Self {
        Self {
            connection: Arc::new(Connection { session, group }),
        }
    }
}

#[async_trait]
impl GraphQLClient for Client {
    async fn query(&self, query: &str) -> Result<Option<Value>, GraphQLError> {
        let response = SCHEMA
            .execute(self.connection.clone(), Object::Query, Request::new(query))
            .await;
        match response.errors() {
            [] => Ok(response.to_data()),
            // The SDK's error tells but two things apart: what was asked for cannot be had, or nobody was there to ask. A registry that
            // does not answer is of the second kind, and trying again may help.
            [first, ..] if is_infrastructure(first) => {
                Err(GraphQLError::HttpError(first.message.clone()))
            }
            [first, ..] => Err(GraphQLError::DomainError {
                message: first.message.clone(),
                fields: response.errors().iter().map(message).collect(),
            }),
        }
    }
}

fn is_infrastructure(error: &Error) -> bool {
    let member = |name: &str| error.extensions.as_ref()?.get(name);
    member("_type").is_some_and(|kind| kind == REGISTRY_ERROR)
        && member("isMistake").is_some_and(|is_mistake| is_mistake == false)
}

/// An error in the SDK's own shape. Positions in the query are left out: nobody has seen its text.
fn message(error: &Error) -> GraphQLErrorMessage {
    GraphQLErrorMessage {
        message: error.message.clone(),
        locations: None,
        extensions: error.extensions.as_ref().map(extension),
        path: None,
    }
}

fn extension(extensions: &Map<String, Value>) -> GraphQlExtension {
    let text = |name: &str| {
        extensions
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if text("_type") != "EXEC_ERROR" {
        return GraphQlExtension::Other;
    }
    let words = extensions
        .get("cmd")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    GraphQlExtension::ExecError {
        cmd: words
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        exit_code: extensions
            .get("exitCode")
            .and_then(Value::as_i64)
            .and_then(|code| i32::try_from(code).ok())
            .unwrap_or(-1),
        stderr: text("stderr"),
        stdout: text("stdout"),
    }
}
