//! The few forms of YAML that policies are written in.

use std::fmt::Write;

/// A text as a double-quoted scalar. YAML 1.2 reads those of JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Items of a list, each on a line of its own, `indent` deep; `item` writes what follows the dash.
pub(super) fn items<T>(
    all: impl IntoIterator<Item = T>,
    indent: usize,
    item: impl Fn(T) -> String,
) -> String {
    all.into_iter().fold(String::new(), |mut text, one| {
        let _ = writeln!(text, "{:indent$}- {}", "", item(one));
        text
    })
}

/// A text of several lines as a literal block, whose lines are `indent` deep; what follows `KEY: `. Lines of it must not begin with
/// spaces, which those of PEM do not.
pub(super) fn block(text: &str, indent: usize) -> String {
    let lines = text.lines().map(|line| format!("\n{:indent$}{line}", ""));
    format!("|{}", lines.collect::<String>())
}
