//! Who we are to GitHub: a token, or an App that gets one for this repository and these rights alone.

use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ci_http::{Clock, Http, Method, StatusCode};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use serde_json::json;

use super::forge::GitHub;
use super::{DIALECT, Repository};
use crate::PullRequestError;
use crate::rest::Api;

/// Who we are to GitHub.
#[derive(Clone)]
pub enum Auth {
    /// A classic or fine-grained token, or that of a workflow.
    Token(String),
    /// An App that is installed on the repository.
    App {
        /// Its client id or number.
        id: String,
        /// Its private key, as PEM.
        key: String,
    },
}

/// Secrets stay out of messages (S1).
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(…)"),
            Self::App { id, .. } => write!(f, "App({id})"),
        }
    }
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct AccessToken {
    token: String,
}

impl Auth {
    /// GitHub with a token that is good for this repository.
    pub(super) async fn open(
        &self,
        http: &Http,
        repository: &Repository,
    ) -> Result<GitHub, PullRequestError> {
        let Repository {
            owner, name, rest, ..
        } = repository;
        let with = |token: &str| Api::new(http, &DIALECT, rest, (owner, name), token);
        let open = |token: &str| GitHub {
            api: with(token),
            repository: repository.clone(),
        };
        let (id, key) = match self {
            Self::Token(token) => return Ok(open(token)),
            Self::App { id, key } => (id, key),
        };
        let app = with(&jwt(id, key, http.clock())?);
        let path = app.of_repository(&["installation"]);
        let installation: Installation = app.get(&path, &[]).await?.json()?;
        let path = app.path(&[
            "app",
            "installations",
            &installation.id.to_string(),
            "access_tokens",
        ]);
        let body = json!({
            "repositories": [name],
            "permissions": { "contents": "write", "pull_requests": "write" },
        });
        let answer = app.send(Method::POST, &path, &body).await?;
        let token: AccessToken = answer.expect(&[StatusCode::CREATED])?.json()?;
        Ok(open(&token.token))
    }
}

/// An App's claim to be itself (RFC 7519, RS256): good for nine minutes, from a minute ago, since clocks differ.
fn jwt(id: &str, pem: &str, clock: &dyn Clock) -> Result<String, PullRequestError> {
    let key = key(pem)?;
    let now = clock
        .now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let claims = json!({ "iat": now.saturating_sub(60), "exp": now + 540, "iss": id });
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| PullRequestError::Key("it does not sign"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// An RSA key in PEM (RFC 7468), PKCS #1 as GitHub gives it or PKCS #8.
fn key(pem: &str) -> Result<RsaKeyPair, PullRequestError> {
    let refused = |_| PullRequestError::Key("it is not an RSA key of 2048 bits or more");
    for (label, is_pkcs8) in [("RSA PRIVATE KEY", false), ("PRIVATE KEY", true)] {
        let begin = format!("-----BEGIN {label}-----");
        let end = format!("-----END {label}-----");
        let Some((_, rest)) = pem.split_once(&begin) else {
            continue;
        };
        let (body, _) = rest
            .split_once(&end)
            .ok_or(PullRequestError::Key("its PEM does not end"))?;
        let body: String = body.split_whitespace().collect();
        let der = STANDARD
            .decode(body)
            .map_err(|_| PullRequestError::Key("its PEM is not base64"))?;
        return match is_pkcs8 {
            true => RsaKeyPair::from_pkcs8(&der).map_err(refused),
            false => RsaKeyPair::from_der(&der).map_err(refused),
        };
    }
    Err(PullRequestError::Key("it is no PEM of a private key"))
}
