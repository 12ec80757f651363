//! What a request is answered with, and its JSON form (June 2018 §7).

use serde_json::{Map, Value};

/// A position in the text of a query, counted from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One step of the way to a field in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    /// A response key.
    Key(String),
    /// An index into a list.
    Index(usize),
}

/// One error of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Error {
    /// For people.
    pub message: String,
    /// Where in the query; empty when nowhere in particular.
    pub locations: Vec<Location>,
    /// Where in the answer; empty for an error of the request as a whole.
    pub path: Vec<PathSegment>,
    /// For programs, when the resolver gave any.
    pub extensions: Option<Map<String, Value>>,
}

/// The answer to a request.
#[derive(Debug, Default)]
pub struct Response {
    errors: Vec<Error>,
}

impl Response {
    /// The answer to a request that was not executed at all.
    pub fn failure(error: Error) -> Self {
        Response {
            errors: vec![error],
        }
    }

    /// What went wrong; empty on success.
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// The data as one value; `None` when nothing was executed, `Null` when an error left nothing.
    ///
    /// `serde_json::Value` is dropped recursively: for an answer nested thousands deep use [`Response::to_json_string`].
    pub fn to_data(&self) -> Option<Value> {
        None
    }

    /// The answer as JSON, of any depth. There is an `errors` key only when something went wrong.
    pub fn to_json_string(&self) -> String {
        String::new()
    }
}
