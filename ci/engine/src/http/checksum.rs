//! Checksums that a Dockerfile holds against a file.

use std::str::FromStr;

use ci_oci::Digest;
use serde::{Serialize, Serializer};
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha384, Sha512};

use crate::error::{Error, Result};

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checksum {
    algorithm: Algorithm,
    /// Lower-case hexadecimal digits.
    hex: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

/// A hash under way.
pub(super) struct Hash(Box<dyn DynDigest + Send>);

impl Hash {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Checksum {
    /// Begins to hash by its algorithm.
    pub(super) fn hash(&self) -> Hash {
        Hash(match self.algorithm {
            Algorithm::Sha256 => Box::new(Sha256::default()),
            Algorithm::Sha384 => Box::new(Sha384::default()),
            Algorithm::Sha512 => Box::new(Sha512::default()),
        })
    }

    /// The name under which the store has such a file, if that can be known.
    pub(super) fn sha256(&self) -> Option<Digest> {
        let digest = (self.algorithm == Algorithm::Sha256).then(|| Digest::from_hex(&self.hex));
        digest?.ok()
    }

    /// # Errors
    /// With both sums, when they differ.
    pub(super) fn check(&self, hash: Hash) -> Result<()> {
        let found = hex::encode(hash.0.finalize());
        if found == self.hex {
            return Ok(());
        }
        let name = self.algorithm.name();
        Err(Error::new(format!(
            "the file is {name}:{found}, but the checksum says {name}:{}",
            self.hex
        )))
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

impl FromStr for Checksum {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (algorithm, length) = match text.split_once(':').unwrap_or_default().0 {
            "sha256" => (Algorithm::Sha256, 64),
            "sha384" => (Algorithm::Sha384, 96),
            "sha512" => (Algorithm::Sha512, 128),
            _ => return Err(refused(text)),
        };
        let hex = text[algorithm.name().len() + 1..].to_ascii_lowercase();
        if hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self { algorithm, hex })
        } else {
            Err(refused(text))
        }
    }
}

fn refused(text: &str) -> Error {
    Error::new(format!(
        "{text:?} is no checksum; write sha256: and 64 hexadecimal digits"
    ))
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}:{}", self.algorithm.name(), self.hex))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_is_held_against_a_file() {
        for (name, length) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
            let mut right: Checksum = format!("{name}:{}", "0".repeat(length)).parse().unwrap();
            let mut hash = right.hash();
            hash.update(b"abc");
            let message = right.check(hash).unwrap_err().to_string();
            let found = message
                .split([' ', ','])
                .find(|word| word.starts_with(name))
                .unwrap();
            assert!(message.contains(&"0".repeat(length)), "{message}");
            right = found.to_uppercase().replace("SHA", "sha").parse().unwrap();
            let mut hash = right.hash();
            hash.update(b"a");
            hash.update(b"bc");
            assert!(right.check(hash).is_ok());
        }
    }

    #[test]
    fn what_is_no_checksum_is_refused() {
        for text in [
            "",
            "sha256",
            "sha256:",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            "sha256:zz",
            "sha512:00",
        ] {
            assert!(text.parse::<Checksum>().is_err(), "{text}");
        }
    }
}
