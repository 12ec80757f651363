//! Two who sign one image at once.

use std::sync::Barrier;

use ci_oci::manifest::media_type;
use ci_registry::Manifest;
use ci_signing::Error;

use crate::registry::Registry;
use crate::signatures::{legacy_tag, sign, signer};

// G5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_signers_at_once_lose_nothing_g5() {
    // Of each of the two tags: both look whether they have signed, both have read before either writes, and both have written before
    // either reads again.
    let (list, signatures) = (Barrier::new(2), Barrier::new(2));
    let registry = Registry::with(false, move |tag, number, _| {
        // Whoever waits so that others can go on must not keep a thread from their tasks.
        if number < 6 && tag.ends_with(".sig") {
            tokio::task::block_in_place(|| signatures.wait());
        } else if number < 6 && tag.starts_with("sha256-") {
            tokio::task::block_in_place(|| list.wait());
        }
    })
    .await;
    let (one, two) = (signer(), signer());
    let (first, second) = tokio::join!(sign(&registry, &one), sign(&registry, &two));
    let image = first.unwrap().image;
    assert_eq!(second.unwrap().image, image);
    assert_eq!(registry.listed(image).manifests.len(), 2);
    assert_eq!(registry.tagged(&legacy_tag(image)).unwrap().layers.len(), 2);
}

// G5
#[tokio::test]
async fn a_signature_that_another_writer_loses_is_put_back_with_those_that_were_there_g5() {
    let registry = Registry::with(false, |tag, number, content| {
        // After the second's write somebody writes who read before both.
        if tag.ends_with(".sig") && number == 6 {
            let mut content = content.lock().unwrap();
            let mut manifest: serde_json::Value =
                serde_json::from_slice(&content.manifests[tag].bytes).unwrap();
            manifest["layers"] = serde_json::json!([]);
            let empty = Manifest::new(media_type::OCI_MANIFEST, manifest.to_string());
            content.manifests.insert(tag.to_owned(), empty);
        }
    })
    .await;
    let (one, two) = (signer(), signer());
    let image = sign(&registry, &one).await.unwrap().image;
    sign(&registry, &two).await.unwrap();
    assert_eq!(registry.tagged(&legacy_tag(image)).unwrap().layers.len(), 2);
}

#[tokio::test]
async fn an_image_under_the_tag_is_not_written_over() {
    let registry = Registry::start().await;
    let image = registry.push();
    let layer = serde_json::json!({"mediaType": media_type::OCI_LAYER, "digest": image, "size": 1});
    let theirs = Manifest::new(
        media_type::OCI_MANIFEST,
        serde_json::json!({"schemaVersion": 2, "config": layer, "layers": [layer]}).to_string(),
    );
    let tag = legacy_tag(image);
    let put = |manifest: Manifest| {
        let mut content = registry.content.lock().unwrap();
        content.manifests.insert(tag.clone(), manifest);
    };
    put(theirs.clone());
    let error = sign(&registry, &signer()).await.unwrap_err();
    assert!(matches!(error, Error::Occupied { .. }), "{error}");
    assert_eq!(registry.content.lock().unwrap().manifests[&tag], theirs);
}
