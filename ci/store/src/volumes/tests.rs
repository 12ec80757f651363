//! Tests of `volumes`: what it promises.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::patience;
use crate::testing::Place;

fn take(store: &Store, sharing: Sharing) -> Result<CacheLease> {
    store.cache_volume(
        "cargo",
        sharing,
        &mut |_| Ok(()),
        &mut patience(Duration::ZERO),
    )
}

#[test]
fn a_volume_keeps_what_was_put_there() {
    let place = Place::new();
    for sharing in [Sharing::Shared, Sharing::Locked, Sharing::Private] {
        let store = place.open();
        let lease = take(&store, sharing).unwrap();
        let file = lease.path().join("file");
        assert_eq!(file.exists(), sharing != Sharing::Shared, "{sharing:?}");
        fs::write(file, "x").unwrap();
    }
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn ids_do_not_mix_and_cannot_lead_out_of_the_store_l15() {
    let place = Place::new();
    let store = place.open();
    let ids = ["a", "b", "", "../../x", "/etc", "a\0b"];
    for id in ids {
        let lease = store
            .cache_volume(
                id,
                Sharing::Shared,
                &mut |_| Ok(()),
                &mut patience(Duration::ZERO),
            )
            .unwrap();
        assert!(lease.path().starts_with(store.root().join("caches")));
        assert_eq!(files::list(lease.path()).unwrap(), [] as [PathBuf; 0]);
        fs::write(lease.path().join("file"), id).unwrap();
    }
}

#[test]
fn shared_users_have_one_copy_at_once_e2() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let (a, b) = (
        take(&one, Sharing::Shared).unwrap(),
        take(&two, Sharing::Shared).unwrap(),
    );
    assert_eq!(a.path(), b.path());
}

#[test]
fn locked_users_follow_each_other_e2() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let lease = take(&one, Sharing::Locked).unwrap();
    for sharing in [Sharing::Locked, Sharing::Shared] {
        let error = take(&two, sharing).unwrap_err();
        assert!(matches!(error, Error::Busy { .. }), "{error}");
    }
    let (waiting, hears) = mpsc::channel();
    thread::scope(|scope| {
        let next = scope.spawn(|| {
            let mut tell = |_| {
                let _ = waiting.send(());
                std::ops::ControlFlow::Continue(())
            };
            two.cache_volume("cargo", Sharing::Locked, &mut |_| Ok(()), &mut tell)
                .unwrap()
        });
        hears.recv().unwrap();
        fs::write(lease.path().join("file"), "x").unwrap();
        drop(lease);
        assert!(next.join().unwrap().path().join("file").exists());
    });
}

#[test]
fn private_users_meet_nobody_and_reuse_what_is_free_e2() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let (a, b) = (
        take(&one, Sharing::Private).unwrap(),
        take(&two, Sharing::Private).unwrap(),
    );
    assert_ne!(a.path(), b.path());
    let free = b.path().to_owned();
    drop(b);
    assert_eq!(take(&one, Sharing::Private).unwrap().path(), free);
}

#[test]
fn a_new_copy_is_filled_before_anybody_sees_it() {
    let place = Place::new();
    let store = place.open();
    let mut fills = 0;
    for _ in 0..2 {
        let mut fill = |path: &Path| {
            fills += 1;
            assert_eq!(fs::metadata(path)?.permissions().mode() & 0o7777, 0o755);
            fs::write(path.join("seed"), "x")
        };
        let lease = store
            .cache_volume(
                "seeded",
                Sharing::Shared,
                &mut fill,
                &mut patience(Duration::ZERO),
            )
            .unwrap();
        assert!(lease.path().join("seed").exists());
    }
    assert_eq!(fills, 1);
}

#[test]
fn a_failed_filling_leaves_nothing() {
    let place = Place::new();
    let store = place.open();
    let mut fill = |path: &Path| {
        fs::write(path.join("half"), "x")?;
        Err(io::Error::other("no"))
    };
    let error = store
        .cache_volume(
            "seeded",
            Sharing::Shared,
            &mut fill,
            &mut patience(Duration::ZERO),
        )
        .unwrap_err();
    assert!(error.to_string().starts_with("cannot fill /"), "{error}");
    assert_eq!(store.usage().unwrap().volumes.count, 0);
    drop(store);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn many_shared_users_at_once_make_one_copy_c4() {
    let place = Place::new();
    thread::scope(|scope| {
        for n in 0..8 {
            let place = &place;
            scope.spawn(move || {
                let store = place.open();
                let wait = &mut patience(Duration::from_secs(20));
                let lease = store
                    .cache_volume("c", Sharing::Shared, &mut |_| Ok(()), wait)
                    .unwrap();
                fs::write(lease.path().join(n.to_string()), "x").unwrap();
            });
        }
    });
    let store = place.open();
    let lease = take_named(&store, "c");
    assert_eq!(files::list(lease.path()).unwrap().len(), 8);
    assert_eq!(store.usage().unwrap().volumes.count, 1);
}

fn take_named(store: &Store, id: &str) -> CacheLease {
    store
        .cache_volume(
            id,
            Sharing::Shared,
            &mut |_| Ok(()),
            &mut patience(Duration::ZERO),
        )
        .unwrap()
}

#[test]
fn only_the_last_of_shared_users_leaves_the_volume_in_peace() {
    let place = Place::new();
    let store = place.open();
    let (a, b) = (take_named(&store, "c"), take_named(&store, "c"));
    let copy = a.copy.clone();
    let in_use = || store.inner.volume_record(&copy).unwrap().stamp.at == u64::MAX;
    drop(a);
    assert!(in_use());
    drop(b);
    assert!(!in_use());
}

#[test]
fn a_volume_is_measured_once_after_its_use() {
    let place = Place::new();
    let store = place.open();
    let lease = take_named(&store, "c");
    fs::write(lease.path().join("file"), vec![1; 50_000]).unwrap();
    let copy = lease.copy.clone();
    drop(lease);
    let before = fs::metadata(copy.join("record"))
        .unwrap()
        .modified()
        .unwrap();
    assert!(store.usage().unwrap().volumes.bytes >= 50_000);
    let record = store.inner.volume_record(&copy).unwrap();
    assert!(record.size.unwrap() >= 50_000);
    assert_eq!(
        fs::metadata(copy.join("record"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
}
