//! From the bytes of one file to its typed shape, with everything wrong about its syntax and shape reported.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::DeTable;

use crate::diagnostic::Problems;
use crate::shape;
use crate::source::{Source, secret_spans};

/// Parses a file. `peek` sees the table even where the file as a whole cannot be used.
pub(super) fn toml<T: DeserializeOwned, P>(
    path: PathBuf,
    bytes: Vec<u8>,
    schema: &Value,
    problems: &mut Problems,
    peek: impl FnOnce(&DeTable<'_>) -> P,
) -> (Source, P, Option<T>) {
    let (text, valid) = match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            (
                String::from_utf8_lossy(error.as_bytes()).into_owned(),
                Some(at),
            )
        }
    };
    let text: Arc<str> = text.into();
    let (table, faults) = DeTable::parse_recoverable(&text);
    let source = Source::new(path, Arc::clone(&text), secret_spans(table.get_ref()));
    let peeked = peek(table.get_ref());
    if let Some(at) = valid {
        problems
            .error(&source, &(at..at + 1), "the file is not UTF-8")
            .help("TOML files are UTF-8 (TOML 1.1, \"Spec\")");
        return (source, peeked, None);
    }
    if !faults.is_empty() {
        for fault in faults {
            let message = fault.message().replace('\n', ", ");
            problems.error(
                &source,
                &fault.span().unwrap_or(0..0),
                format!("invalid TOML: {message}"),
            );
        }
        return (source, peeked, None);
    }
    if !shape::check(schema, &source, table.get_ref(), problems) {
        return (source, peeked, None);
    }
    let file = match T::deserialize(toml::Deserializer::from(table)) {
        Ok(file) => Some(file),
        Err(error) => {
            // The shape was checked, so this is a gap in the check: still an error with a place, never a panic.
            problems.error(&source, &error.span().unwrap_or(0..0), error.message());
            None
        }
    };
    (source, peeked, file)
}

/// The `name` of a service and where it stands.
pub(super) fn peek_name(table: &DeTable<'_>) -> Option<(String, Range<usize>)> {
    let name = table.get("name")?;
    Some((name.get_ref().as_str()?.to_owned(), name.span()))
}
