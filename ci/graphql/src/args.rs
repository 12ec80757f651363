//! The arguments of one call, checked and coerced, with the table's defaults filled in.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::FieldError;

/// The arguments of one call.
///
/// An argument given as `null` counts as not given: its default applies. Enum values are their meaning, whatever
/// alias the query used. The getters answer `None`, an empty list or an error for an argument that is not there. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    values: Arc<[(&'static str, Value)]>,
}

impl Args {
    /// Arguments for a resolver that is called directly, not through a query.
    pub fn new(values: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Args {
            values: values
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        }
    }

    /// The value of any argument.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// A required string, ID, scalar or enum value.
    pub fn string(&self, name: &str) -> Result<&str, FieldError> {
        self.opt_string(name).ok_or_else(|| missing(name, "string"))
    }

    /// An optional string, ID, scalar or enum value.
    pub fn opt_string(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A required Boolean, or one that has a default.
    pub fn bool(&self, name: &str) -> Result<bool, FieldError> {
        self.opt_bool(name).ok_or_else(|| missing(name, "Boolean"))
    }

    /// An optional Boolean.
    pub fn opt_bool(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    /// A required Int, or one that has a default.
    pub fn int(&self, name: &str) -> Result<i64, FieldError> {
        self.opt_int(name).ok_or_else(|| missing(name, "Int"))
    }

    /// An optional Int.
    pub fn opt_int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// A list of strings or IDs; empty when not given.
    pub fn strings(&self, name: &str) -> Vec<String> {
        let items = self
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// Any argument as a Rust type: an input object as a struct, an enum as an enum, `Option` for one that may be absent.
    pub fn decode<T: DeserializeOwned>(&self, name: &str) -> Result<T, FieldError> {
        let value = self.get(name).cloned().unwrap_or(Value::Null);
        serde_json::from_value(value)
            .map_err(|error| FieldError::new(format!("argument `{name}`: {error}")))
    }

    /// All arguments, defaults included, as one object with sorted keys at every level: equal calls have equal texts.
    pub fn canonical(&self) -> Value {
        sorted(
            self.values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }
}

/// An object with its keys in order at every level, whichever map `serde_json` was built with.
fn sorted(mut entries: Vec<(String, Value)>) -> Value {
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Value::Object(
        entries
            .into_iter()
            .map(|(key, value)| (key, in_order(value)))
            .collect::<Map<_, _>>(),
    )
}

fn in_order(value: Value) -> Value {
    match value {
        Value::Object(map) => sorted(map.into_iter().collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
        leaf => leaf,
    }
}

/// The table promised the resolver an argument that is not there, so the two disagree.
fn missing(name: &str, kind: &str) -> FieldError {
    FieldError::new(format!("argument `{name}` is missing or is no {kind}"))
}
