//! An OIDC issuer shaped like GitHub's: its tokens say which workflow of which repository runs.

use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

use super::keys::bodies;
use crate::server::{Answer, Request, Server};

/// What a job shows to the token service.
pub const REQUEST_TOKEN: &str = "request-token-of-the-job";

/// A workflow that runs.
#[derive(Debug, Clone)]
pub struct Job {
    /// `OWNER/NAME`.
    pub repository: String,
    /// The file, below `.github/workflows`.
    pub workflow: String,
    /// The full name of a branch or tag.
    pub reference: String,
    /// The commit.
    pub sha: String,
    /// `push`, …
    pub event: String,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            repository: "acme/shop".to_owned(),
            workflow: "deliver.yml".to_owned(),
            reference: "refs/heads/main".to_owned(),
            sha: "8f4b1c0de2a95c37f6a3b0d9e8c7f6a5b4c3d2e1".to_owned(),
            event: "push".to_owned(),
        }
    }
}

impl Job {
    /// The workflow as GitHub's claims name it.
    fn workflow(&self) -> String {
        let (repository, file) = (&self.repository, &self.workflow);
        format!("{repository}/.github/workflows/{file}@{}", self.reference)
    }

    /// The identity that its certificate has.
    pub fn identity(&self) -> String {
        format!("https://github.com/{}", self.workflow())
    }
}

/// The issuer.
#[derive(Debug)]
pub(super) struct Issuer {
    key: Arc<KeyPair>,
    server: Server,
}

impl Issuer {
    /// Starts it.
    ///
    /// # Errors
    /// What is not installed.
    #[track_caller]
    pub(super) fn start() -> Result<Self, String> {
        let key = Arc::new(key()?);
        let listening = Server::listen();
        let (address, its) = (listening.address(), key.clone());
        let server = listening.serve(move |request| answer(request, &address, &its));
        Ok(Self { key, server })
    }

    pub(super) fn address(&self) -> String {
        self.server.address()
    }

    /// A token for a job.
    pub(super) fn token(&self, job: &Job) -> String {
        token(&self.key, &self.address(), job, "sigstore")
    }
}

fn answer(request: &Request, address: &str, key: &KeyPair) -> Answer {
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, query),
        None => (request.target.as_str(), ""),
    };
    let answer = match path {
        "/.well-known/openid-configuration" => json!({
            "issuer": address,
            "jwks_uri": format!("{address}/.well-known/jwks"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
        }),
        "/.well-known/jwks" => json!({ "keys": [public(key)] }),
        // What a job of GitHub's is told the address of.
        "/token" => {
            let audience = query
                .split('&')
                .find_map(|pair| pair.strip_prefix("audience="));
            let expected = format!("bearer {REQUEST_TOKEN}");
            let shown = request.authorization.as_deref().unwrap_or_default();
            if !shown.eq_ignore_ascii_case(&expected) {
                return Answer {
                    status: "401 Unauthorized",
                    media_type: None,
                    body: Vec::new(),
                };
            }
            let audience = audience.unwrap_or("https://github.com/acme");
            json!({ "value": token(key, address, &Job::default(), audience) })
        }
        _ => return Answer::not_found(),
    };
    Answer {
        status: "200 OK",
        media_type: Some("application/json"),
        body: answer.to_string().into_bytes(),
    }
}

/// A key of GitHub's kind: clients take tokens for nothing else.
fn key() -> Result<KeyPair, String> {
    let mut program = Command::new("openssl");
    let made = program.args(["genpkey", "-algorithm", "RSA"]).output();
    let made = made.map_err(|_| "openssl is not installed".to_owned())?;
    let bodies = bodies(&String::from_utf8(made.stdout).unwrap());
    let key = STANDARD.decode(&bodies[0]).unwrap();
    Ok(KeyPair::from_pkcs8(&key).unwrap())
}

/// The key as RFC 7517 writes it.
fn public(key: &KeyPair) -> Value {
    let PublicKeyComponents::<Vec<u8>> { n, e } = key.public().into();
    json!({
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
        "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e),
    })
}

fn token(key: &KeyPair, address: &str, job: &Job, audience: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    let (owner, _) = job.repository.split_once('/').unwrap();
    let claims = json!({
        "iss": address,
        "aud": audience,
        "sub": format!("repo:{}:ref:{}", job.repository, job.reference),
        "iat": now, "nbf": now - 5, "exp": now + 300,
        "jti": format!("{now}"),
        "actor": "ada", "actor_id": "1",
        "event_name": job.event,
        "job_workflow_ref": job.workflow(), "job_workflow_sha": job.sha,
        "ref": job.reference, "ref_type": "branch", "ref_protected": "true",
        "repository": job.repository, "repository_id": "2", "repository_visibility": "private",
        "repository_owner": owner, "repository_owner_id": "3",
        "run_id": "42", "run_number": "7", "run_attempt": "1",
        "runner_environment": "github-hosted",
        "sha": job.sha,
        "workflow": "deliver", "workflow_ref": job.workflow(), "workflow_sha": job.sha,
    });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "RS256", "kid": "1", "typ": "JWT" });
    let signed = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// How Fulcio makes a certificate of such a token; the public instance has the same for GitHub.
pub(super) fn fulcio_config(address: &str) -> String {
    let template = |name: &str, value: &str| format!("      {name}: \"{value}\"\n");
    let extensions: String = [
        ("github-workflow-trigger", "event_name"),
        ("github-workflow-sha", "sha"),
        ("github-workflow-name", "workflow"),
        ("github-workflow-repository", "repository"),
        ("github-workflow-ref", "ref"),
        ("build-signer-uri", "{{ .url }}/{{ .job_workflow_ref }}"),
        ("build-signer-digest", "job_workflow_sha"),
        ("runner-environment", "runner_environment"),
        ("source-repository-uri", "{{ .url }}/{{ .repository }}"),
        ("source-repository-digest", "sha"),
        ("source-repository-ref", "ref"),
        ("source-repository-identifier", "repository_id"),
        (
            "source-repository-owner-uri",
            "{{ .url }}/{{ .repository_owner }}",
        ),
        ("source-repository-owner-identifier", "repository_owner_id"),
        ("build-config-uri", "{{ .url }}/{{ .workflow_ref }}"),
        ("build-config-digest", "workflow_sha"),
        ("build-trigger", "event_name"),
        (
            "run-invocation-uri",
            "{{ .url }}/{{ .repository }}/actions/runs/{{ .run_id }}/attempts/{{ .run_attempt }}",
        ),
        (
            "source-repository-visibility-at-signing",
            "repository_visibility",
        ),
    ]
    .map(|(name, value)| template(name, value))
    .concat();
    format!(
        "oidc-issuers:\n  {address}:\n    issuer-url: {address}\n    client-id: sigstore\n    type: ci-provider\n    \
         ci-provider: github-workflow\n\
         ci-issuer-metadata:\n  github-workflow:\n    default-template-values:\n      url: https://github.com\n    \
         extension-templates:\n{extensions}    \
         subject-alternative-name-template: \"{{{{ .url }}}}/{{{{ .job_workflow_ref }}}}\"\n"
    )
}
