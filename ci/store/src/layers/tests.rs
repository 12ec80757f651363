//! Tests of `layers`: what it promises.

use std::thread;

use super::*;
use crate::testing::{Place, diff_id, put_layer};

#[test]
fn a_layer_appears_whole_when_it_is_committed() {
    let place = Place::new();
    let store = place.open();
    let staging = store.stage().unwrap();
    fs::write(staging.fs.join("file"), "content").unwrap();
    fs::write(&staging.owners, "owners").unwrap();
    assert_eq!(store.layer(&diff_id("content")), None);
    let paths = staging.commit(&diff_id("content")).unwrap();
    assert_eq!(store.layer(&diff_id("content")), Some(paths.clone()));
    assert_eq!(place.open().layer(&diff_id("content")), Some(paths.clone()));
    assert_eq!(
        fs::read_to_string(paths.dir.join("file")).unwrap(),
        "content"
    );
    assert_eq!(fs::read_to_string(paths.owners).unwrap(), "owners");
}

#[test]
fn a_staging_area_begins_empty_with_plain_modes() {
    let place = Place::new();
    let store = place.open();
    let staging = store.stage().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&staging.fs), 0o755);
    assert_eq!(mode(&staging.work), 0o700);
    assert!(!staging.owners.exists());
    assert_eq!(files::list(&staging.fs).unwrap(), [] as [PathBuf; 0]);
}

#[test]
fn an_abandoned_staging_area_leaves_nothing() {
    let place = Place::new();
    let store = place.open();
    let staging = store.stage().unwrap();
    fs::create_dir_all(staging.fs.join("a/b")).unwrap();
    fs::create_dir(staging.work.join("work")).unwrap();
    fs::set_permissions(staging.work.join("work"), Permissions::from_mode(0o0)).unwrap();
    let root = staging.root.clone();
    drop(staging);
    assert!(!root.exists());
    drop(store);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn committing_removes_the_work_folder() {
    let place = Place::new();
    let store = place.open();
    put_layer(&store, "content");
    let layers = files::list(&store.root().join("layers")).unwrap();
    let names: Vec<_> = files::list(&layers[0]).unwrap();
    assert_eq!(
        names
            .iter()
            .map(|path| files::name(path))
            .collect::<Vec<_>>(),
        ["fs", "record"]
    );
    drop(store);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn of_two_equal_layers_the_first_stays_c4() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let (first, second) = (one.stage().unwrap(), two.stage().unwrap());
    fs::write(first.fs.join("file"), "first").unwrap();
    fs::write(second.fs.join("file"), "second").unwrap();
    let id = Digest::of("same diff id");
    let path = first.commit(&id).unwrap();
    assert_eq!(second.commit(&id).unwrap(), path);
    assert_eq!(fs::read_to_string(path.dir.join("file")).unwrap(), "first");
}

#[test]
fn many_writers_of_few_layers_all_succeed_c4() {
    let place = Place::new();
    thread::scope(|scope| {
        for n in 0..8 {
            let place = &place;
            scope.spawn(move || {
                let store = place.open();
                for m in 0..40 {
                    let content = format!("layer {}", (n * 7 + m) % 10);
                    let id = put_layer(&store, &content);
                    let layer = store.layer(&id).unwrap();
                    assert_eq!(fs::read_to_string(layer.dir.join("file")).unwrap(), content);
                }
            });
        }
    });
    let store = place.open();
    assert_eq!(store.usage().unwrap().layers.count, 10);
    assert!(crate::testing::verify(&store).is_clean());
    drop(store);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn the_size_is_measured_unless_it_is_told() {
    let place = Place::new();
    let store = place.open();
    let staging = store.stage().unwrap().sized(12_345);
    staging.commit(&Digest::of("told")).unwrap();
    assert_eq!(store.usage().unwrap().layers.bytes, 12_345);
    let staging = store.stage().unwrap();
    fs::write(staging.fs.join("file"), vec![1; 100_000]).unwrap();
    staging.commit(&Digest::of("measured")).unwrap();
    assert!(store.usage().unwrap().layers.bytes >= 112_345);
}

#[test]
fn a_layer_with_a_damaged_record_is_absent_and_can_be_made_again_c4() {
    let place = Place::new();
    let id = put_layer(&place.open(), "content");
    for damage in ["", "{}", "ci-store 1 "] {
        let store = place.open();
        let path = store.inner.layer_path(&id);
        fs::write(path.join("record"), damage).unwrap();
        assert_eq!(store.layer(&id), None);
        put_layer(&store, "content");
        assert!(store.layer(&id).is_some());
    }
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn a_layer_under_another_name_is_absent() {
    let place = Place::new();
    let store = place.open();
    let id = put_layer(&store, "content");
    let other = diff_id("other");
    fs::rename(store.inner.layer_path(&id), store.inner.layer_path(&other)).unwrap();
    assert_eq!(place.open().layer(&other), None);
}
