//! Every document of a built layout against the rules of the OCI image specification 1.1, checked on the JSON itself.
//!
//! Nothing of our own that reads or writes images takes part: digests come from sha256sum, layers from gzip.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::{Map, Value};

use crate::product::{SAMPLES, samples};
use crate::tools::run;

pub(crate) fn tests() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("documents::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test(
            "the_layout_is_a_layout_with_one_image_for_each_service",
            layout,
        ),
        test("manifests_describe_what_is_there", manifests),
        test("configs_keep_the_rules", configs),
        test("layers_are_what_their_diff_ids_say", layers),
        test("every_blob_is_referred_to", blobs),
    ]
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An object of JSON of which only `known` members, and all `required` ones, are there.
#[track_caller]
fn object<'a>(value: &'a Value, required: &[&str], known: &[&str]) -> &'a Map<String, Value> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    for name in required {
        assert!(object.contains_key(*name), "{name} is missing: {value}");
    }
    for name in object.keys() {
        let is_known = required.contains(&&**name) || known.contains(&&**name);
        assert!(is_known, "{name} is not of the specification: {value}");
    }
    object
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[track_caller]
fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
}

#[track_caller]
fn digest(value: &Value) -> &str {
    let hex = text(value).strip_prefix("sha256:").unwrap();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    assert!(hex.len() == 64 && hex.bytes().all(is_hex), "{value}");
    hex
}

fn sha256(file: &Path) -> String {
    run("sha256sum", ["--", file.to_str().unwrap()])[..64].to_owned()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// "Content Descriptors": media type, digest and size are there and true; the file of the blob.
#[track_caller]
fn described(descriptor: &Value, media_type: &str) -> PathBuf {
    let members = object(
        descriptor,
        &["mediaType", "digest", "size"],
        &["annotations", "platform"],
    );
    assert_eq!(members["mediaType"], media_type);
    let hex = digest(&members["digest"]);
    let blob = samples().layout().join("blobs/sha256").join(hex);
    assert_eq!(sha256(&blob), hex);
    assert_eq!(members["size"], fs::metadata(&blob).unwrap().len());
    if let Some(annotations) = members.get("annotations") {
        assert!(
            annotations
                .as_object()
                .unwrap()
                .values()
                .all(Value::is_string)
        );
    }
    blob
}

fn index() -> Value {
    read(&samples().layout().join("index.json"))
}

/// Descriptor and document of each manifest.
fn all_manifests() -> Vec<(Value, Value)> {
    let index = index();
    let descriptors = list(&index["manifests"]).iter();
    descriptors
        .map(|it| (it.clone(), read(&described(it, MANIFEST))))
        .collect()
}

fn layout() {
    let marker = read(&samples().layout().join("oci-layout"));
    assert_eq!(marker, serde_json::json!({"imageLayoutVersion": "1.0.0"}));
    let index = index();
    let members = object(
        &index,
        &["schemaVersion", "mediaType", "manifests"],
        &["annotations"],
    );
    assert_eq!(members["schemaVersion"], 2);
    assert_eq!(
        members["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    let names = list(&members["manifests"]).iter().map(|descriptor| {
        described(descriptor, MANIFEST);
        text(&descriptor["annotations"]["org.opencontainers.image.ref.name"]).to_owned()
    });
    assert_eq!(names.collect::<Vec<_>>(), SAMPLES);
}

fn manifests() {
    for (descriptor, manifest) in all_manifests() {
        // The media type is said in both places, so that nobody takes one kind of document for the other (L14).
        let members = object(
            &manifest,
            &["schemaVersion", "mediaType", "config", "layers"],
            &["annotations"],
        );
        assert_eq!(members["schemaVersion"], 2);
        assert_eq!(members["mediaType"], MANIFEST);
        let config = read(&described(&members["config"], CONFIG));
        assert_eq!(
            descriptor["platform"]["architecture"],
            config["architecture"]
        );
        assert_eq!(descriptor["platform"]["os"], config["os"]);
        assert!(!list(&members["layers"]).is_empty());
        for layer in list(&members["layers"]) {
            described(layer, LAYER);
        }
    }
}

fn layers() {
    for (_, manifest) in all_manifests() {
        let config = read(&described(&manifest["config"], CONFIG));
        let diff_ids = list(&config["rootfs"]["diff_ids"]);
        assert_eq!(list(&manifest["layers"]).len(), diff_ids.len());
        for (layer, diff_id) in list(&manifest["layers"]).iter().zip(diff_ids) {
            let blob = described(layer, LAYER);
            let script = "gzip -dc <\"$1\" | sha256sum";
            let found = run("sh", ["-euc", script, "sh", blob.to_str().unwrap()]);
            assert_eq!(&found[..64], digest(diff_id));
            // Whoever reads tar strictly, to its two blocks of zeros, reads ours.
            run(
                "tar",
                ["--list", "--gzip", "--file", blob.to_str().unwrap()],
            );
        }
    }
}

fn blobs() {
    let mut expected = BTreeSet::new();
    for (descriptor, manifest) in all_manifests() {
        expected.insert(digest(&descriptor["digest"]).to_owned());
        expected.insert(digest(&manifest["config"]["digest"]).to_owned());
        let layers = list(&manifest["layers"]).iter();
        expected.extend(layers.map(|layer| digest(&layer["digest"]).to_owned()));
    }
    let found = fs::read_dir(samples().layout().join("blobs/sha256")).unwrap();
    let found = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
}

fn configs() {
    for (_, manifest) in all_manifests() {
        let config = read(&described(&manifest["config"], CONFIG));
        let members = object(
            &config,
            &[
                "created",
                "architecture",
                "os",
                "config",
                "rootfs",
                "history",
            ],
            &["author", "variant"],
        );
        date(&members["created"]);
        // "values SHOULD use what Go defines for GOARCH and GOOS".
        assert!(["amd64", "arm64"].contains(&text(&members["architecture"])));
        assert_eq!(members["os"], "linux");
        let rootfs = object(&members["rootfs"], &["type", "diff_ids"], &[]);
        assert_eq!(rootfs["type"], "layers");
        let history = list(&members["history"]);
        history.iter().for_each(step);
        let with_layer = history.iter().filter(|step| step["empty_layer"] != true);
        assert_eq!(with_layer.count(), list(&rootfs["diff_ids"]).len());
        execution(&members["config"]);
    }
}

fn step(step: &Value) {
    let members = object(
        step,
        &["created", "created_by"],
        &["author", "comment", "empty_layer"],
    );
    date(&members["created"]);
    assert!(!text(&members["created_by"]).is_empty());
    assert!(members.get("empty_layer").is_none_or(Value::is_boolean));
}

/// The member `config`: what a container is started with. The last ones are Docker's, which the specification reserves.
fn execution(config: &Value) {
    let members = object(
        config,
        &[],
        &[
            "User",
            "ExposedPorts",
            "Env",
            "Entrypoint",
            "Cmd",
            "Volumes",
            "WorkingDir",
            "Labels",
            "StopSignal",
            "ArgsEscaped",
            "Healthcheck",
            "OnBuild",
            "Shell",
        ],
    );
    for (name, value) in members {
        match &**name {
            "User" => assert_eq!(text(value), "65532:65532"),
            "WorkingDir" => assert!(text(value).starts_with('/')),
            "StopSignal" => assert!(text(value).starts_with("SIG")),
            "Entrypoint" | "Cmd" | "Shell" | "OnBuild" => {
                assert!(list(value).iter().all(Value::is_string));
            }
            "Env" => environment(list(value)),
            "ExposedPorts" => {
                for (port, nothing) in value.as_object().unwrap() {
                    let (number, protocol) = port.split_once('/').unwrap();
                    assert!(number.parse::<u16>().is_ok() && ["tcp", "udp"].contains(&protocol));
                    assert_eq!(nothing, &serde_json::json!({}));
                }
            }
            "Volumes" => {
                for (path, nothing) in value.as_object().unwrap() {
                    assert!(path.starts_with('/'));
                    assert_eq!(nothing, &serde_json::json!({}));
                }
            }
            "Labels" => assert!(value.as_object().unwrap().values().all(Value::is_string)),
            "ArgsEscaped" => assert!(value.is_boolean()),
            _ => {
                object(
                    value,
                    &["Test"],
                    &[
                        "Interval",
                        "Timeout",
                        "StartPeriod",
                        "StartInterval",
                        "Retries",
                    ],
                );
            }
        }
    }
}

/// "Entries are in the format of VARNAME=VARVALUE", each name once.
fn environment(entries: &[Value]) {
    let mut seen = BTreeMap::new();
    for entry in entries {
        let (name, value) = text(entry).split_once('=').unwrap();
        assert!(!name.is_empty());
        assert_eq!(seen.insert(name, value), None, "{name} is there twice");
    }
}

/// "date-time as defined by RFC 3339, section 5.6", in UTC and whole seconds as ours are.
#[track_caller]
fn date(value: &Value) {
    let shape: String = text(value)
        .chars()
        .map(|char| if char.is_ascii_digit() { '0' } else { char })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z");
    let parsed = run("date", ["--utc", "--date", text(value), "+%FT%TZ"]);
    assert_eq!(parsed.trim(), text(value));
}
