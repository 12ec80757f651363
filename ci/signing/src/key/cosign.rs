//! cosign's encrypted private keys: PKCS#8 in a NaCl secret box, whose key scrypt makes of the password, in JSON, in PEM.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ci_registry::Secret;
use crypto_secretbox::aead::{Aead, KeyInit};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use ring::rand::{SecureRandom, SystemRandom};
use scrypt::Params;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::private;
use crate::error::Error;

/// PEM labels: the one that is written, and the one of old.
pub(super) const LABELS: [&str; 2] = [
    "ENCRYPTED SIGSTORE PRIVATE KEY",
    "ENCRYPTED COSIGN PRIVATE KEY",
];
/// The cost of opening a key, as cosign sets it: 64 MiB of memory.
const COST: Cost = Cost {
    n: 1 << 16,
    r: 8,
    p: 1,
};
/// No key may ask for more memory, in bytes (scrypt takes 128·N·r).
const MAX_MEMORY: u64 = 512 << 20;
const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Cost,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

/// Opens an encrypted key.
pub(super) fn open(json: &[u8], password: &Secret) -> Result<Zeroizing<Vec<u8>>, Error> {
    let malformed = || private("is no encrypted key as cosign writes it");
    let sealed: Sealed = serde_json::from_slice(json).map_err(|_| malformed())?;
    if sealed.kdf.name != KDF || sealed.cipher.name != CIPHER {
        return Err(private("is encrypted in a way that is not known"));
    }
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| malformed());
    let nonce: [u8; 24] = bytes(&sealed.cipher.nonce)?
        .try_into()
        .map_err(|_| malformed())?;
    let secret = derive(password, &bytes(&sealed.kdf.salt)?, sealed.kdf.params)?;
    let opened = XSalsa20Poly1305::new(Key::from_slice(&*secret)).decrypt(
        Nonce::from_slice(&nonce),
        bytes(&sealed.ciphertext)?.as_slice(),
    );
    opened
        .map(Zeroizing::new)
        .map_err(|_| private("does not open with this password"))
}

/// Encrypts a key.
pub(super) fn seal(pkcs8: &[u8], password: &Secret) -> Result<Vec<u8>, Error> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    let random = SystemRandom::new();
    random
        .fill(&mut salt)
        .and_then(|()| random.fill(&mut nonce))
        .map_err(|_| Error::Crypto("no random bytes".to_owned()))?;
    let secret = derive(password, &salt, COST)?;
    let ciphertext = XSalsa20Poly1305::new(Key::from_slice(&*secret))
        .encrypt(Nonce::from_slice(&nonce), pkcs8)
        .map_err(|_| Error::Crypto("the key cannot be encrypted".to_owned()))?;
    let sealed = Sealed {
        kdf: Kdf {
            name: KDF.to_owned(),
            params: COST,
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher {
            name: CIPHER.to_owned(),
            nonce: STANDARD.encode(nonce),
        },
        ciphertext: STANDARD.encode(ciphertext),
    };
    let what = "the encrypted key";
    serde_json::to_vec(&sealed).map_err(|source| Error::Json { what, source })
}

fn derive(password: &Secret, salt: &[u8], cost: Cost) -> Result<Zeroizing<[u8; 32]>, Error> {
    let refused = || private("asks for more work to open it than is done");
    let memory = cost
        .n
        .checked_mul(u64::from(cost.r))
        .and_then(|nr| nr.checked_mul(128));
    let bounded = memory.is_some_and(|memory| memory <= MAX_MEMORY) && cost.p <= 16;
    if !bounded || !cost.n.is_power_of_two() {
        return Err(refused());
    }
    let log_n = u8::try_from(cost.n.trailing_zeros()).map_err(|_| refused())?;
    let params = Params::new(log_n, cost.r, cost.p, 32).map_err(|_| refused())?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password.reveal().as_bytes(), salt, &params, &mut *key)
        .map_err(|_| refused())?;
    Ok(key)
}
