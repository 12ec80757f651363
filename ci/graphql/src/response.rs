//! What a request is answered with, and its JSON form (June 2018 §7).

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::answer::Answer;

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
#[derive(Debug)]
pub struct Response {
    data: Option<Answer>,
    errors: Vec<Error>,
}

impl Response {
    pub(crate) fn new(data: Answer, errors: Vec<Error>) -> Self {
        Response {
            data: Some(data),
            errors,
        }
    }

    pub(crate) fn rejected(errors: Vec<Error>) -> Self {
        Response { data: None, errors }
    }

    /// The answer to a request that was not executed at all.
    pub fn failure(error: Error) -> Self {
        Response::rejected(vec![error])
    }

    /// What went wrong, in the order of the answer; empty on success.
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// The data as one value; `None` when nothing was executed, `Null` when an error left nothing.
    ///
    /// `serde_json::Value` is dropped recursively: for an answer nested thousands deep use [`Response::to_json_string`].
    pub fn to_data(&self) -> Option<Value> {
        self.data.as_ref().map(Answer::to_value)
    }

    /// The answer as JSON, of any depth. There is an `errors` key only when something went wrong, and no `data` key when
    /// nothing was executed.
    pub fn to_json_string(&self) -> String {
        let mut out = String::from("{");
        if !self.errors.is_empty() {
            let errors: Value = self.errors.iter().map(Error::to_json).collect();
            // Writing to a string cannot fail.
            _ = write!(out, "\"errors\":{errors}");
        }
        if let Some(data) = &self.data {
            out.push_str(if self.errors.is_empty() {
                "\"data\":"
            } else {
                ",\"data\":"
            });
            data.write_json(&mut out);
        }
        out.push('}');
        out
    }
}

impl Error {
    /// The error as it stands in a response; parts that are empty are left out.
    pub fn to_json(&self) -> Value {
        let mut entry =
            Map::from_iter([("message".to_owned(), Value::from(self.message.as_str()))]);
        if !self.locations.is_empty() {
            let location = |at: &Location| json!({ "line": at.line, "column": at.column });
            entry.insert(
                "locations".to_owned(),
                self.locations.iter().map(location).collect(),
            );
        }
        if !self.path.is_empty() {
            let segment = |segment: &PathSegment| match segment {
                PathSegment::Key(key) => Value::from(key.as_str()),
                PathSegment::Index(index) => Value::from(*index),
            };
            entry.insert("path".to_owned(), self.path.iter().map(segment).collect());
        }
        if let Some(extensions) = &self.extensions {
            entry.insert("extensions".to_owned(), Value::Object(extensions.clone()));
        }
        Value::Object(entry)
    }
}
