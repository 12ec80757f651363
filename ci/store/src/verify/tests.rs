//! Tests of `verify`: what it promises.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;
use crate::testing::{Place, pack, put_layer, verify};
use crate::{Refs, patience};

/// A store with one of everything.
fn filled(place: &Place) -> (Store, Digest, Digest, PathBuf) {
    let store = place.open();
    let (layer, blob) = (
        put_layer(&store, "content"),
        store.put_bytes(b"blob").unwrap(),
    );
    let key = Digest::of("key");
    store
        .put_result(
            "exec",
            &key,
            &1,
            Refs {
                layers: vec![layer],
                blobs: vec![blob],
            },
        )
        .unwrap();
    let hex = key.hex();
    let result = store.root().join("results/exec").join(&hex[..2]).join(hex);
    (store, layer, blob, result)
}

fn problems(store: &Store) -> Vec<String> {
    verify(store)
        .problems
        .iter()
        .map(|problem| {
            problem
                .to_string()
                .replace(store.root().to_str().unwrap(), "")
        })
        .collect()
}

fn repair(store: &mut Store) {
    let report = store
        .repair(&pack, &mut |_, _| (), &mut patience(Duration::ZERO))
        .unwrap();
    assert!(!report.is_clean());
    assert_eq!(problems(store), [] as [String; 0]);
}

fn overwrite(path: &Path, content: &str) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn a_sound_store_is_clean_and_all_of_it_is_counted() {
    let place = Place::new();
    let (store, ..) = filled(&place);
    let mut steps = Vec::new();
    let report = store
        .verify(&pack, &mut |done, total| steps.push((done, total)))
        .unwrap();
    assert!(report.is_clean());
    assert_eq!(report.lost, Usage::default());
    assert_eq!(
        (
            report.checked.blobs.count,
            report.checked.layers.count,
            report.checked.results.count
        ),
        (1, 1, 1)
    );
    let total = report.checked.blobs.bytes + report.checked.layers.bytes;
    assert_eq!(steps.first(), Some(&(0, total)));
    assert_eq!(steps.last(), Some(&(total, total)));
}

#[test]
fn a_changed_blob_is_found_and_removed_with_what_needs_it() {
    let place = Place::new();
    let (mut store, layer, blob, result) = filled(&place);
    overwrite(&store.blob_path(&blob), "BLOB");
    let hex = blob.hex();
    let expected = format!(
        "/blobs/sha256/{}/{hex}: its content is {}",
        &hex[..2],
        Digest::of("BLOB")
    );
    assert_eq!(problems(&store), [expected]);
    repair(&mut store);
    assert!(!store.has_blob(&blob) && !result.exists());
    assert!(store.layer(&layer).is_some());
}

#[test]
fn a_changed_layer_is_found_and_removed_with_what_needs_it() {
    let place = Place::new();
    let (mut store, layer, blob, result) = filled(&place);
    fs::write(store.layer(&layer).unwrap().dir.join("file"), "CONTENT").unwrap();
    let expected = format!(
        "/layers/{}: its content is {}",
        layer.hex(),
        crate::testing::diff_id("CONTENT")
    );
    assert_eq!(problems(&store), [expected]);
    repair(&mut store);
    assert!(store.layer(&layer).is_none() && !result.exists());
    assert!(store.has_blob(&blob));
}

#[test]
fn a_layer_that_cannot_be_packed_is_a_problem_and_stops_nothing() {
    let place = Place::new();
    let (store, layer, blob, _) = filled(&place);
    overwrite(&store.blob_path(&blob), "BLOB");
    fs::remove_file(store.layer(&layer).unwrap().dir.join("file")).unwrap();
    let found = problems(&store);
    assert_eq!(found.len(), 2);
    assert!(
        found[1].ends_with(": cannot be read: No such file or directory (os error 2)"),
        "{found:?}"
    );
}

#[test]
fn damaged_records_are_found_and_removed_c4() {
    let place = Place::new();
    let (mut store, layer, _, result) = filled(&place);
    fs::write(&result, "ci-store 1 x").unwrap();
    fs::write(
        store.layer(&layer).unwrap().dir.with_file_name("record"),
        "x",
    )
    .unwrap();
    let found = problems(&store);
    assert!(
        found.len() == 2
            && found
                .iter()
                .all(|line| line.ends_with(": its record is damaged")),
        "{found:?}"
    );
    repair(&mut store);
    assert!(!result.exists() && store.layer(&layer).is_none());
}

#[test]
fn a_result_without_its_layer_is_found() {
    let place = Place::new();
    let (store, layer, ..) = filled(&place);
    let dir = store.layer(&layer).unwrap().dir;
    drop(store);
    fs::remove_dir_all(dir.parent().unwrap()).unwrap();
    let mut store = place.open();
    let found = problems(&store);
    assert!(
        found.len() == 1 && found[0].ends_with(": something it needs is missing"),
        "{found:?}"
    );
    repair(&mut store);
}

#[test]
fn what_does_not_belong_in_the_store_is_found_and_removed() {
    let place = Place::new();
    let (mut store, ..) = filled(&place);
    for path in [
        "blobs/sha256/file",
        "layers/folder/x",
        "results/exec/00/name",
        "caches/x/y",
    ] {
        let path = store.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let blob = Digest::of("in the wrong folder").hex();
    fs::create_dir(store.root().join("blobs/sha256/zz")).unwrap();
    fs::write(store.root().join("blobs/sha256/zz").join(&blob), "x").unwrap();
    let mut expected = vec![
        "/blobs/sha256/file: does not belong here".to_owned(),
        format!("/blobs/sha256/zz/{blob}: does not belong here"),
        "/caches/x/y: does not belong here".to_owned(),
        "/layers/folder: does not belong here".to_owned(),
        "/results/exec/00/name: does not belong here".to_owned(),
    ];
    expected.sort();
    assert_eq!(problems(&store), expected);
    repair(&mut store);
}

#[test]
fn zero_length_records_are_a_power_loss_and_no_problem() {
    let place = Place::new();
    let (store, layer, _, result) = filled(&place);
    let record = store.layer(&layer).unwrap().dir.with_file_name("record");
    drop(store);
    fs::write(record, "").unwrap();
    fs::write(result, "").unwrap();
    let store = place.open();
    let report = verify(&store);
    assert!(report.is_clean());
    assert_eq!(
        (report.lost.layers.count, report.lost.results.count),
        (1, 1)
    );
}
