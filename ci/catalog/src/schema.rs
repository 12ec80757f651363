//! The JSON schemas of the two files, generated from the types that read them (`format`).

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::format::{PipelineFile, ServiceFile};

/// One of the two files of a catalog.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SchemaKind {
    /// `pipeline.toml`.
    Pipeline,
    /// `service.toml`.
    Service,
}

/// The JSON schema (draft 7, which TOML editors understand) of a file.
#[must_use]
pub fn json_schema(kind: SchemaKind) -> Value {
    match kind {
        SchemaKind::Pipeline => of::<PipelineFile>(),
        SchemaKind::Service => of::<ServiceFile>(),
    }
}

/// Without references: the types are a tree, and both editors and `shape` have it easier.
pub(crate) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings
        .with_transform(Tidy)
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Takes out what Rust brings in: nulls, which TOML does not have, and the line breaks of comments.
#[derive(Clone, Debug)]
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        if let Some(Value::String(description)) = object.get_mut("description") {
            *description = description.replace('\n', " ");
        }
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
        if let Some(Value::Array(mut choices)) = object.remove("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            match choices.as_mut_slice() {
                [Value::Object(only)] => {
                    for (key, value) in std::mem::take(only) {
                        object.entry(key).or_insert(value);
                    }
                }
                _ => {
                    object.insert("anyOf".to_owned(), Value::Array(choices));
                }
            }
        }
    }
}
