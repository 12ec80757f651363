//! Names that end up in repositories, tags and file names, and so may hold only what is safe in all three.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// Longest name in bytes: a DNS label, so that a name may also be a host name.
const MAX_BYTES: usize = 63;

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
        .all(|byte| alphanumeric(byte) || matches!(byte, b'.' | b'_' | b'-'))
    {
        return Some(
            "a name has only lower-case letters, digits and single `.`, `_`, `__` or `-` between them",
        );
    }
    let inner_ok = text.split(alphanumeric_char).all(|separator| {
        matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    });
    let ends_ok = text.starts_with(alphanumeric_char) && text.ends_with(alphanumeric_char);
    (!inner_ok || !ends_ok).then_some(
        "a name begins and ends with a letter or digit, with one separator at a time between",
    )
}

/// The text with everything a name cannot hold turned into single hyphens.
fn nearest(text: &str) -> Option<Name> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c| !alphanumeric_char(c))
        .filter(|word| !word.is_empty())
        .collect();
    let candidate = words.join("-");
    fault(&candidate).is_none().then_some(Name(candidate))
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn alphanumeric_char(c: char) -> bool {
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
