//! The cryptography of the Sigstore crates, by `ring`.
//!
//! Messages are signed and verified whole, never by a digest that somebody else computed: `ring` offers no other way. Where the
//! Sigstore crates ask by digest, [`verifying`] has left the message.

use std::cell::Cell;

use ring::digest::{self, Context};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey, VerificationAlgorithm};
use sigstore_sign::crypto::{
    CryptoProvider, Error, HashContext, KeyAlgorithm, Result, SigningKeyPair, SigningScheme,
};
use sigstore_sign::types::HashAlgorithm;

/// Makes `ring` the provider of the Sigstore crates in this process, and that of TLS. May be called any number of times; whoever uses
/// these crates calls it first.
pub fn install() {
    // An error says that a provider was installed before: ours, as nobody else has one.
    let _ = sigstore_sign::crypto::install_default_provider(&Ring);
    // The client of TUF repositories makes an HTTP client of its own before it takes ours, and that one panics without a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

thread_local! {
    /// The message whose signature is being verified, where the crates above hand down nothing but its digest.
    static MESSAGE: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// Verifies a signature over `message` with code that knows only the message's digest when it comes to the cryptography.
pub(crate) fn verifying<T>(message: &[u8], verify: impl FnOnce() -> T) -> T {
    MESSAGE.set(Some(message.to_vec()));
    let verified = verify();
    MESSAGE.set(None);
    verified
}

#[derive(Debug)]
struct Ring;

impl CryptoProvider for Ring {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        let algorithm = match algorithm {
            HashAlgorithm::Sha2256 => &digest::SHA256,
            HashAlgorithm::Sha2384 => &digest::SHA384,
            HashAlgorithm::Sha2512 => &digest::SHA512,
            other => return Err(unsupported(&format!("digests by {other}"))),
        };
        Ok(Box::new(Hash(Context::new(algorithm))))
    }

    fn verify_raw(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let verified = UnparsedPublicKey::new(algorithm(scheme)?, key).verify(data, signature);
        verified.map_err(|_| Error::Verification(format!("{} signature invalid", scheme.name())))
    }

    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let message = MESSAGE.take().filter(|message| {
            let hashed = scheme.hash_algorithm().map(|by| self.hash(by));
            hashed.is_some_and(|hash| {
                hash.is_ok_and(|mut hash| {
                    hash.update(message);
                    hash.finalize() == digest
                })
            })
        });
        match message {
            Some(message) => self.verify_raw(scheme, key, &message, signature),
            None => Err(unsupported(&format!(
                "verification of {} by a digest",
                scheme.name()
            ))),
        }
    }

    fn generate_key_pair(&self, algorithm: KeyAlgorithm) -> Result<Box<dyn SigningKeyPair>> {
        match algorithm {
            KeyAlgorithm::EcdsaP256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(
                    &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
                    &SystemRandom::new(),
                );
                let pkcs8 = pkcs8.map_err(|_| {
                    Error::KeyGeneration("the system gives no random bytes".to_owned())
                })?;
                self.key_pair_from_pkcs8_der(pkcs8.as_ref())
            }
            other => Err(unsupported(&format!("keys of {other:?}"))),
        }
    }

    fn key_pair_from_pkcs8_der(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKeyPair>> {
        let random = SystemRandom::new();
        let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &random)
            .map_err(|error| Error::InvalidKeyFormat(error.to_string()))?;
        Ok(Box::new(P256 { pair, random }))
    }
}

struct Hash(Context);

impl HashContext for Hash {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

struct P256 {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl SigningKeyPair for P256 {
    fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::EcdsaP256
    }

    fn public_key_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn sign_raw(&self, data: &[u8]) -> Result<Vec<u8>> {
        let signature = self.pair.sign(&self.random, data);
        let signature =
            signature.map_err(|_| Error::Signing("the system gives no random bytes".to_owned()))?;
        Ok(signature.as_ref().to_vec())
    }

    fn sign_prehashed(&self, _digest: &[u8]) -> Result<Vec<u8>> {
        Err(unsupported("signing a digest"))
    }
}

fn algorithm(scheme: SigningScheme) -> Result<&'static dyn VerificationAlgorithm> {
    Ok(match scheme {
        SigningScheme::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
        SigningScheme::EcdsaP256Sha384 => &signature::ECDSA_P256_SHA384_ASN1,
        SigningScheme::EcdsaP384Sha256 => &signature::ECDSA_P384_SHA256_ASN1,
        SigningScheme::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
        SigningScheme::Ed25519 => &signature::ED25519,
        SigningScheme::RsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
        SigningScheme::RsaPssSha384 => &signature::RSA_PSS_2048_8192_SHA384,
        SigningScheme::RsaPssSha512 => &signature::RSA_PSS_2048_8192_SHA512,
        SigningScheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        SigningScheme::RsaPkcs1Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        SigningScheme::RsaPkcs1Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        other => return Err(unsupported(&format!("verification of {}", other.name()))),
    })
}

fn unsupported(what: &str) -> Error {
    Error::UnsupportedAlgorithm(format!("{what} is not supported"))
}
