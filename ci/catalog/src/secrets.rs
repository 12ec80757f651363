//! Which keys and values look like secrets (S2), and where they stand in a file, so that messages can hide them (S4).
//! A heuristic: it leads to warnings and to hiding, never to errors.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Words that name secrets.
const WORDS: &[&str] = &[
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "SECRET",
    "SECRETS",
    "TOKEN",
];

/// Words that make a secret of a `KEY` after them.
const KEYS: &[&str] = &[
    "ACCESS",
    "API",
    "DEPLOY",
    "ENCRYPTION",
    "LICENSE",
    "PRIVATE",
    "SECRET",
    "SIGNING",
    "SSH",
];

/// Last words of names that talk about a secret without holding it.
const ABOUT: &[&str] = &[
    "FILE", "ID", "LENGTH", "NAME", "PATH", "TIMEOUT", "TTL", "URL",
];

/// Beginnings of well-known kinds of credentials.
const PREFIXES: &[&str] = &[
    "-----BEGIN ",
    "AKIA",
    "ghp_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "npm_",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

/// Whether a setting of this name, or this value under any name, looks like a secret. References such as `env:NAME`
/// and empty values hold none.
#[must_use]
pub fn looks_secret(name: &str, value: &str) -> bool {
    let reference = ["env:", "file:", "service:", "dir:", "oci-layout:"]
        .iter()
        .any(|kind| value.starts_with(kind));
    if value.is_empty() || reference {
        return false;
    }
    PREFIXES.iter().any(|prefix| value.starts_with(prefix)) || names_secret(name)
}

fn names_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    if words.last().is_some_and(|word| ABOUT.contains(word)) {
        return false;
    }
    words.iter().any(|word| WORDS.contains(word))
        || words
            .windows(2)
            .any(|pair| matches!(pair, [kind, "KEY"] if KEYS.contains(kind)))
}

/// The values of a file that may be secrets, in the order of the file.
pub(crate) fn secret_spans(table: &DeTable<'_>) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    collect_secrets(table, false, &mut spans);
    spans.sort_by_key(|span| span.start);
    spans
}

/// `all`: in a table of nothing but secrets, whatever their keys. References to secrets are none.
fn collect_secrets(table: &DeTable<'_>, all: bool, spans: &mut Vec<Range<usize>>) {
    // The parser limits how deep tables nest, so this recursion is bounded.
    for (key, value) in table {
        match value.get_ref() {
            DeValue::String(text)
                if looks_secret(if all { "SECRET" } else { key.get_ref() }, text) =>
            {
                // The quotes stay, so that the line still reads as what it is.
                let span = value.span();
                spans.push(span.start + 1..span.end.saturating_sub(1));
            }
            DeValue::Table(table) => collect_secrets(table, key.get_ref() == "secrets", spans),
            DeValue::Array(array) => {
                for item in array {
                    if let DeValue::Table(table) = item.get_ref() {
                        collect_secrets(table, false, spans);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The same for a text that is no TOML: everything from the beginning of what may be a secret to the end of its line.
pub(crate) fn secret_lines(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut all = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            all = line.contains("secrets");
        }
        let values = line.match_indices('=').map(|(at, _)| at + 1).filter(|&at| {
            let key = line[..at - 1].trim_end().trim_end_matches(['"', '\'']);
            let key = key
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                .next()
                .unwrap_or_default();
            all || names_secret(key)
        });
        let known = PREFIXES.iter().filter_map(|prefix| line.find(prefix));
        if let Some(at) = values.chain(known).min() {
            spans.push(start + at..start + line.trim_end().len());
        }
        start += line.len();
    }
    spans
}
