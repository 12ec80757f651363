//! Compares a parsed TOML file with the JSON schema of its type: unknown and missing keys, wrong types, values out of
//! a list or range. It reports all of them, with places, where `serde` would stop at the first.
//!
//! It understands just what `schema` generates. Texts with a `pattern` are left to `lower`, which explains better.

use std::ops::Range;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Problems, nearest};
use crate::source::Source;

/// Reports where `table` does not have the shape of `schema`. True if it can be deserialised: unknown keys do not
/// prevent that.
pub(crate) fn check(
    schema: &Value,
    source: &Source,
    table: &DeTable<'_>,
    problems: &mut Problems,
) -> bool {
    let mut shape = Shape {
        root: schema,
        source,
        problems,
        fits: true,
    };
    shape.table(schema, &(0..0), table, "");
    shape.fits
}

struct Shape<'a> {
    root: &'a Value,
    source: &'a Source,
    problems: &'a mut Problems,
    fits: bool,
}

impl Shape<'_> {
    /// `path` is the table's name for messages, empty for the file itself.
    fn table(&mut self, schema: &Value, span: &Range<usize>, table: &DeTable<'_>, path: &str) {
        let properties = schema["properties"].as_object();
        let free = &schema["additionalProperties"];
        for (key, value) in table {
            let known = properties.and_then(|properties| properties.get(key.get_ref().as_ref()));
            let inner = inner_path(path, key.get_ref());
            match known.or_else(|| free.is_object().then_some(free)) {
                Some(schema) => self.value(schema, &value.span(), value.get_ref(), &inner),
                None => self.unknown_key(schema, &key.span(), key.get_ref(), path),
            }
        }
        for required in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !table.contains_key(required) {
                self.fits = false;
                let message = format!("the key `{required}` is missing{}", in_table(path));
                let error = self.problems.error(self.source, span, message);
                let property = &schema["properties"][required];
                let description = property["description"].as_str().unwrap_or_default();
                let choices = match choices(property).as_slice() {
                    [] => String::new(),
                    choices => format!(" One of `{}`.", choices.join("`, `")),
                };
                error.help(format!("`{required}`: {description}{choices}"));
            }
        }
    }

    fn value(&mut self, schema: &Value, span: &Range<usize>, value: &DeValue<'_>, path: &str) {
        let choices = choices(schema);
        match value {
            DeValue::Table(table) if accepts(schema, "object") => {
                self.table(schema, span, table, path)
            }
            DeValue::Array(array) if accepts(schema, "array") => {
                for item in array {
                    self.value(&schema["items"], &item.span(), item.get_ref(), path);
                }
            }
            DeValue::String(text) if !choices.is_empty() => {
                if !choices.contains(&text.as_ref()) {
                    self.unknown_choice(span, text, &choices, path);
                }
            }
            DeValue::Integer(integer) if accepts(schema, "integer") => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
                let min = schema["minimum"].as_i64().unwrap_or(i64::MIN);
                let max = schema["maximum"].as_i64().unwrap_or(i64::MAX);
                if number.is_none_or(|number| number < min || number > max) {
                    self.fits = false;
                    self.problems.error(
                        self.source,
                        span,
                        format!("`{path}` must be from {min} to {max}"),
                    );
                }
            }
            DeValue::String(_) if accepts(schema, "string") => {}
            DeValue::Boolean(_) if accepts(schema, "boolean") => {}
            other => {
                self.fits = false;
                let wanted = if choices.is_empty() {
                    schema["type"].as_str().unwrap_or("value")
                } else {
                    "string"
                };
                let message = format!(
                    "`{path}` must be {}, not {}",
                    with_article(wanted),
                    with_article(other.type_str())
                );
                let error = self.problems.error(self.source, span, message);
                if wanted == "array" {
                    error.help("write the value in brackets: `[…]`");
                } else if wanted == "string"
                    && !matches!(other, DeValue::Table(_) | DeValue::Array(_))
                {
                    error.help("write the value in quotes");
                }
            }
        }
    }

    fn unknown_choice(&mut self, span: &Range<usize>, text: &str, choices: &[&str], path: &str) {
        self.fits = false;
        let message = format!("`{path}` cannot be `{text}`");
        let help = match nearest(text, choices.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of `{}`", choices.join("`, `")),
        };
        self.problems.error(self.source, span, message).help(help);
    }

    fn unknown_key(&mut self, schema: &Value, span: &Range<usize>, key: &str, path: &str) {
        let message = format!("unknown key `{key}`{}", in_table(path));
        // Looking for similar names takes time, which a file of nothing but unknown keys must not get.
        let full = self.problems.is_full();
        let error = self.problems.error(self.source, span, message);
        if full {
            return;
        }
        let names: Vec<&str> = keys(schema).collect();
        let near = || {
            Some(format!(
                "did you mean `{}`?",
                nearest(key, names.iter().copied())?
            ))
        };
        let help = elsewhere(self.root, key).or_else(near);
        error.help(help.unwrap_or_else(|| format!("the keys are `{}`", names.join("`, `"))));
    }
}

fn inner_path(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The table of a key for messages; nothing for the file itself.
fn in_table(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" in `[{path}]`")
    }
}

/// Where a key does belong: in TOML a key after a `[table]` line is easily in the wrong one.
fn elsewhere(root: &Value, key: &str) -> Option<String> {
    if keys(root).any(|name| name == key) {
        return Some(format!(
            "`{key}` belongs at the top of the file, before the first `[table]`"
        ));
    }
    let table = root["properties"]
        .as_object()?
        .iter()
        .find(|(_, table)| keys(table).any(|name| name == key))?;
    Some(format!("`{key}` belongs in `[{}]`", table.0))
}

fn keys(schema: &Value) -> impl Iterator<Item = &str> {
    schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
}

/// The texts a value is limited to; empty: not limited.
fn choices(schema: &Value) -> Vec<&str> {
    let plain = schema["enum"].as_array().into_iter().flatten();
    let described = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|choice| &choice["const"]);
    plain.chain(described).filter_map(Value::as_str).collect()
}

fn accepts(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind
}

/// A type of JSON schema or of TOML, by its TOML name.
fn with_article(kind: &str) -> &str {
    match kind {
        "object" | "table" => "a table",
        "array" => "an array",
        "integer" => "an integer",
        "boolean" => "a boolean",
        "string" => "a string",
        "float" => "a float",
        "datetime" => "a date-time",
        other => other,
    }
}
