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

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::Args;

    fn args() -> Args {
        Args::new([
            ("text", json!("a")),
            ("flag", json!(false)),
            ("number", json!(7)),
            ("list", json!(["x", "y"])),
            ("object", json!({ "z": [{ "b": 1, "a": 2 }], "name": "n" })),
            ("null", json!(null)),
        ])
    }

    #[test]
    fn arguments_are_read_by_name_and_type() {
        let args = args();
        assert_eq!(args.string("text"), Ok("a"));
        assert_eq!((args.bool("flag"), args.int("number")), (Ok(false), Ok(7)));
        assert_eq!(args.strings("list"), ["x", "y"]);
        assert_eq!(
            (
                args.opt_string("absent"),
                args.opt_bool("null"),
                args.opt_int("text")
            ),
            (None, None, None)
        );
        assert_eq!(args.strings("absent"), Vec::<String>::new());
    }

    #[test]
    fn what_the_table_does_not_promise_is_an_error_and_no_panic() {
        let args = args();
        let message = args.string("number").map_err(|error| error.message);
        assert_eq!(
            message,
            Err("argument `number` is missing or is no string".to_owned())
        );
        assert!(args.bool("null").is_err() && args.int("absent").is_err());
    }

    #[test]
    fn any_argument_is_decoded_into_a_type_of_the_program() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Named {
            name: String,
        }
        let args = args();
        assert_eq!(
            args.decode("object"),
            Ok(Named {
                name: "n".to_owned()
            })
        );
        assert_eq!(args.decode::<Option<Named>>("absent"), Ok(None));
        assert!(args.decode::<Named>("list").is_err());
    }

    #[test]
    fn the_canonical_form_is_sorted_at_every_level() {
        let text = r#"{"flag":false,"list":["x","y"],"number":7,"object":{"name":"n","z":[{"a":2,"b":1}]},"text":"a"}"#;
        assert_eq!(args().canonical().to_string(), text);
    }
}
