//! Small JSON files that say themselves whether they are whole: `ci-store 1 <digest of the rest>`,
//! a line feed, the JSON.
//!
//! A partial, damaged or zero-length record (a power loss leaves such files) and one of another
//! format is never read as an answer (C4). This is why records need no fsync.

use std::fs;
use std::path::Path;

use ci_oci::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: &str = "ci-store 1 ";

/// What reading a record gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read<T> {
    /// There is no such file, or it cannot be read at present (no descriptors left, say).
    Absent,
    /// There is one with nothing in it, or only zeros: what a power loss leaves of a file that was
    /// not synced.
    Blank,
    /// There is one, but it is not a whole record of this format and type.
    Broken,
    /// The record.
    Whole(T),
}

impl<T> Read<T> {
    pub(crate) fn whole(self) -> Option<T> {
        match self {
            Self::Whole(value) => Some(value),
            Self::Absent | Self::Blank | Self::Broken => None,
        }
    }
}

pub(crate) fn encode<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_vec(value)?;
    let mut bytes = format!("{MAGIC}{}\n", Digest::of(&json).hex()).into_bytes();
    bytes.extend_from_slice(&json);
    Ok(bytes)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let rest = bytes.strip_prefix(MAGIC.as_bytes())?;
    let (digest, rest) = rest.split_at_checked(64)?;
    let json = rest.strip_prefix(b"\n")?;
    let whole = Digest::of(json).hex().as_bytes() == digest;
    whole.then(|| serde_json::from_slice(json).ok()).flatten()
}

pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Read<T> {
    match fs::read(path) {
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => Read::Blank,
        Ok(bytes) => decode(&bytes).map_or(Read::Broken, Read::Whole),
        Err(_) => Read::Absent,
    }
}

#[cfg(test)]
mod tests;
