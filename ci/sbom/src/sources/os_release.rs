//! Which distribution an image is: `os-release` (freedesktop.org, os-release(5)).

use crate::text;

/// A distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Such as `debian`: lower-case letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// Such as `12`; absent in rolling distributions.
    pub version: Option<String>,
    /// For people.
    pub name: String,
}

impl System {
    /// `debian-12`, as purls name a distribution.
    pub fn name_and_version(&self) -> String {
        match &self.version {
            Some(version) => format!("{}-{version}", self.id),
            None => self.id.clone(),
        }
    }
}

pub(super) fn parse(content: &[u8]) -> Option<System> {
    let content = std::str::from_utf8(content).ok()?;
    let value = |wanted: &str| {
        let mut lines = content
            .lines()
            .filter_map(|line| line.trim().split_once('='));
        // As a shell reads it, the last assignment counts.
        let (_, value) = lines.rfind(|(name, _)| *name == wanted)?;
        text::line(&unquoted(value.trim()))
    };
    let is_id = |id: &String| {
        let is_fine =
            |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"._-".contains(&it);
        id.bytes().all(is_fine)
    };
    let id = value("ID")
        .filter(is_id)
        .unwrap_or_else(|| "linux".to_owned());
    Some(System {
        version: value("VERSION_ID").filter(|it| text::is_word(it)),
        name: value("PRETTY_NAME").or_else(|| value("NAME"))?,
        id,
    })
}

/// A value as a shell reads it, if it is one word: in quotes or not.
fn unquoted(value: &str) -> String {
    let quoted = |quote| {
        value
            .strip_prefix(quote)
            .and_then(|it: &str| it.strip_suffix(quote))
    };
    if let Some(literal) = quoted('\'') {
        return literal.to_owned();
    }
    let value = quoted('"').unwrap_or(value);
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(it) = chars.next() {
        out.extend(if it == '\\' { chars.next() } else { Some(it) });
    }
    out
}
