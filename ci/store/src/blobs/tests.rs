//! Tests of `blobs`: what it promises.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::thread;

use super::*;
use crate::testing::Place;

#[test]
fn bytes_come_back_under_their_digest() {
    let place = Place::new();
    let store = place.open();
    let digest = store.put_bytes(b"hello").unwrap();
    assert_eq!(digest, Digest::of("hello"));
    assert!(store.has_blob(&digest));
    let mut text = String::new();
    store
        .open_blob(&digest)
        .unwrap()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "hello");
    let mode = fs::metadata(store.blob_path(&digest))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(
        mode & 0o777,
        0o444,
        "blobs are read-only whatever the umask"
    );
}

#[test]
fn an_unknown_blob_is_none() {
    let place = Place::new();
    let store = place.open();
    assert!(!store.has_blob(&Digest::of("nothing")));
    assert!(store.open_blob(&Digest::of("nothing")).unwrap().is_none());
}

#[test]
fn expected_content_is_accepted_in_any_pieces() {
    let place = Place::new();
    let store = place.open();
    let mut writer = store.blob_writer(Some((Digest::of("abcdef"), 6))).unwrap();
    for piece in ["a", "bcd", "", "ef"] {
        writer.write_all(piece.as_bytes()).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), (Digest::of("abcdef"), 6));
    assert!(store.has_blob(&Digest::of("abcdef")));
}

#[test]
fn other_content_than_expected_is_refused_and_leaves_nothing_l13() {
    let place = Place::new();
    let store = place.open();
    let expected = Digest::of("abc");
    for (content, size) in [("abd", 3), ("ab", 3), ("abc", 4)] {
        let mut writer = store.blob_writer(Some((expected, size))).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
        assert!(
            matches!(writer.finish(), Err(Error::Mismatch { .. })),
            "{content}"
        );
    }
    assert!(!store.has_blob(&expected));
    let usage = store.usage().unwrap();
    assert_eq!(usage.blobs.count, 0);
    drop(store);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn surplus_bytes_are_refused_before_they_fill_the_disk_l13() {
    let place = Place::new();
    let store = place.open();
    let mut writer = store.blob_writer(Some((Digest::of("abc"), 3))).unwrap();
    writer.write_all(b"ab").unwrap();
    let error = writer.write_all(&[0; 1000]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let expected = format!(
        "content does not match: expected {} (3 bytes), got more bytes",
        Digest::of("abc")
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_abandoned_writer_leaves_nothing() {
    let place = Place::new();
    let store = place.open();
    let mut writer = store.blob_writer(None).unwrap();
    writer.write_all(b"half").unwrap();
    let path = writer.path.clone();
    assert!(path.exists());
    drop(writer);
    assert!(!path.exists());
}

#[test]
fn two_writers_of_one_content_both_succeed_c4() {
    let place = Place::new();
    let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let digests: Vec<_> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let store = place.open();
                    let mut writer = store.blob_writer(None).unwrap();
                    content
                        .chunks(777)
                        .for_each(|piece| writer.write_all(piece).unwrap());
                    writer.finish().unwrap().0
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    assert!(digests.iter().all(|digest| *digest == Digest::of(&content)));
    assert_eq!(place.open().usage().unwrap().blobs.count, 1);
    assert_eq!(place.leftovers(), 0);
}
