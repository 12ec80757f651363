//! Keys of logs, and how they are written down.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

/// What precedes the point of a P-256 key, and the bytes of an Ed25519 key, in a SubjectPublicKeyInfo (RFC 5480, RFC 8410).
const P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// A private key (PKCS #8) with its public key.
#[derive(Debug)]
pub(super) struct Key {
    private: Vec<u8>,
    raw: Vec<u8>,
    prefix: &'static [u8],
}

impl Key {
    pub(super) fn p256() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self {
            private: document.as_ref().to_vec(),
            raw: pair.public_key().as_ref().to_vec(),
            prefix: P256,
        }
    }

    pub(super) fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self {
            private: document.as_ref().to_vec(),
            raw: pair.public_key().as_ref().to_vec(),
            prefix: ED25519,
        }
    }

    /// The public key without its algorithm.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The public key as SubjectPublicKeyInfo.
    pub(super) fn public(&self) -> Vec<u8> {
        [self.prefix, &self.raw].concat()
    }

    pub(super) fn private_pem(&self) -> String {
        pem("PRIVATE KEY", &base64(&self.private))
    }
}

/// A text of RFC 7468 of what is in base64.
pub(super) fn pem(label: &str, body: &str) -> String {
    let lines = body.as_bytes().chunks(64);
    let lines: String = lines
        .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
        .collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

/// What is between each pair of lines of a PEM text, in base64.
pub(super) fn bodies(pem: &str) -> Vec<String> {
    let parts = pem.split("-----BEGIN ").skip(1);
    parts
        .map(|part| {
            let (_, rest) = part.split_once("-----\n").unwrap();
            let (body, _) = rest.split_once("-----END").unwrap();
            body.split_whitespace().collect()
        })
        .collect()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}
