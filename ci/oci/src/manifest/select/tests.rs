//! Which image of an index is taken, in OCI's and in Docker's documents, and what is refused on the way.

use serde_json::{Value, json};

use super::super::media_type::{
    DOCKER_CONFIG, DOCKER_INDEX, DOCKER_LAYER_GZIP, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX,
    OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST,
};
use super::*;

fn platform(text: &str) -> Platform {
    text.parse().unwrap()
}

/// An entry of an index for a manifest that is called `content`.
fn entry(media_type: &str, content: &str, platform: Value) -> Value {
    let mut entry = json!({
        "mediaType": media_type,
        "digest": Digest::of(content),
        "size": content.len(),
    });
    if !platform.is_null() {
        entry["platform"] = platform;
    }
    entry
}

fn on(architecture: &str, variant: &str) -> Value {
    match variant {
        "" => json!({"os": "linux", "architecture": architecture}),
        variant => json!({"os": "linux", "architecture": architecture, "variant": variant}),
    }
}

fn index(media_type: &str, entries: &[Value]) -> (Descriptor, Vec<u8>) {
    let content = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": entries});
    let content = content.to_string().into_bytes();
    (Descriptor::of(media_type, &content), content)
}

/// The digest an index leads to.
fn chosen(index: &(Descriptor, Vec<u8>), wanted: &str) -> Result<Digest, SelectError> {
    match Selection::new(platform(wanted)).read(&index.0, &index.1)? {
        Selected::Descriptor(next) => Ok(next.digest),
        Selected::Manifest(manifest) => panic!("{manifest:?}"),
    }
}

fn message<T>(result: Result<T, SelectError>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn the_very_variant_is_preferred_and_an_earlier_one_runs() {
    for (list, manifest) in [(OCI_INDEX, OCI_MANIFEST), (DOCKER_INDEX, DOCKER_MANIFEST)] {
        let offers = [
            ("arm", "v5"),
            ("arm", "v6"),
            ("arm", "v7"),
            ("arm64", "v8"),
            ("amd64", ""),
            ("amd64", "v2"),
            ("amd64", "v3"),
        ];
        let entries = offers.map(|(architecture, variant)| {
            entry(
                manifest,
                &format!("{architecture}/{variant}"),
                on(architecture, variant),
            )
        });
        let index = index(list, &entries);
        for (wanted, taken) in [
            ("linux/arm/v5", "arm/v5"),
            ("linux/arm/v6", "arm/v6"),
            ("linux/arm/v7", "arm/v7"),
            ("linux/arm", "arm/v7"),
            ("linux/arm/v8", "arm/v7"),
            ("linux/arm64", "arm64/v8"),
            ("linux/arm64/v8", "arm64/v8"),
            ("linux/amd64", "amd64/"),
            ("linux/amd64/v1", "amd64/"),
            ("linux/amd64/v2", "amd64/v2"),
            ("linux/amd64/v4", "amd64/v3"),
        ] {
            let digest = chosen(&index, wanted).unwrap();
            assert_eq!(digest, Digest::of(taken), "{wanted}");
        }
    }
}

#[test]
fn attestations_and_artifacts_are_no_offers() {
    let mut artifact = entry(OCI_MANIFEST, "artifact", Value::Null);
    artifact["artifactType"] = "application/spdx+json".into();
    let mut attestation = entry(
        OCI_MANIFEST,
        "attestation",
        json!({"os": "unknown", "architecture": "unknown"}),
    );
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let chart = entry("application/vnd.example.chart", "chart", Value::Null);
    let mut image = entry(OCI_MANIFEST, "image", on("arm64", ""));
    // What is written beside an offer does not make it another.
    image["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});

    let others = [artifact, attestation, chart];
    let with_image = index(OCI_INDEX, &[&others[..], &[image]].concat());
    assert_eq!(
        chosen(&with_image, "linux/arm64").unwrap(),
        Digest::of("image")
    );
    insta::assert_snapshot!(message(chosen(&with_image, "linux/amd64")), @"there is no image for linux/amd64; there are: linux/arm64");
    insta::assert_snapshot!(message(chosen(&index(OCI_INDEX, &others), "linux/amd64")), @"there is no image for linux/amd64; there are: none");
}

#[test]
fn an_error_lists_each_platform_once_and_not_without_end() {
    let entries = ["s390x", "arm64", "arm64"].map(|name| entry(OCI_MANIFEST, name, on(name, "")));
    let some = index(OCI_INDEX, &entries);
    insta::assert_snapshot!(message(chosen(&some, "linux/amd64")), @"there is no image for linux/amd64; there are: linux/arm64, linux/s390x");
    let Ok(Document::Index(document)) = Document::parse(OCI_INDEX, &some.1) else {
        panic!("no index")
    };
    assert_eq!(
        document.platforms(),
        [platform("linux/arm64"), platform("linux/s390x")]
    );

    let entries: Vec<_> = (10..99)
        .map(|n| entry(OCI_MANIFEST, "x", on(&format!("cpu{n}"), "")))
        .collect();
    insta::assert_snapshot!(message(chosen(&index(OCI_INDEX, &entries), "linux/amd64")), @"there is no image for linux/amd64; there are: linux/cpu10, linux/cpu11, linux/cpu12, linux/cpu13, linux/cpu14, linux/cpu15, linux/cpu16, linux/cpu17, linux/cpu18, linux/cpu19, linux/cpu20, linux/cpu21, linux/cpu22, linux/cpu23, linux/cpu24, linux/cpu25, linux/cpu26, linux/cpu27, linux/cpu28, linux/cpu29 and 69 more");
}

#[test]
fn an_offer_without_a_platform_is_the_last_resort() {
    let unmarked = entry(OCI_MANIFEST, "unmarked", Value::Null);
    let marked = entry(OCI_MANIFEST, "marked", on("amd64", ""));
    let both = index(OCI_INDEX, &[unmarked, marked]);
    assert_eq!(chosen(&both, "linux/amd64").unwrap(), Digest::of("marked"));
    assert_eq!(
        chosen(&both, "linux/arm64").unwrap(),
        Digest::of("unmarked")
    );
}

#[test]
fn a_manifest_is_the_end_of_the_walk() {
    let content = json!({
        "schemaVersion": 2,
        "config": entry(OCI_CONFIG, "config", Value::Null),
        "layers": [],
    })
    .to_string();
    let descriptor = Descriptor::of(OCI_MANIFEST, content.as_bytes());
    let read = Selection::new(platform("linux/amd64")).read(&descriptor, content.as_bytes());
    assert!(matches!(read, Ok(Selected::Manifest(manifest)) if manifest.layers.is_empty()));
}

#[test]
fn l16_nesting_is_bounded_even_in_a_cycle() {
    // A digest cannot be in its own document, so a cycle is a chain that somebody computes as it is asked for.
    let mut selection = Selection::new(platform("linux/amd64"));
    let (mut descriptor, mut content) = index(OCI_INDEX, &[]);
    let mut chain = Vec::new();
    for _ in 0..4 {
        let next =
            json!({"mediaType": OCI_INDEX, "digest": descriptor.digest, "size": content.len()});
        (descriptor, content) = index(OCI_INDEX, &[next]);
        chain.push((descriptor.clone(), content.clone()));
    }
    let mut steps = chain.iter().rev();
    let mut read = || {
        let (descriptor, content) = steps.next().unwrap();
        selection.read(descriptor, content)
    };
    assert!(matches!(read(), Ok(Selected::Descriptor(_))));
    assert!(matches!(read(), Ok(Selected::Descriptor(_))));
    assert!(matches!(read(), Err(SelectError::TooDeep(_))));
}

#[test]
fn l14_a_document_that_is_both_is_refused() {
    let content = json!({
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [entry(OCI_MANIFEST, "image", on("amd64", ""))],
        "config": entry(OCI_CONFIG, "config", Value::Null),
        "layers": [],
    })
    .to_string();
    for announced in [OCI_INDEX, OCI_MANIFEST] {
        let descriptor = Descriptor::of(announced, content.as_bytes());
        let read = Selection::new(platform("linux/amd64")).read(&descriptor, content.as_bytes());
        assert!(matches!(
            read,
            Err(SelectError::Document {
                source: ManifestError::Ambiguous(..),
                ..
            })
        ));
    }
}

#[test]
fn l13_r5_content_that_is_not_what_was_announced_is_refused() {
    let (descriptor, content) = index(OCI_INDEX, &[entry(OCI_MANIFEST, "x", on("amd64", ""))]);
    let read = |descriptor: &Descriptor, content: &[u8]| {
        Selection::new(platform("linux/amd64")).read(descriptor, content)
    };
    assert!(read(&descriptor, &content).is_ok());
    insta::assert_snapshot!(message(read(&descriptor, b"{}")), @"what came is not sha256:160d25675bc41c8fc46b23cb70029598aa9ad40d34f70fb92cbd1cffb30974a0: its digest is sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    let longer = Descriptor {
        size: descriptor.size + 1,
        ..descriptor
    };
    insta::assert_snapshot!(message(read(&longer, &content)), @"what came is not sha256:160d25675bc41c8fc46b23cb70029598aa9ad40d34f70fb92cbd1cffb30974a0: it has 287 bytes instead of 288");
}

/// A manifest with its config for amd64, in the given types.
fn image(config_type: &str, layer_types: &[&str], diff_ids: usize) -> (Manifest, Vec<u8>) {
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": vec![Digest::of("layer"); diff_ids]},
    });
    let config = config.to_string().into_bytes();
    let layers: Vec<Value> = layer_types
        .iter()
        .map(|layer| entry(layer, "layer", Value::Null))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "config": Descriptor::of(config_type, &config),
        "layers": layers,
    });
    (serde_json::from_value(manifest).unwrap(), config)
}

#[test]
fn an_image_has_an_image_config_layers_and_the_platform() {
    let descriptor = Descriptor::of(OCI_MANIFEST, b"the manifest");
    let read = |wanted: &str, (manifest, config): (Manifest, Vec<u8>)| {
        Selection::new(platform(wanted)).image(&descriptor, &manifest, &config)
    };
    let docker = image(DOCKER_CONFIG, &[DOCKER_LAYER_GZIP, DOCKER_LAYER_GZIP], 2);
    assert!(read("linux/amd64", docker).is_ok());
    let oci = || image(OCI_CONFIG, &[OCI_LAYER_GZIP, OCI_LAYER_ZSTD], 2);
    assert!(read("linux/amd64/v3", oci()).is_ok());

    insta::assert_snapshot!(message(read("linux/arm64", oci())), @"there is no image for linux/arm64; there are: linux/amd64");
    insta::assert_snapshot!(message(read("linux/amd64", image(OCI_CONFIG, &[OCI_LAYER_GZIP], 2))), @"sha256:b802ab9f53cad6bd4004f3c99d9ae71d7a8ff28686bbdc04a30862ee255374dc is not the manifest of an image: it has 1 layers, but its config tells of 2");
    insta::assert_snapshot!(message(read("linux/amd64", image(OCI_CONFIG, &["text/x"], 1))), @r#"sha256:b802ab9f53cad6bd4004f3c99d9ae71d7a8ff28686bbdc04a30862ee255374dc is not the manifest of an image: it has a layer of type "text/x""#);
    insta::assert_snapshot!(message(read("linux/amd64", image("text/x", &[], 0))), @r#"sha256:b802ab9f53cad6bd4004f3c99d9ae71d7a8ff28686bbdc04a30862ee255374dc is not the manifest of an image: its config is of type "text/x""#);
    let (manifest, config) = oci();
    assert!(matches!(
        read("linux/amd64", (manifest, [config, vec![b' ']].concat())),
        Err(SelectError::Damaged { .. })
    ));
}
