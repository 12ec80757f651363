//! Downloads: resumed, waited for, refused when wrong.

use std::fs;
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use ci_oci::Digest;

use super::Download;
use crate::testing::Place;
use crate::{Error, Policy, Store, patience};

const TEXT: &[u8] = b"a layer that takes its time";

fn begin(store: &Store) -> Option<Download> {
    let size = TEXT.len() as u64;
    store
        .download(Digest::of(TEXT), size, &mut |_| ControlFlow::Continue(()))
        .unwrap()
}

#[test]
fn a_download_goes_on_where_a_killed_run_stopped() {
    let place = Place::new();
    let store = place.open();
    let mut download = begin(&store).unwrap();
    download.append(&TEXT[..10]).unwrap();
    drop(download);
    Place::kill(store);

    let store = place.open();
    let mut download = begin(&store).unwrap();
    assert_eq!(download.arrived(), 10);
    download.append(&TEXT[10..]).unwrap();
    download.finish().unwrap();
    assert_eq!(fs::read(store.blob_path(&Digest::of(TEXT))).unwrap(), TEXT);
    assert!(begin(&store).is_none());
}

#[test]
fn wrong_and_surplus_bytes_never_become_a_blob_l13() {
    let place = Place::new();
    let store = place.open();
    let mut download = begin(&store).unwrap();
    let wrong = vec![b'x'; TEXT.len()];
    download.append(&wrong).unwrap();
    let surplus = download.append(b"y").unwrap_err();
    assert!(matches!(surplus, Error::Mismatch { .. }), "{surplus}");
    let mismatch = download.finish().unwrap_err();
    assert!(matches!(mismatch, Error::Mismatch { .. }), "{mismatch}");
    assert!(!store.has_blob(&Digest::of(TEXT)));
    // And the wrong bytes are not taken for a beginning.
    assert_eq!(begin(&store).unwrap().arrived(), 0);
}

#[test]
fn a_truncated_download_is_no_blob_l13() {
    let place = Place::new();
    let store = place.open();
    let mut download = begin(&store).unwrap();
    download.append(&TEXT[..3]).unwrap();
    assert!(download.finish().is_err());
    assert!(!store.has_blob(&Digest::of(TEXT)));
}

#[test]
fn more_than_was_expected_from_an_earlier_run_is_forgotten() {
    let place = Place::new();
    let store = place.open();
    drop(begin(&store));
    let partial = place.root().join("partial").join(Digest::of(TEXT).hex());
    fs::write(&partial, vec![0; TEXT.len() + 1]).unwrap();
    assert_eq!(begin(&store).unwrap().arrived(), 0);
}

#[test]
fn one_downloads_and_the_other_finds_the_blob() {
    let place = Place::new();
    let (first, second) = (place.open(), place.open());
    let mut download = begin(&first).unwrap();
    let (asked, waits) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let size = TEXT.len() as u64;
        let mut waiting = |_| {
            asked.send(()).ok();
            ControlFlow::Continue(())
        };
        let found = second.download(Digest::of(TEXT), size, &mut waiting);
        found.unwrap().is_none()
    });
    waits.recv().unwrap();
    download.append(TEXT).unwrap();
    download.finish().unwrap();
    assert!(waiter.join().unwrap(), "the second one downloads again");
}

#[test]
fn who_does_not_want_to_wait_is_told_who_downloads() {
    let place = Place::new();
    let (first, second) = (place.open(), place.open());
    let _download = begin(&first).unwrap();
    let busy = second.download(
        Digest::of(TEXT),
        TEXT.len() as u64,
        &mut patience(std::time::Duration::ZERO),
    );
    assert!(matches!(busy, Err(Error::Busy { .. })), "{busy:?}");
}

#[test]
fn a_prune_removes_what_never_became_whole() {
    let place = Place::new();
    let mut store = place.open();
    let mut download = begin(&store).unwrap();
    download.append(&TEXT[..10]).unwrap();
    drop(download);
    assert_eq!(store.usage().unwrap().blobs.bytes, 10);
    let pruned = store
        .prune(Policy::default(), &mut |_| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(pruned.freed.blobs.bytes, 10);
    assert_eq!(pruned.left.blobs.bytes, 0);
    assert_eq!(
        fs::read_dir(place.root().join("partial")).unwrap().count(),
        0
    );
}
