//! From the bytes of one file to its typed shape, with everything wrong about its syntax and shape reported.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::DeTable;

use crate::diagnostic::Problems;
use crate::secrets::{secret_lines, secret_spans};
use crate::shape;
use crate::source::Source;
use crate::{FileKind, Files};

/// The bytes of a regular file. A pipe, say, would make the reader wait.
pub(super) fn bytes(files: &dyn Files, path: &Path) -> io::Result<Vec<u8>> {
    match files.kind(path)? {
        FileKind::File => files.read(path),
        FileKind::Missing => Err(io::ErrorKind::NotFound.into()),
        FileKind::OutsideRoot => Err(io::Error::other(
            "it is a link that leaves the catalog root",
        )),
        FileKind::Folder | FileKind::Other => Err(io::Error::other("it is not a file")),
    }
}

/// Parses a file. `peek` sees the table even where the file as a whole cannot be used.
pub(crate) fn toml<T: DeserializeOwned, P>(
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
    let broken = valid.is_some() || !faults.is_empty();
    let secrets = if broken {
        secret_lines(&text)
    } else {
        secret_spans(table.get_ref())
    };
    let source = Source::new(path, Arc::clone(&text), secrets);
    if let Some(at) = valid {
        problems
            .error(&source, &(at..at + 1), "the file is not UTF-8")
            .help("TOML files are UTF-8 (TOML 1.1, \"Spec\")");
        // What was read instead of the wrong bytes is not to be found fault with.
        return (source, peek(&DeTable::new()), None);
    }
    let peeked = peek(table.get_ref());
    if !faults.is_empty() {
        report_syntax(&source, &faults, problems);
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

/// Reports the first fault of each line: the others are mostly its consequences.
fn report_syntax(source: &Source, faults: &[toml::de::Error], problems: &mut Problems) {
    let mut faults: Vec<_> = faults
        .iter()
        .map(|fault| (fault.span().unwrap_or(0..0), fault.message()))
        .collect();
    faults.sort_by_key(|(span, _)| span.start);
    let mut last: Option<usize> = None;
    for (span, message) in faults {
        let between = last.and_then(|last| source.text.get(last..span.start));
        if between.is_some_and(|between| !between.contains('\n')) {
            continue;
        }
        last = Some(span.start);
        problems.error(
            source,
            &span,
            format!("invalid TOML: {}", message.replace('\n', ", ")),
        );
    }
}

/// The `name` of a service and where it stands.
pub(super) fn peek_name(table: &DeTable<'_>) -> Option<(String, Range<usize>)> {
    let name = table.get("name")?;
    Some((name.get_ref().as_str()?.to_owned(), name.span()))
}
