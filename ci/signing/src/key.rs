//! Keys that are kept: pairs and public keys, of ECDSA on P-256, in the files that cosign and openssl write.
//!
//! [`cosign`] knows the encrypted form; what is signed with a key is left to others.

mod cosign;

use std::fmt;

use ci_registry::Secret;
use pem::{EncodeConfig, LineEnding, Pem};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use sigstore_sign::crypto::{self, SigningScheme, VerificationKey};
use sigstore_sign::types::{DerPublicKey, SignatureBytes};
use zeroize::Zeroizing;

use crate::error::Error;

/// PEM label of PKCS#8.
const PKCS8: &str = "PRIVATE KEY";
/// No key file is larger, in bytes.
const MAX_FILE: usize = 64 << 10;

/// A pair of keys. Its private half is in no message.
pub struct KeyPair {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: crypto::KeyPair,
}

impl KeyPair {
    /// A new pair.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| Error::Crypto("no random bytes".to_owned()))?;
        Self::from_pkcs8(Zeroizing::new(pkcs8.as_ref().to_vec()))
    }

    /// Reads a private key: PKCS#8, or cosign's encrypted form, which `password` opens.
    ///
    /// # Errors
    /// It is neither, the password is missing or wrong, or it is a key of another kind.
    pub fn from_pem(text: &[u8], password: Option<&Secret>) -> Result<Self, Error> {
        let pem = read(text, "private")?;
        match pem.tag() {
            PKCS8 => Self::from_pkcs8(Zeroizing::new(pem.into_contents())),
            tag if cosign::LABELS.contains(&tag) => {
                let Some(password) = password else {
                    return Err(private(
                        "is encrypted and needs a password (COSIGN_PASSWORD)",
                    ));
                };
                Self::from_pkcs8(cosign::open(pem.contents(), password)?)
            }
            "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => Err(private(
                "is in a form that is not read: `openssl pkcs8 -topk8 -nocrypt` converts it",
            )),
            tag => Err(private(&format!("is a PEM of {tag:?}"))),
        }
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        crate::crypto::install();
        let pair = crypto::KeyPair::from_pkcs8_der(&pkcs8)
            .map_err(|_| private("is not one of ECDSA on P-256, the only kind that is used"))?;
        Ok(Self { pkcs8, pair })
    }

    /// The private key as cosign writes it, encrypted with a password.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn to_cosign_pem(&self, password: &Secret) -> Result<String, Error> {
        let sealed = cosign::seal(&self.pkcs8, password)?;
        Ok(armored(cosign::LABELS[0], &sealed))
    }

    /// The public half.
    ///
    /// # Errors
    /// None in practice; DER could not be written.
    pub fn public(&self) -> Result<PublicKey, Error> {
        self.pair.public_key_der().map(PublicKey).map_err(failed)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<SignatureBytes, Error> {
        self.pair.sign(message).map_err(failed)
    }

    pub(crate) fn pair(&self) -> &crypto::KeyPair {
        &self.pair
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}

/// A public key, which says whose a signature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(DerPublicKey);

impl PublicKey {
    /// Reads a public key (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// # Errors
    /// It is none, or one of another kind than ECDSA on P-256.
    pub fn from_pem(text: &[u8]) -> Result<Self, Error> {
        crate::crypto::install();
        let problem = |problem: &str| Error::Key {
            what: "public",
            problem: problem.to_owned(),
        };
        let pem = read(text, "public")?;
        if pem.tag() != "PUBLIC KEY" {
            return Err(problem(&format!("is a PEM of {:?}", pem.tag())));
        }
        let key = DerPublicKey::new(pem.into_contents());
        VerificationKey::from_der(&key, SigningScheme::EcdsaP256Sha256)
            .map_err(|_| problem("is not one of ECDSA on P-256, the only kind that is used"))?;
        Ok(Self(key))
    }

    /// The key as PEM.
    pub fn to_pem(&self) -> String {
        armored("PUBLIC KEY", self.0.as_bytes())
    }

    /// What bundles name the key by: the SHA-256 of its DER form, in base64.
    pub fn hint(&self) -> String {
        use base64::Engine;
        let digest = ring::digest::digest(&ring::digest::SHA256, self.0.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest)
    }

    /// The key in DER form (SubjectPublicKeyInfo).
    pub fn der(&self) -> &DerPublicKey {
        &self.0
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// # Errors
    /// It is not.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        crate::crypto::install();
        VerificationKey::from_der(&self.0, SigningScheme::EcdsaP256Sha256)
            .and_then(|key| key.verify(message, &SignatureBytes::from_bytes(signature)))
            .map_err(failed)
    }
}

fn read(text: &[u8], what: &'static str) -> Result<Pem, Error> {
    let problem = |problem: &str| Error::Key {
        what,
        problem: problem.to_owned(),
    };
    if text.len() > MAX_FILE {
        return Err(problem("file is too large to be one"));
    }
    // The error would show a part of the file.
    let mut all = pem::parse_many(text).map_err(|_| problem("file is no PEM"))?;
    match (all.pop(), all.is_empty()) {
        (Some(pem), true) => Ok(pem),
        (None, _) => Err(problem("file is no PEM")),
        _ => Err(problem("file holds more than one PEM")),
    }
}

/// PEM, with lines as everybody writes them here.
pub(crate) fn armored(label: &str, content: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(label, content.to_vec()), config)
}

fn private(problem: &str) -> Error {
    Error::Key {
        what: "private",
        problem: problem.to_owned(),
    }
}

fn failed(error: crypto::Error) -> Error {
    Error::Crypto(error.to_string())
}

#[cfg(test)]
mod tests;
