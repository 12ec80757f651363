//! Registries that contradict, and services that fail: nothing is attached then, and no secret is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_catalog::SignatureFormat;
use ci_oci::Digest;
use ci_registry::{Manifest, Secret};
use ci_signing::{Error, Identity, KeyPair, Services, Signer, sign_images};
use serde_json::json;

use crate::registry::{Registry, http};
use crate::server::{Reply, Request, Server};
use crate::signatures::{sign, signer};

/// Services of which only those at these addresses are there.
pub(crate) fn services(fulcio: &str, rekor: &str) -> Services {
    let root = json!({ "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1" });
    let at = |url: &str| json!([{ "url": url, "majorApiVersion": 1, "operator": "test", "validFor": { "start": "2020-01-01T00:00:00Z" } }]);
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": at(fulcio),
        "oidcUrls": at(fulcio),
        "rekorTlogUrls": at(rekor),
        "rekorTlogConfig": { "selector": "ANY" },
        "tsaUrls": [],
        "tsaConfig": { "selector": "ANY" },
    });
    Services::from_json(&http(), &root.to_string(), &config.to_string()).unwrap()
}

/// A token that looks like one.
pub(crate) fn token() -> String {
    let claims = json!({ "iss": "https://issuer.example", "sub": "s", "exp": 9_999_999_999_u64 });
    format!(
        "e30.{}.c2VjcmV0",
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

/// All that anybody can see of an error.
fn shown(error: &Error) -> String {
    format!("{error} {error:?} {error:#?} {:?}", error.help())
}

fn without(error: &Error, server: &Server) -> String {
    error.to_string().replace(&server.host(), "HOST")
}

// R5: the registry answers with another digest.
#[tokio::test]
async fn nothing_is_signed_that_the_registry_has_otherwise_r5() {
    let registry = Registry::start().await;
    let image = registry.push();
    let other = Manifest::new(
        ci_oci::manifest::media_type::OCI_INDEX,
        "{\"schemaVersion\":2,\"manifests\":[] }",
    );
    let (client, reference, formats) = (
        registry.client(),
        registry.reference(),
        SignatureFormat::ALL.into(),
    );
    let insert = |name: &str| {
        let mut content = registry.content.lock().unwrap();
        content.manifests.insert(name.to_owned(), other.clone())
    };
    let tagged = insert("1").unwrap();
    let error = sign_images(&client, &reference, &[image], &signer(), &formats).await;
    let error = error.unwrap_err();
    insta::assert_snapshot!(without(&error, &registry.server), @"HOST/acme/shop:1 is sha256:c63f16c3375560c43a42d49329cea3769acce00774cdf06158b6dca3d279b0ce in the registry, not sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2");
    registry
        .content
        .lock()
        .unwrap()
        .manifests
        .insert("1".to_owned(), tagged);
    insert(&image.to_string());
    let error = sign_images(&client, &reference, &[image], &signer(), &formats).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, Error::Registry(ci_registry::Error::Mismatch { .. })),
        "{error}"
    );
    let absent = sign_images(
        &client,
        &reference,
        &[Digest::of("absent")],
        &signer(),
        &formats,
    )
    .await;
    assert!(matches!(absent, Err(Error::Registry(error)) if error.is_not_found()));
    assert_eq!(registry.writes(), 0);
}

// G4
#[tokio::test]
async fn a_log_that_is_down_leaves_nothing_g4() {
    let registry = Registry::start().await;
    let log = Server::start(|_: &Request| Reply::new(503).body("maintenance")).await;
    let pair = KeyPair::generate().unwrap();
    let signer = Signer::key(pair, Some(services(&log.url(""), &log.url("")))).unwrap();
    let error = sign(&registry, &signer).await.unwrap_err();
    insta::assert_snapshot!(without(&error, &log), @"the transparency log (Rekor) at http://HOST answers 503: failed to create DSSE entry: maintenance");
    insta::assert_snapshot!(error.help().unwrap(), @"nothing was attached; run the same again when the service is back");
    assert_eq!(registry.writes(), 0);
    assert_eq!(log.lines().len(), 5, "it was tried again");
}

// G1
#[tokio::test]
async fn an_entry_of_something_else_is_not_taken_for_ours_g1() {
    let registry = Registry::start().await;
    let entry = json!({ "ab".repeat(32): {
        "body": base64::engine::general_purpose::STANDARD.encode(json!({
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": { "hash": { "algorithm": "sha256", "value": Digest::of("other").hex() } },
                "signature": { "content": "AAAA", "publicKey": { "content": "AAAA" } },
            },
        }).to_string()),
        "integratedTime": 1_600_000_000,
        "logID": "cd".repeat(32),
        "logIndex": 7,
        "verification": { "signedEntryTimestamp": "AAAA" },
    }});
    let log = Server::start(move |_: &Request| Reply::new(201).body(entry.to_string())).await;
    let pair = KeyPair::generate().unwrap();
    let signer = Signer::key(pair, Some(services(&log.url(""), &log.url("")))).unwrap();
    let error = sign(&registry, &signer).await.unwrap_err();
    assert!(matches!(error, Error::Unsound { .. }), "{error}");
    assert_eq!(registry.writes(), 0);
}

// The answer to the first attempt was lost.
#[tokio::test]
async fn an_entry_that_the_log_has_already_is_asked_for() {
    let id = "ab".repeat(32);
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, known) = (Arc::clone(&asked), id.clone());
    let log = Server::start(move |request: &Request| {
        let said = json!({ "code": 409, "message": format!("an equivalent entry already exists with UUID {known}") });
        match (request.method.as_str(), counted.fetch_add(1, Ordering::Relaxed)) {
            ("POST", 0) => Reply::new(502),
            ("POST", _) => Reply::new(409).body(said.to_string()),
            _ => Reply::new(404),
        }
    })
    .await;
    let registry = Registry::start().await;
    let pair = KeyPair::generate().unwrap();
    let signer = Signer::key(pair, Some(services(&log.url(""), &log.url("")))).unwrap();
    sign(&registry, &signer).await.unwrap_err();
    let lines = log.lines();
    assert_eq!(
        lines[2],
        format!("GET /api/v1/log/entries/{id}"),
        "{lines:?}"
    );
}

// S1, S4: Fulcio says what it was told.
#[tokio::test]
async fn a_token_is_told_to_nobody_whatever_fulcio_says() {
    let registry = Registry::start().await;
    let fulcio = Server::start(|request: &Request| {
        let said = String::from_utf8(request.body.clone()).unwrap();
        Reply::new(400).body(format!("\u{1b}[31mcannot read {said}"))
    })
    .await;
    let token = token();
    let identity = Identity::Token(Secret::new(token.clone()));
    let signer = Signer::keyless(identity, services(&fulcio.url(""), &fulcio.url("")));
    registry.push();
    let error = signer.signed_by().await.unwrap_err();
    let text = shown(&error);
    assert!(
        text.contains("cannot read") && text.contains("***"),
        "{text}"
    );
    assert!(
        !text.contains(&token) && !text.contains("c2VjcmV0"),
        "{text}"
    );
    assert!(!error.to_string().contains('\u{1b}'));
    assert!(!format!("{signer:?}").contains("c2VjcmV0"));
    assert_eq!(registry.writes(), 0);
}

#[tokio::test]
async fn a_token_that_has_expired_is_not_sent() {
    let claims = json!({ "iss": "https://issuer.example", "sub": "s", "exp": 1_000_000_000_u64 });
    let token = format!(
        "e30.{}.c2VjcmV0",
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let fulcio = Server::start(|_: &Request| Reply::new(500)).await;
    let identity = Identity::Token(Secret::new(token));
    let signer = Signer::keyless(identity, services(&fulcio.url(""), &fulcio.url("")));
    let error = signer.signed_by().await.unwrap_err();
    insta::assert_snapshot!(error, @"no identity to sign with: the token has expired");
    assert!(fulcio.log().is_empty());
}

#[tokio::test]
async fn github_is_asked_for_a_token_for_sigstore() {
    let github = Server::start(|request: &Request| {
        match request.header("authorization") == Some("bearer request-s3cret") {
            true => Reply::new(200).body(json!({ "value": token() }).to_string()),
            false => Reply::new(401),
        }
    })
    .await;
    let fulcio = Server::start(|_: &Request| Reply::new(400)).await;
    let identity = |secret: &str| Identity::GitHub {
        url: github.url("/token?api-version=2.0"),
        token: Secret::new(secret),
    };
    let services = || services(&fulcio.url(""), &fulcio.url(""));
    let error = Signer::keyless(identity("request-s3cret"), services())
        .signed_by()
        .await;
    assert!(error.unwrap_err().to_string().contains("Fulcio"));
    let asked = github.log().remove(0);
    assert_eq!(asked.target, "/token?api-version=2.0&audience=sigstore");
    let sent: serde_json::Value = serde_json::from_slice(&fulcio.log()[0].body).unwrap();
    assert_eq!(sent["credentials"]["oidcIdentityToken"], token());
    let error = Signer::keyless(identity("other-s3cret"), services())
        .signed_by()
        .await;
    let error = error.unwrap_err();
    assert!(!shown(&error).contains("s3cret"), "{}", shown(&error));
    insta::assert_snapshot!(without(&error, &github), @"the identity provider at http://HOST/token gives no token: it answers 401 Unauthorized");
}
