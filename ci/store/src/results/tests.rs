//! Tests of `results`: what it promises.

use super::*;
use crate::Store;
use crate::testing::{Place, age, put_layer};

fn key() -> Digest {
    Digest::of("operation")
}

fn path(store: &Store) -> PathBuf {
    store.inner.result_path("exec", &key()).unwrap()
}

fn put(store: &Store, refs: Refs) {
    store
        .put_result("exec", &key(), &vec!["a", "b"], refs)
        .unwrap();
}

fn get(store: &Store) -> Option<Vec<String>> {
    store.result("exec", &key())
}

#[test]
fn a_result_is_found_again_by_another_process() {
    let place = Place::new();
    put(&place.open(), Refs::default());
    let store = place.open();
    assert_eq!(get(&store).unwrap(), ["a", "b"]);
    assert_eq!(store.result::<Vec<String>>("other", &key()), None);
    assert_eq!(
        store.result::<Vec<String>>("exec", &Digest::of("other")),
        None
    );
}

#[test]
fn a_result_is_replaced() {
    let place = Place::new();
    let store = place.open();
    put(&store, Refs::default());
    store
        .put_result("exec", &key(), &vec!["c"], Refs::default())
        .unwrap();
    assert_eq!(get(&store).unwrap(), ["c"]);
}

#[test]
fn damaged_results_are_absent_and_removed_c4() {
    let place = Place::new();
    let store = place.open();
    put(&store, Refs::default());
    let whole = fs::read(path(&store)).unwrap();
    let flipped: Vec<u8> = whole
        .iter()
        .map(|b| if *b == b'a' { b'e' } else { *b })
        .collect();
    let damages: [&[u8]; 5] = [b"", b"{}", &whole[..whole.len() - 1], &flipped, &[0; 100]];
    for damage in damages {
        fs::write(path(&store), damage).unwrap();
        assert_eq!(get(&store), None);
        assert!(!path(&store).exists());
    }
}

#[test]
fn a_result_filed_under_another_key_is_no_answer_c4() {
    let place = Place::new();
    let store = place.open();
    put(&store, Refs::default());
    let other = Digest::of("other operation");
    let target = store.inner.result_path("exec", &other).unwrap();
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::copy(path(&store), &target).unwrap();
    assert_eq!(store.result::<Vec<String>>("exec", &other), None);
    let target = store.inner.result_path("copy", &key()).unwrap();
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::copy(path(&store), &target).unwrap();
    assert_eq!(store.result::<Vec<String>>("copy", &key()), None);
}

#[test]
fn a_result_of_another_type_is_absent_c4() {
    let place = Place::new();
    let store = place.open();
    put(&store, Refs::default());
    assert_eq!(store.result::<u32>("exec", &key()), None);
}

#[test]
fn a_result_without_what_it_needs_is_absent_and_removed() {
    let place = Place::new();
    for lose in ["layer", "blob", "nothing"] {
        let store = place.open();
        let layer = put_layer(&store, "content");
        let blob = store.put_bytes(b"blob").unwrap();
        put(
            &store,
            Refs {
                layers: vec![layer],
                blobs: vec![blob],
            },
        );
        drop(store);
        let store = place.open();
        match lose {
            "layer" => fs::remove_dir_all(store.inner.layer_path(&layer)).unwrap(),
            "blob" => fs::remove_file(store.blob_path(&blob)).unwrap(),
            _ => {}
        }
        assert_eq!(get(&store).is_some(), lose == "nothing", "{lose}");
        assert_eq!(path(&store).exists(), lose == "nothing", "{lose}");
    }
}

#[test]
fn a_kind_cannot_lead_out_of_the_store_l15() {
    let place = Place::new();
    let store = place.open();
    for kind in ["", ".", "..", "../x", "a/b", "A", "a b", "é"] {
        let error = store
            .put_result(kind, &key(), &1, Refs::default())
            .unwrap_err();
        assert!(matches!(error, Error::Kind(_)), "{kind}");
        assert_eq!(store.result::<u32>(kind, &key()), None);
    }
}

#[test]
fn use_is_noted_once_an_hour() {
    let place = Place::new();
    let store = place.open();
    put(&store, Refs::default());
    let used = || fs::metadata(path(&store)).unwrap().modified().unwrap();
    age(&path(&store), Duration::from_secs(1800));
    let before = used();
    get(&store).unwrap();
    assert_eq!(used(), before);
    age(&path(&store), Duration::from_secs(7200));
    get(&store).unwrap();
    assert!(used() > before);
}

#[test]
fn a_compressed_form_is_found_while_its_blob_is_there() {
    let place = Place::new();
    let store = place.open();
    let blob = store.put_bytes(b"compressed").unwrap();
    let descriptor: Descriptor =
        serde_json::from_value(serde_json::json!({ "mediaType": "x", "digest": blob, "size": 10 }))
            .unwrap();
    let layer = Digest::of("diff id");
    assert_eq!(store.compressed(&layer), None);
    store.put_compressed(&layer, &descriptor).unwrap();
    assert_eq!(store.compressed(&layer), Some(descriptor));
    fs::remove_file(store.blob_path(&blob)).unwrap();
    assert_eq!(store.compressed(&layer), None);
}
