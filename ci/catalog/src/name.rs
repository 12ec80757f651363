//! Names that end up in repositories, tags and file names, and so may hold only what is safe in all three.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// Longest name in bytes: a DNS label, so that a name may also be a host name.
const MAX_BYTES: usize = 63;

/// The same rule for the JSON schema.
pub(crate) const PATTERN: &str = r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$";

/// A name that is one path component of an OCI repository: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
/// (OCI distribution specification, "Pulling manifests"), of at most 63 bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidName {
    reason: &'static str,
    /// The nearest name that would be valid, if there is one.
    pub suggestion: Option<Name>,
}

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(InvalidName {
                reason,
                suggestion: nearest(text),
            }),
        }
    }
}

/// What is wrong with `text` as a name.
fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("a name must not be empty");
    }
    if text.len() > MAX_BYTES {
        return Some("a name has at most 63 characters");
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
    {
        return Some("a name has only lower-case letters, digits, `.`, `_` and `-`");
    }
    (!is_component(text)).then_some(
        "a name begins and ends with a letter or digit, with one separator at a time between",
    )
}

/// Whether `text` is one path component of a repository, of any length.
pub(crate) fn is_component(text: &str) -> bool {
    let separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.split(alphanumeric).all(separator)
}

/// The text with everything a name cannot hold turned into single hyphens.
fn nearest(text: &str) -> Option<Name> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c| !alphanumeric(c))
        .filter(|word| !word.is_empty())
        .collect();
    let candidate = words.join("-");
    fault(&candidate).is_none().then_some(Name(candidate))
}

fn alphanumeric(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}
