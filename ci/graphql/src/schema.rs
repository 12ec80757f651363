//! A schema: the table, indexed.

use std::sync::Arc;

use crate::{Backend, DirectiveDef, Error, Response, Type};

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The document.
    pub query: &'a str,
    /// The values of its variables.
    pub variables: Option<&'a serde_json::Map<String, serde_json::Value>>,
    /// Which operation of the document, when it has several.
    pub operation: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request without variables.
    pub const fn new(query: &'a str) -> Self {
        Request {
            query,
            variables: None,
            operation: None,
        }
    }
}

/// A schema: the table of types, indexed once. Its root is the object type `Query`.
#[derive(Debug)]
pub struct Schema<B: Backend> {
    types: &'static [&'static Type<B>],
    directives: &'static [DirectiveDef],
}

impl<B: Backend> Schema<B> {
    /// Indexes a table. Costs about a microsecond per field; keep the schema in a `LazyLock`.
    pub fn new(types: &'static [&'static Type<B>], directives: &'static [DirectiveDef]) -> Self {
        Schema { types, directives }
    }

    /// Answers a request, starting from `root`, an object of type `Query`. Dropping the future drops every resolver's future.
    pub async fn execute(
        &self,
        backend: Arc<B>,
        root: B::Object,
        request: Request<'_>,
    ) -> Response {
        let _ = (backend, root, request, self.types, self.directives);
        Response::failure(Error {
            message: "execution is not implemented yet".to_owned(),
            ..Error::default()
        })
    }

    /// What is wrong with the table, one line per defect; for a test of the program that owns the table.
    pub fn check(&self) -> Vec<String> {
        Vec::new()
    }

    /// The table in the schema definition language.
    pub fn sdl(&self) -> String {
        String::new()
    }
}
