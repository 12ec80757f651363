//! What is attached, and that it is attached once.

use ci_catalog::SignatureFormat;
use ci_oci::Digest;
use ci_signing::{KeyPair, Predicate, Signed, Signer, attest, predicate, sign_images};
use ci_signing::{attach, verify};
use serde_json::json;

use crate::registry::Registry;

pub(crate) fn signer() -> Signer {
    Signer::key(KeyPair::generate().unwrap(), None).unwrap()
}

pub(crate) async fn sign(
    registry: &Registry,
    signer: &Signer,
) -> Result<Signed, ci_signing::Error> {
    let image = registry.push();
    let (client, reference) = (registry.client(), registry.reference());
    let formats = SignatureFormat::ALL.into();
    let mut signed = sign_images(&client, &reference, &[image], signer, &formats).await?;
    Ok(signed.remove(0))
}

pub(crate) fn legacy_tag(image: Digest) -> String {
    format!("sha256-{}.sig", image.hex())
}

#[tokio::test]
async fn both_formats_verify_as_they_are_read_back() {
    for referrers in [false, true] {
        let registry = Registry::with(referrers, |_, _, _| {}).await;
        let signer = signer();
        let signed = sign(&registry, &signer).await.unwrap();
        let policy = verify::Policy::from(signed.by.clone());
        let trust = verify::Trust::bundled().unwrap();

        let digest = signed.bundle.unwrap().manifest.to_string();
        let manifest = registry.tagged(&digest).unwrap();
        assert_eq!(manifest.artifact_type.as_deref(), Some(attach::BUNDLE));
        assert_eq!(manifest.subject.as_ref().unwrap().digest, signed.image);
        let bundle = registry.blob(manifest.layers[0].digest);
        let verified = verify::bundle(&bundle, signed.image, &policy, &trust).unwrap();
        assert_eq!(verified.predicate.as_deref(), Some(predicate::SIGNATURE));

        let manifest = registry.tagged(&legacy_tag(signed.image)).unwrap();
        let layer = verify::Layer {
            payload: registry.blob(manifest.layers[0].digest),
            annotations: manifest.layers[0].annotations.clone(),
        };
        verify::legacy(&layer, signed.image, &policy, &trust).unwrap();
        let payload = String::from_utf8(layer.payload).unwrap();
        let payload = payload.replace(&registry.server.host(), "registry");
        insta::allow_duplicates! {
            insta::assert_snapshot!(payload, @r#"{"critical":{"identity":{"docker-reference":"registry/acme/shop"},"image":{"docker-manifest-digest":"sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2"},"type":"cosign container image signature"},"optional":{}}"#);
        }
    }
}

// G5: the list says of the type what the manifest says.
#[tokio::test]
async fn the_list_under_the_tag_has_the_manifests_artifact_type_g5() {
    let registry = Registry::start().await;
    let signed = sign(&registry, &signer()).await.unwrap();
    let list = registry.listed(signed.image);
    let [entry] = &list.manifests[..] else {
        panic!("{list:?}");
    };
    assert_eq!(entry.digest, signed.bundle.unwrap().manifest);
    assert_eq!(entry.artifact_type.as_deref(), Some(attach::BUNDLE));
    let manifest = registry.tagged(&entry.digest.to_string()).unwrap();
    assert_eq!(entry.annotations, manifest.annotations);
    assert_eq!(
        entry.annotations[attach::PREDICATE_TYPE],
        predicate::SIGNATURE
    );
}

#[tokio::test]
async fn what_one_has_signed_is_not_signed_again() {
    for referrers in [false, true] {
        let registry = Registry::with(referrers, |_, _, _| {}).await;
        let signer = signer();
        let first = sign(&registry, &signer).await.unwrap();
        assert!(!first.already());
        let writes = registry.writes();
        let second = sign(&registry, &signer).await.unwrap();
        assert!(second.already());
        assert_eq!(registry.writes(), writes);
        let manifests = |signed: &Signed| {
            (
                signed.bundle.unwrap().manifest,
                signed.legacy.unwrap().manifest,
            )
        };
        assert_eq!(manifests(&second), manifests(&first));
    }
}

#[tokio::test]
async fn another_signer_signs_beside_the_first() {
    let registry = Registry::start().await;
    let (one, two) = (signer(), signer());
    sign(&registry, &one).await.unwrap();
    let second = sign(&registry, &two).await.unwrap();
    assert!(!second.already());
    assert_eq!(registry.listed(second.image).manifests.len(), 2);
    let legacy = registry.tagged(&legacy_tag(second.image)).unwrap();
    assert_eq!(legacy.layers.len(), 2);
    assert!(sign(&registry, &one).await.unwrap().already());
}

// What says that it is ours is not believed.
#[tokio::test]
async fn a_signature_that_does_not_verify_is_none() {
    let registry = Registry::start().await;
    let signer = signer();
    let first = sign(&registry, &signer).await.unwrap();
    let bundle = registry
        .tagged(&first.bundle.unwrap().manifest.to_string())
        .unwrap();
    {
        let mut content = registry.content.lock().unwrap();
        // The same length, so that only looking tells.
        let changed = content.blobs.get_mut(&bundle.layers[0].digest).unwrap();
        let text = String::from_utf8(changed.clone()).unwrap();
        let at = text.find("\"sig\":\"").unwrap() + 12;
        let other = if text.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        *changed = [&text[..at], other, &text[at + 1..]].concat().into_bytes();
        let changed = changed.clone();
        let tag = legacy_tag(first.image);
        let mut legacy: serde_json::Value =
            serde_json::from_slice(&content.manifests[&tag].bytes).unwrap();
        legacy["layers"][0]["annotations"]["dev.cosignproject.cosign/signature"] =
            json!("MEUCIQ==");
        let kind = ci_oci::manifest::media_type::OCI_MANIFEST;
        let legacy = ci_registry::Manifest::new(kind, legacy.to_string());
        content.manifests.insert(tag, legacy);
        // The manifest is made to fit, and so is the list.
        let digest = Digest::of(&changed);
        content.blobs.insert(digest, changed);
        let manifest = &content.manifests[&first.bundle.unwrap().manifest.to_string()];
        let old = bundle.layers[0].digest.to_string();
        let text = String::from_utf8(manifest.bytes.to_vec()).unwrap();
        let manifest = ci_registry::Manifest::new(kind, text.replace(&old, &digest.to_string()));
        let list = format!("sha256-{}", first.image.hex());
        let text = String::from_utf8(content.manifests[&list].bytes.to_vec()).unwrap();
        let old = first.bundle.unwrap().manifest.to_string();
        let new = manifest.descriptor.digest.to_string();
        let index = ci_oci::manifest::media_type::OCI_INDEX;
        let text = text.replace(&old, &new);
        content
            .manifests
            .insert(list, ci_registry::Manifest::new(index, text));
        content.manifests.insert(new, manifest);
    }
    let second = sign(&registry, &signer).await.unwrap();
    assert!(!second.bundle.unwrap().already);
    assert!(!second.legacy.unwrap().already);
    assert_eq!(registry.listed(second.image).manifests.len(), 2);
    assert_eq!(
        registry
            .tagged(&legacy_tag(second.image))
            .unwrap()
            .layers
            .len(),
        2
    );
}

// G4
#[tokio::test]
async fn a_run_that_ended_between_two_attachments_is_finished_by_the_next_g4() {
    let registry = Registry::start().await;
    let signer = signer();
    let image = registry.push();
    registry.content.lock().unwrap().locked = Some(legacy_tag(image));
    sign(&registry, &signer).await.unwrap_err();
    assert_eq!(registry.listed(image).manifests.len(), 1);
    registry.content.lock().unwrap().locked = None;
    let signed = sign(&registry, &signer).await.unwrap();
    assert!(signed.bundle.unwrap().already);
    assert!(!signed.legacy.unwrap().already);
    assert_eq!(registry.listed(image).manifests.len(), 1);
}

#[tokio::test]
async fn each_platform_is_signed_when_asked() {
    let registry = Registry::start().await;
    let index = registry.push();
    let platform = {
        let mut content = registry.content.lock().unwrap();
        let manifest = ci_registry::Manifest::new(
            ci_oci::manifest::media_type::OCI_MANIFEST,
            json!({"schemaVersion": 2, "config": {"mediaType": "a/b", "digest": Digest::of("c"), "size": 1}, "layers": []}).to_string(),
        );
        let digest = manifest.descriptor.digest;
        content.manifests.insert(digest.to_string(), manifest);
        digest
    };
    let (client, reference) = (registry.client(), registry.reference());
    let formats = SignatureFormat::ALL.into();
    let signed = sign_images(&client, &reference, &[index, platform], &signer(), &formats).await;
    let images: Vec<Digest> = signed.unwrap().iter().map(|one| one.image).collect();
    assert_eq!(images, [index, platform]);
    for image in images {
        assert_eq!(registry.listed(image).manifests.len(), 1);
        assert_eq!(registry.tagged(&legacy_tag(image)).unwrap().layers.len(), 1);
    }
}

#[tokio::test]
async fn the_same_is_stated_once_and_other_things_beside_it() {
    let registry = Registry::start().await;
    let (image, signer) = (registry.push(), signer());
    let state = async |values: &[u32]| {
        let predicates = values.iter().map(|value| Predicate {
            kind: predicate::PROVENANCE.to_owned(),
            content: json!({ "value": value }),
        });
        attest(
            &registry.client(),
            &registry.reference(),
            image,
            &signer,
            predicates.collect(),
        )
        .await
        .unwrap()
    };
    let first = state(&[1, 2]).await;
    assert_eq!(
        first.iter().map(|one| one.already).collect::<Vec<_>>(),
        [false, false]
    );
    let second = state(&[2, 3, 1]).await;
    assert_eq!(
        second.iter().map(|one| one.already).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(second[0].manifest, first[1].manifest);
    assert_eq!(second[2].manifest, first[0].manifest);
    assert_eq!(registry.listed(image).manifests.len(), 3);
}

#[tokio::test]
async fn signing_may_run_in_a_task_of_its_own() {
    let registry = Registry::start().await;
    let (client, reference, image) = (registry.client(), registry.reference(), registry.push());
    let task = tokio::spawn(async move {
        let formats = SignatureFormat::ALL.into();
        sign_images(&client, &reference, &[image], &signer(), &formats).await
    });
    assert_eq!(task.await.unwrap().unwrap().len(), 1);
}
