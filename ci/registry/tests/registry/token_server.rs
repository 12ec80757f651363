//! A token server as Docker's registry believes it: tokens are JSON Web Tokens, signed with a key whose certificate it knows.
//! Everybody may pull; the user may push to `acme/`.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

use crate::fixture::USER;
use crate::server::{Reply, Request, Server};

/// The server, and what a registry has to know of it.
pub(crate) struct TokenServer {
    pub(crate) server: Server,
    dir: tempfile::TempDir,
}

impl TokenServer {
    pub(crate) async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token.pem"), certificate.pem()).unwrap();
        let chain = STANDARD.encode(certificate.der());
        let random = SystemRandom::new();
        let der = key.serialize_der();
        let signer =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).unwrap();
        let server = Server::start(move |request: &Request| {
            let basic = STANDARD.encode(format!("{}:{}", USER.0, USER.1));
            let known = match request.header("authorization") {
                Some(given) if given == format!("Basic {basic}") => true,
                Some(_) => return Reply::new(401),
                None => false,
            };
            let access: Vec<_> = scopes(request).map(|scope| grant(&scope, known)).collect();
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs();
            let head = json!({ "typ": "JWT", "alg": "ES256", "x5c": [chain] });
            let claims = json!({
                "iss": "test", "aud": "test", "sub": "", "jti": "1", "access": access,
                "iat": now, "nbf": now - 10, "exp": now + 300,
            });
            let [head, claims] =
                [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let text = format!("{head}.{claims}");
            let signature = signer.sign(&random, text.as_bytes()).unwrap();
            let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature));
            Reply::new(200).body(json!({ "token": token, "expires_in": 300 }).to_string())
        })
        .await;
        Self { server, dir }
    }

    pub(crate) fn realm(&self) -> String {
        self.server.url("/token")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.path().join("token.pem")
    }
}

/// The scopes a request is for.
fn scopes(request: &Request) -> impl Iterator<Item = String> {
    let query = request
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    let pairs = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("scope="));
    pairs.map(|scope| {
        scope
            .replace("%3A", ":")
            .replace("%2F", "/")
            .replace("%2C", ",")
    })
}

/// What is granted of a scope.
fn grant(scope: &str, known: bool) -> serde_json::Value {
    let [kind, name, actions] = scope.split(':').collect::<Vec<_>>().try_into().unwrap();
    let may = |action: &&str| *action == "pull" || (known && name.starts_with("acme/"));
    let actions: Vec<&str> = actions.split(',').filter(may).collect();
    json!({ "type": kind, "name": name, "actions": actions })
}
