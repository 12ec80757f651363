//! Somebody who signs in, with a browser somewhere else.

use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_http::Url;
use ci_registry::Secret;
use ci_signing::{Identity, Person, Signer};
use serde_json::json;

use crate::failures::{services, token};
use crate::server::{Reply, Request, Server};

/// Reads the code off the page that it visited.
#[derive(Default)]
struct Remote {
    visited: Mutex<Option<Url>>,
}

impl Person for Remote {
    fn has_browser(&self) -> bool {
        false
    }

    fn visit(&self, address: &str, opened: bool) {
        assert!(!opened);
        *self.visited.lock().unwrap() = Some(address.parse().unwrap());
    }

    fn code(&self) -> io::Result<Secret> {
        Ok(Secret::new("c0de"))
    }
}

fn value(url: &Url, name: &str) -> String {
    let mut pairs = url.query_pairs();
    pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn a_person_signs_in_with_a_proof_that_the_code_is_for_us() {
    let provider = Server::start(move |request: &Request| {
        let host = format!("http://{}", request.header("host").unwrap());
        match request.path() {
            "/.well-known/openid-configuration" => Reply::new(200).body(
                json!({ "authorization_endpoint": format!("{host}/sign-in"), "token_endpoint": format!("{host}/code") })
                    .to_string(),
            ),
            "/code" => Reply::new(200).body(json!({ "id_token": token() }).to_string()),
            _ => Reply::new(400).body("no certificate"),
        }
    })
    .await;
    let person = Arc::new(Remote::default());
    let identity = Identity::Person(Arc::<Remote>::clone(&person));
    let signer = Signer::keyless(identity, services(&provider.url(""), &provider.url("")));
    signer.signed_by().await.unwrap_err();
    let page = person.visited.lock().unwrap().clone().unwrap();
    assert_eq!(page.path(), "/sign-in");
    assert_eq!(value(&page, "client_id"), "sigstore");
    // RFC 7636: what was shown when the code was asked for is the digest of what comes with the code.
    let log = provider.log();
    let exchange = log.iter().find(|one| one.path() == "/code").unwrap();
    let form = format!("http://form/?{}", String::from_utf8_lossy(&exchange.body));
    let form: Url = form.parse().unwrap();
    assert_eq!(value(&form, "code"), "c0de");
    let verifier = value(&form, "code_verifier");
    let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    assert_eq!(
        value(&page, "code_challenge"),
        URL_SAFE_NO_PAD.encode(digest)
    );
    assert_eq!(value(&page, "code_challenge_method"), "S256");
    // The token that came for it is what Fulcio is shown.
    let shown = log.last().unwrap();
    assert_eq!(shown.path(), "/api/v2/signingCert");
    let shown: serde_json::Value = serde_json::from_slice(&shown.body).unwrap();
    assert_eq!(shown["credentials"]["oidcIdentityToken"], token());
}
