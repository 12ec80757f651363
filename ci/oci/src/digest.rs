//! SHA-256 digests in OCI notation, and readers and writers that compute them in passing.
//!
//! Only `sha256` exists here: a digest of any other algorithm is refused when it is parsed, so that no later code has to ask.
//! A [`Digest`] is 32 bytes, never text, so that nothing a document says can become a path (L15).

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

const PREFIX: &str = "sha256:";

/// A SHA-256 digest, written `sha256:` and 64 lower-case hexadecimal digits (OCI image specification, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a digest we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits")]
pub struct DigestError {
    /// The beginning of the refused text.
    pub text: String,
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest from its 32 raw bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits without the algorithm: a file name that is safe everywhere.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// A digest from 64 lower-case hexadecimal digits, as [`Digest::hex`] gives.
    pub fn from_hex(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError {
            text: text.chars().take(80).collect(),
        };
        let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 32];
        if !lower {
            return Err(error());
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| error())?;
        Ok(Self(bytes))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.strip_prefix(PREFIX)
            .and_then(|hex| Self::from_hex(hex).ok())
            .ok_or_else(|| DigestError {
                text: text.chars().take(80).collect(),
            })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The chain id of layers, lowest first (OCI image specification, "Layer ChainID"): it names the file system they make together.
///
/// The specification leaves the empty list open; here it is the digest of the empty string.
pub fn chain_id(diff_ids: &[Digest]) -> Digest {
    let Some((first, rest)) = diff_ids.split_first() else {
        return Digest::of(b"");
    };
    rest.iter().fold(*first, |chain, diff_id| {
        Digest::of(format!("{chain} {diff_id}"))
    })
}

/// Passes bytes on to a writer, counting and hashing those it took.
#[derive(Debug)]
pub struct DigestWriter<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W> DigestWriter<W> {
    /// Wraps `inner`.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            size: 0,
        }
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The wrapped writer, the digest of all bytes it took, and their number. Does not flush.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, Digest(self.hash.finalize().into()), self.size)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hash.update(&bytes[..taken]);
        self.size += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads from a reader, counting and hashing what passes.
#[derive(Debug)]
pub struct DigestReader<R> {
    inner: R,
    hash: Sha256,
    size: u64,
}

impl<R> DigestReader<R> {
    /// Wraps `inner`.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            size: 0,
        }
    }

    /// Bytes read so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of the bytes read so far.
    pub fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }

    /// The wrapped reader, the digest of all bytes read through this one, and their number.
    pub fn finish(self) -> (R, Digest, u64) {
        (self.inner, Digest(self.hash.finalize().into()), self.size)
    }
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn text_and_bytes_are_one_to_one() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(digest));
        assert_eq!(Digest::from_hex(&digest.hex()), Ok(digest));
        assert_eq!(
            serde_json::to_string(&digest).unwrap(),
            format!("{EMPTY:?}")
        );
        assert_eq!(
            serde_json::from_str::<Digest>(&format!("{EMPTY:?}")).unwrap(),
            digest
        );
    }

    #[test]
    fn everything_but_lower_case_sha256_is_refused_l15() {
        let upper = EMPTY.replace('e', "E");
        let long = format!("{EMPTY}0");
        for text in [
            "",
            "sha256:",
            "sha256:../../../etc/passwd",
            &EMPTY[..70],
            &long,
            &upper,
            &EMPTY[7..],
            "sha512:00",
            "sha256 :00",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
            assert!(
                serde_json::from_value::<Digest>(text.into()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn chain_id_follows_the_specification() {
        let (a, b, c) = (Digest::of("a"), Digest::of("b"), Digest::of("c"));
        assert_eq!(chain_id(&[]), Digest::of(b""));
        assert_eq!(chain_id(&[a]), a);
        assert_eq!(chain_id(&[a, b]), Digest::of(format!("{a} {b}")));
        assert_eq!(
            chain_id(&[a, b, c]),
            Digest::of(format!("{} {c}", Digest::of(format!("{a} {b}"))))
        );
    }

    #[test]
    fn reader_and_writer_count_and_hash_what_passes() {
        let mut writer = DigestWriter::new(Vec::new());
        writer.write_all(b"hello").unwrap();
        let (bytes, digest, size) = writer.finish();
        assert_eq!(
            (bytes.as_slice(), digest, size),
            (b"hello".as_slice(), Digest::of("hello"), 5)
        );

        let mut reader = DigestReader::new(b"hello".as_slice());
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let (_, digest, size) = reader.finish();
        assert_eq!((digest, size), (Digest::of("hello"), 5));
    }
}
