//! The signed webhook.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ci_deployments::receivers::{Webhook, WebhookError};
use ci_deployments::{Candidate, Image, Kind, Move, Promotion, Source};
use ci_oci::Digest;
use serde_json::{Value, json};

use crate::http::serve;
use crate::{answer, client};

/// Delivery, signature, body.
type Delivery = (String, String, Vec<u8>);

fn promotion() -> Promotion {
    let commit = "07".repeat(20);
    let after = Candidate {
        service: "web".into(),
        image: Image {
            repository: "ghcr.io/acme/web".parse().unwrap(),
            digest: Digest::of("new"),
            tag: None,
            commit: Some(commit.clone()),
        },
        tags: Vec::new(),
        source: Source {
            repository: None,
            commit,
            commit_time: None,
            reference: None,
        },
    };
    Promotion {
        kind: Kind::Rollback,
        environment: "production".parse().unwrap(),
        unit: "web".parse().unwrap(),
        moves: vec![Move {
            service: "web".parse().unwrap(),
            before: Some(Digest::of("old")),
            state: None,
            after,
        }],
        files: BTreeMap::new(),
        notes: Vec::new(),
    }
}

#[tokio::test]
async fn a_delivery_is_signed_told_apart_and_tried_again() {
    let seen: Arc<Mutex<Vec<Delivery>>> = Arc::default();
    let shared = Arc::clone(&seen);
    let address = serve(move |request| {
        let mut seen = shared.lock().unwrap();
        let header = |name| request.header(name).unwrap();
        seen.push((
            header("x-pipeline-delivery"),
            header("x-pipeline-signature-256"),
            request.body.clone(),
        ));
        match seen.len() {
            1 => answer(503, &json!({})),
            2 => answer(200, &json!({})),
            _ => answer(400, &json!("no \u{1b}")),
        }
    });
    let mut webhook = Webhook {
        http: client(),
        address: address.parse().unwrap(),
        secret: "secret".into(),
    };
    webhook.deliver(&promotion()).await.unwrap();
    let error = webhook.deliver(&promotion()).await.unwrap_err();
    assert!(
        matches!(error, WebhookError::Refused { status: 400, .. })
            && !error.to_string().contains('\u{1b}')
    );
    let seen = seen.lock().unwrap().clone();
    assert_eq!((&seen[0].0, &seen[0].2), (&seen[2].0, &seen[2].2));
    assert_eq!(seen[0].0, Digest::of(&seen[0].2).to_string());
    assert!(seen[0].1.starts_with("t=1767323045,v1="));
    // The time is new with every attempt, and so is the signature.
    assert_ne!(seen[0].1, seen[1].1);
    let body: Value = serde_json::from_slice(&seen[0].2).unwrap();
    assert_eq!(body["kind"], "rollback");
    assert_eq!(
        body["services"][0]["image"],
        format!("ghcr.io/acme/web@{}", Digest::of("new"))
    );

    webhook.secret.clear();
    assert!(matches!(
        webhook.deliver(&promotion()).await,
        Err(WebhookError::NoSecret)
    ));
    webhook.address = "http://hooks.example.com/?token=x".parse().unwrap();
    assert!(matches!(
        webhook.deliver(&promotion()).await,
        Err(WebhookError::Plain)
    ));
    assert!(!format!("{webhook:?}").contains("token"));
}
