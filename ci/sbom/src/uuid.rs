//! Identifiers that are a function of content.

use ci_oci::Digest;

/// A UUID of version 8, whose digits are ours to choose (RFC 9562): of a digest.
pub(crate) fn uuid(content: &Digest) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&content.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}
