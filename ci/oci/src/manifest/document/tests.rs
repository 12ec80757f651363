//! One document, one meaning.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::media_type::{
    DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST,
};
use super::*;
use crate::Digest;

fn descriptor(media_type: &str) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of("x"), "size": 1})
}

fn manifest() -> Value {
    json!({"schemaVersion": 2, "config": descriptor(OCI_CONFIG), "layers": [descriptor(OCI_LAYER_GZIP)]})
}

fn index() -> Value {
    json!({"schemaVersion": 2, "manifests": [descriptor(OCI_MANIFEST)]})
}

fn with(mut document: Value, member: &str, value: Value) -> Value {
    document[member] = value;
    document
}

fn refused(announced: &str, document: &Value) -> String {
    Document::parse(announced, document.to_string().as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_document_is_what_its_descriptor_says() {
    let manifest = manifest().to_string();
    assert!(
        matches!(Document::parse(OCI_MANIFEST, manifest.as_bytes()), Ok(Document::Manifest(m)) if m.layers.len() == 1)
    );
    assert!(
        matches!(Document::parse(OCI_INDEX, index().to_string().as_bytes()), Ok(Document::Index(i)) if i.manifests.len() == 1)
    );
    let docker = with(
        serde_json::from_str(&manifest).unwrap(),
        "mediaType",
        DOCKER_MANIFEST.into(),
    );
    assert!(Document::parse(DOCKER_MANIFEST, docker.to_string().as_bytes()).is_ok());
}

#[test]
fn null_lists_and_maps_of_go_are_empty() {
    let document = with(
        with(manifest(), "layers", Value::Null),
        "annotations",
        Value::Null,
    );
    assert!(
        matches!(Document::parse(OCI_MANIFEST, document.to_string().as_bytes()), Ok(Document::Manifest(m)) if m.layers.is_empty())
    );
}

#[test]
fn l14_a_document_with_two_meanings_is_refused() {
    let both = with(manifest(), "manifests", json!([]));
    insta::assert_snapshot!(refused(OCI_MANIFEST, &both), @r#"it is ambiguous: "manifests" has no place in a manifest"#);
    insta::assert_snapshot!(refused(OCI_INDEX, &both), @r#"it is ambiguous: "config" has no place in an index"#);
    insta::assert_snapshot!(refused(OCI_INDEX, &with(index(), "layers", json!([]))), @r#"it is ambiguous: "layers" has no place in an index"#);
    insta::assert_snapshot!(refused(OCI_MANIFEST, &with(manifest(), "fsLayers", json!([]))), @r#"it is ambiguous: "fsLayers" has no place in a manifest"#);
    // For a reader that ignores case these are two.
    insta::assert_snapshot!(refused(OCI_MANIFEST, &with(manifest(), "Layers", json!([]))), @r#"it is ambiguous: "Layers" has no place in a manifest"#);
    let twice = manifest().to_string().replacen('{', r#"{"layers":[],"#, 1);
    let error = Document::parse(OCI_MANIFEST, twice.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(error.contains("duplicate field `layers`"), "{error}");
}

#[test]
fn l14_a_document_that_contradicts_its_descriptor_is_refused() {
    insta::assert_snapshot!(
        refused(OCI_MANIFEST, &with(manifest(), "mediaType", OCI_INDEX.into())),
        @r#"it says it is "application/vnd.oci.image.index.v1+json", but was announced as "application/vnd.oci.image.manifest.v1+json""#
    );
    insta::assert_snapshot!(
        refused(DOCKER_MANIFEST, &manifest()),
        @r#"it says it is "", but was announced as "application/vnd.docker.distribution.manifest.v2+json""#
    );
    insta::assert_snapshot!(
        refused("application/vnd.docker.distribution.manifest.v1+prettyjws", &manifest()),
        @"it is of Docker's schema 1, which registries have withdrawn; push the image again with a current client"
    );
    insta::assert_snapshot!(refused("text/html", &manifest()), @r#"content of type "text/html" is no image manifest or index"#);
    insta::assert_snapshot!(refused(OCI_MANIFEST, &with(manifest(), "schemaVersion", 1.into())), @"its schema version is 1; only 2 is known");
}

#[test]
fn l15_a_digest_is_never_a_path() {
    for digest in [
        "sha256:../../../../etc/passwd",
        "../../etc",
        "sha512:00",
        "",
    ] {
        let mut document = manifest();
        document["config"]["digest"] = digest.into();
        assert!(refused(OCI_MANIFEST, &document).contains("is not a digest"));
    }
    let mut document = manifest();
    document["config"]["size"] = (-1).into();
    assert!(refused(OCI_MANIFEST, &document).contains("invalid value"));
}

#[test]
fn l16_numbers_of_layers_and_manifests_are_bounded() {
    let many = |media_type, count| Value::from(vec![descriptor(media_type); count]);
    assert!(
        Document::parse(
            OCI_MANIFEST,
            with(manifest(), "layers", many(OCI_LAYER_GZIP, 500))
                .to_string()
                .as_bytes()
        )
        .is_ok()
    );
    insta::assert_snapshot!(refused(OCI_MANIFEST, &with(manifest(), "layers", many(OCI_LAYER_GZIP, 501))), @"it has more than 500 layers");
    insta::assert_snapshot!(refused(OCI_INDEX, &with(index(), "manifests", many(OCI_MANIFEST, 1001))), @"it has more than 1000 manifests");
    let large = with(manifest(), "annotations", json!({"a": "x".repeat(4 << 20)}));
    insta::assert_snapshot!(refused(OCI_MANIFEST, &large), @"it has more than 4194304 bytes");
}

proptest! {
    #[test]
    fn no_bytes_panic(content in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = Document::parse(OCI_MANIFEST, &content);
        let _ = Document::parse(OCI_INDEX, &content);
    }

    #[test]
    fn no_damage_panics(at in any::<usize>(), byte in any::<u8>()) {
        let mut content = manifest().to_string().into_bytes();
        let at = at % content.len();
        content[at] = byte;
        let _ = Document::parse(OCI_MANIFEST, &content);
    }
}
