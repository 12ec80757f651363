//! What is found at an image: everything that counts, and of the rest why it does not.

use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, Index};
use ci_registry::Manifest;
use ci_signing::discovery::{Content, Found, Matrix, find, judge};
use ci_signing::{LAYER, attach, verify};
use serde_json::json;

use crate::registry::Registry;
use crate::signatures::{legacy_tag, sign, signer};

async fn found(registry: &Registry, image: Digest) -> Found {
    let found = find(&registry.client(), &registry.reference(), image).await;
    found.unwrap()
}

/// Puts a manifest there that refers to `image`, and into the list under the tag if there is one; its digest.
fn refer(registry: &Registry, image: Digest, kind: Option<&str>, layers: &[Descriptor]) -> Digest {
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "artifactType": kind,
        "config": Descriptor::of("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": layers,
        "subject": Descriptor::new(media_type::OCI_INDEX, image, 2),
    });
    let manifest = Manifest::new(media_type::OCI_MANIFEST, manifest.to_string());
    let digest = manifest.descriptor.digest;
    list(registry, image, &manifest.descriptor);
    let mut content = registry.content.lock().unwrap();
    content.manifests.insert(digest.to_string(), manifest);
    digest
}

fn list(registry: &Registry, image: Digest, descriptor: &Descriptor) {
    let mut index = registry.listed(image);
    index.manifests.push(descriptor.clone());
    let index = Manifest::new(media_type::OCI_INDEX, serde_json::to_vec(&index).unwrap());
    let mut content = registry.content.lock().unwrap();
    content
        .manifests
        .insert(format!("sha256-{}", image.hex()), index);
}

fn blob(registry: &Registry, kind: &str, bytes: &[u8]) -> Descriptor {
    let descriptor = Descriptor::of(kind, bytes);
    let mut content = registry.content.lock().unwrap();
    content.blobs.insert(descriptor.digest, bytes.to_vec());
    descriptor
}

/// Why what is attached is no bundle, in the order of the list.
fn others(found: &Found) -> Vec<&str> {
    let others = found.referrers.iter().filter_map(|one| match &one.content {
        Content::Other(why) => Some(why.as_str()),
        Content::Bundle(_) => None,
    });
    others.collect()
}

#[tokio::test]
async fn both_forms_are_found_with_and_without_the_referrers_api() {
    for referrers in [false, true] {
        let registry = Registry::with(referrers, |_, _, _| {}).await;
        let signed = sign(&registry, &signer()).await.unwrap();
        let found = found(&registry, signed.image).await;
        let [referrer] = &found.referrers[..] else {
            panic!("{found:?}");
        };
        assert_eq!(referrer.descriptor.digest, signed.bundle.unwrap().manifest);
        assert!(matches!(referrer.content, Content::Bundle(_)));
        assert_eq!(found.legacy.len(), 1);
        assert_eq!(found.problems, [""; 0]);
        let policy = verify::Policy::from(signed.by.clone());
        let judged = judge(&found, &policy, &verify::Trust::bundled().unwrap());
        assert_eq!(judged.signatures().count(), 2, "{judged:?}");
    }
}

#[tokio::test]
async fn where_nothing_is_attached_nothing_is_found() {
    let registry = Registry::start().await;
    let image = registry.push();
    let found = found(&registry, image).await;
    assert_eq!((found.referrers.len(), found.legacy.len()), (0, 0));
    assert_eq!(found.problems, [""; 0]);
}

/// Whoever may push may attach anything; it is told, and what counts is found beside it.
#[tokio::test]
async fn what_is_no_bundle_hides_none() {
    let registry = Registry::start().await;
    let signed = sign(&registry, &signer()).await.unwrap();
    let image = signed.image;
    let other = blob(&registry, "application/spdx+json", b"{}");
    let gone = Descriptor::of(attach::BUNDLE, b"gone");
    let large = Descriptor::new(attach::BUNDLE, Digest::of("large"), verify::MAX_BUNDLE + 1);
    refer(&registry, image, None, std::slice::from_ref(&other));
    refer(&registry, image, Some(attach::BUNDLE), &[]);
    refer(
        &registry,
        image,
        Some(attach::BUNDLE),
        &[other.clone(), other],
    );
    refer(&registry, image, Some(attach::BUNDLE), &[gone]);
    refer(&registry, image, Some(attach::BUNDLE), &[large]);
    list(
        &registry,
        image,
        &Descriptor::of(media_type::OCI_MANIFEST, b"gone"),
    );
    let index = serde_json::to_vec(&Index::of(Vec::new())).unwrap();
    list(
        &registry,
        image,
        &Descriptor::of(media_type::OCI_INDEX, &index),
    );
    let found = found(&registry, image).await;
    assert_eq!(
        others(&found),
        [
            "it holds application/spdx+json",
            "it has 0 layers, a bundle has one",
            "it has 2 layers, a bundle has one",
            "the bundle is not there",
            "the bundle is too large",
            "the list names it, and it is not there",
            "it is an index",
        ]
    );
    let policy = verify::Policy::from(signed.by.clone());
    let judged = judge(&found, &policy, &verify::Trust::bundled().unwrap());
    assert_eq!(judged.signatures().count(), 2, "{judged:?}");
}

#[tokio::test]
async fn what_is_under_the_tag_for_legacy_signatures_and_is_none_is_told() {
    let registry = Registry::start().await;
    let image = registry.push();
    let index = Manifest::new(
        media_type::OCI_INDEX,
        serde_json::to_vec(&Index::of(Vec::new())).unwrap(),
    );
    let put = |manifest: Manifest| {
        let mut content = registry.content.lock().unwrap();
        content.manifests.insert(legacy_tag(image), manifest);
    };
    put(index);
    let problems = found(&registry, image).await.problems;
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].ends_with("is no image with signatures"),
        "{problems:?}"
    );
    let layers = [
        Descriptor::of(LAYER, b"gone"),
        Descriptor::new(LAYER, Digest::of("large"), 2 << 20),
    ];
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": Descriptor::of(media_type::OCI_CONFIG, b"{}"), "layers": layers,
    });
    put(Manifest::new(
        media_type::OCI_MANIFEST,
        manifest.to_string(),
    ));
    let found = found(&registry, image).await;
    assert_eq!(
        (found.legacy.len(), found.problems.len()),
        (0, 2),
        "{found:?}"
    );
}

/// G5: one verifier gives up at so many, and we do not.
#[tokio::test]
async fn a_signature_is_found_among_more_than_50_referrers_g5() {
    let registry = Registry::start().await;
    let image = registry.push();
    for number in 0..60 {
        let other = blob(&registry, "text/plain", format!("{number}").as_bytes());
        refer(&registry, image, Some("text/plain"), &[other]);
    }
    let signed = sign(&registry, &signer()).await.unwrap();
    let found = found(&registry, image).await;
    assert_eq!(found.referrers.len(), 61);
    let policy = verify::Policy::from(signed.by.clone());
    let judged = judge(&found, &policy, &verify::Trust::bundled().unwrap());
    assert_eq!(judged.signatures().count(), 2);
    let rows = Matrix::of(&judged, None).rows;
    let why = "it reads no list of more than 50 referrers";
    assert!(rows.iter().any(|row| row.why == [why]), "{rows:?}");
}
