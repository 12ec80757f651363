//! A Sigstore of the real servers on this machine: Fulcio with a certificate transparency log, Rekor in both versions, a timestamp
//! authority, and an OIDC issuer shaped like GitHub's. Nothing outside 127.0.0.1 is spoken to.
//!
//! The servers are built by `tests/tools/install-peers`, from `tests/tools/servers`.

mod issuer;
mod keys;
mod log;
mod trust;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::Program;

use issuer::Issuer;
pub use issuer::{Job, REQUEST_TOKEN};
use keys::Key;
use log::Log;
pub use trust::Logs;

/// A Sigstore; its servers end with the value, and its folder with them.
#[derive(Debug)]
pub struct Sigstore {
    issuer: Issuer,
    ca: String,
    environment: [(&'static str, PathBuf); 3],
    _authorities: [Program; 2],
    rekor: Log,
    tiles: Log,
    folder: TempDir,
}

const ROOT: &str = "trusted_root.json";
const CLIENT: &str = "client_trust_config.json";
const CHAIN: &str = "timestamps.pem";

/// By this name the log in tiles signs its checkpoints: clients compare it with the host of its address.
const ORIGIN: &str = "127.0.0.1";

impl Sigstore {
    /// Starts one.
    ///
    /// # Errors
    /// What is not installed.
    #[track_caller]
    pub fn start() -> Result<Self, String> {
        let folder = TempDir::with_prefix("sigstore-").unwrap();
        let place = |name: &str| folder.path().join(name);
        let issuer = Issuer::start()?;
        let config = place("fulcio.yaml");
        fs::write(&config, issuer::fulcio_config(&issuer.address())).unwrap();
        // All at once: each needs a moment.
        let arguments = ["ca", "-config", config.to_str().unwrap()];
        let mut ca = Program::start("sigstore-server", &arguments, &place("ca.log"))?;
        let mut timestamps = Program::start("timestamp-server", &[], &place("timestamps.log"))?;
        let rekor_key = Key::p256();
        let signer = write(&place("rekor.pem"), &rekor_key.private_pem());
        let mut rekor = Log::rekor(&signer, place("rekor.log"))?;
        let tiles_key = Key::ed25519();
        let signer = write(&place("tiles.pem"), &tiles_key.private_pem());
        let tiles = place("tiles").display().to_string();
        let mut tiles = Log::tiles(ORIGIN, &signer, &tiles, place("tiles.log"))?;
        let (facts, stamps) = (ca.facts(), timestamps.facts());
        rekor.ready();
        tiles.ready();
        let (ca_url, timestamps_url) = (text(&facts["url"]), text(&stamps["url"]));
        let (rekor_url, tiles_url) = (rekor.address(), tiles.address());
        let certificate_log = STANDARD.decode(text(&facts["log_key"])).unwrap();
        let trusted = trust::Trusted {
            ca: (ca_url, text(&facts["root"])),
            certificate_log: &certificate_log,
            rekor: (&rekor_url, &rekor_key.public()),
            tiles: (&tiles_url, &tiles_key.public(), &checkpoint_id(&tiles_key)),
            timestamps: (timestamps_url, &keys::bodies(text(&stamps["chain"]))),
        };
        write(&place(ROOT), &trusted.root().to_string());
        write(&place(CHAIN), text(&stamps["chain"]));
        for (_, name, pem) in trusted.pems() {
            write(&place(name), &pem);
        }
        let addresses = trust::Addresses {
            issuer: &issuer.address(),
            ca: ca_url,
            rekor: &rekor_url,
            tiles: &tiles_url,
            timestamps: timestamps_url,
        };
        for logs in Logs::ALL {
            let config = addresses.config(logs);
            write(&place(logs.file()), &config.to_string());
        }
        let all = trust::client(&trusted.root(), &addresses.config(Logs::Both));
        write(&place(CLIENT), &all.to_string());
        let environment = trusted
            .pems()
            .map(|(variable, name, _)| (variable, place(name)));
        Ok(Self {
            issuer,
            ca: ca_url.to_owned(),
            environment,
            _authorities: [ca, timestamps],
            rekor,
            tiles,
            folder,
        })
    }

    /// Fulcio, for clients that know no signing config.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Rekor v1, for clients that know no signing config.
    pub fn rekor(&self) -> String {
        self.rekor.address()
    }

    /// Who vouches for identities.
    pub fn issuer(&self) -> String {
        self.issuer.address()
    }

    /// A token that says which job it is of.
    pub fn token(&self, job: &Job) -> String {
        self.issuer.token(job)
    }

    /// Where a job of GitHub's asks for its token, showing [`REQUEST_TOKEN`]: `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub fn token_url(&self) -> String {
        format!("{}/token?api-version=2.0", self.issuer.address())
    }

    /// `trusted_root.json`.
    pub fn trusted_root(&self) -> PathBuf {
        self.folder.path().join(ROOT)
    }

    /// The trust root and a signing config in one document, `client_trust_config.json`.
    pub fn client_trust_config(&self) -> PathBuf {
        self.folder.path().join(CLIENT)
    }

    /// What to trust for clients that know no trust root: environment variables, and the files they name.
    pub fn environment(&self) -> &[(&'static str, PathBuf)] {
        &self.environment
    }

    /// The certificates of the timestamp authority, for clients that know no trust root.
    pub fn timestamp_chain(&self) -> PathBuf {
        self.folder.path().join(CHAIN)
    }

    /// `signing_config.json`, for a client that is to write to these logs.
    pub fn signing_config(&self, logs: Logs) -> PathBuf {
        self.folder.path().join(logs.file())
    }

    /// Ends both transparency logs; the certificate authority goes on.
    pub fn stop_logs(&mut self) {
        self.rekor.stop();
        self.tiles.stop();
    }

    /// Starts them again, at their addresses and with their keys. That of version 1 has lost its entries.
    #[track_caller]
    pub fn resume_logs(&mut self) {
        self.rekor.resume();
        self.tiles.resume();
    }
}

/// The identifier of an Ed25519 key in checkpoints, before it is cut to four bytes: a hash over its name, a newline, the number of the
/// algorithm, and the key (C2SP signed-note).
fn checkpoint_id(key: &Key) -> Vec<u8> {
    keys::sha256(&[ORIGIN.as_bytes(), b"\n\x01", key.raw()].concat())
}

/// Writes a file, and returns its path.
#[track_caller]
fn write(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
