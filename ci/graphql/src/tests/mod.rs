//! Tests of the crate as a whole, on a small schema.

mod execution;
mod figures;
mod garden;
mod introspection;
mod schema;
mod validation;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::{Request, Response};
use garden::{Garden, SCHEMA, Thing};

async fn respond(request: Request<'_>) -> Response {
    SCHEMA
        .execute(Arc::new(Garden::default()), Thing::Root, request)
        .await
}

/// The whole response to a query, as a client reads it.
async fn run(query: &str) -> Json {
    read(&respond(Request::new(query)).await)
}

/// The same with variables.
async fn run_with(query: &str, variables: Json) -> Json {
    let Json::Object(variables) = variables else {
        panic!("variables are an object")
    };
    read(
        &respond(Request {
            variables: Some(&variables),
            ..Request::new(query)
        })
        .await,
    )
}

/// Both forms of a response must say the same.
fn read(response: &Response) -> Json {
    let printed: Json =
        serde_json::from_str(&response.to_json_string()).expect("a response is JSON");
    assert_eq!(printed.get("data").cloned(), response.to_data());
    assert_eq!(
        printed.get("errors").is_some(),
        !response.errors().is_empty()
    );
    printed
}

/// The message of the only error.
async fn refusal(query: &str) -> String {
    let response = run(query).await;
    let errors = response["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("no error: {response}"));
    assert_eq!(errors.len(), 1, "{response}");
    errors[0]["message"].as_str().expect("a message").to_owned()
}

/// The data of a response without errors.
async fn data(query: &str) -> Json {
    let mut response = run(query).await;
    assert_eq!(response.get("errors"), None);
    response["data"].take()
}

#[tokio::test]
async fn the_simplest_query_is_answered() {
    assert_eq!(
        run("{ pot { plants } }").await,
        json!({ "data": { "pot": { "plants": [] } } })
    );
}
