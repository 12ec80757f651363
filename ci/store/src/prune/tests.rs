//! Tests of `prune`: what it promises.

use std::fs;
use std::path::Path;

use ci_oci::Digest;

use super::*;
use crate::files;
use crate::results::Refs;
use crate::testing::{Place, age, diff_id, put_layer, verify};
use crate::{Sharing, patience};

const NEVER: Duration = Duration::ZERO;

/// A result `name` that is `hours` old and needs the layers with these contents.
fn put(store: &Store, name: &str, hours: u64, layers: &[&str]) {
    let layers = layers
        .iter()
        .map(|content| put_layer(store, content))
        .collect();
    let blobs = vec![store.put_bytes(name.as_bytes()).unwrap()];
    store
        .put_result("exec", &Digest::of(name), &name, Refs { layers, blobs })
        .unwrap();
    let hex = Digest::of(name).hex();
    let path = store.root().join("results/exec").join(&hex[..2]).join(hex);
    age(&path, Duration::from_secs(hours * 3600));
}

fn has(store: &Store, name: &str) -> bool {
    let found = store.result::<String>("exec", &Digest::of(name)).is_some();
    assert_eq!(
        found,
        store.has_blob(&Digest::of(name)),
        "a blob goes with its only result"
    );
    found
}

#[test]
fn by_default_only_the_useless_goes() {
    let place = Place::new();
    let mut store = place.open();
    put(&store, "kept", 1000, &["a"]);
    put_layer(&store, "unreferenced");
    store.put_bytes(b"unreferenced").unwrap();
    let pruned = store
        .prune(Policy::default(), &mut patience(NEVER))
        .unwrap();
    assert_eq!(
        (
            pruned.freed.layers.count,
            pruned.freed.blobs.count,
            pruned.freed.results.count
        ),
        (1, 1, 0)
    );
    assert_eq!(pruned.left, store.usage().unwrap());
    assert!(has(&store, "kept"));
    assert_eq!(store.layer(&diff_id("unreferenced")), None);
    assert!(store.layer(&diff_id("a")).is_some());
}

#[test]
fn the_old_goes_with_what_only_it_needs() {
    let place = Place::new();
    let mut store = place.open();
    put(&store, "old", 48, &["base", "old"]);
    put(&store, "new", 1, &["base", "new", "base"]);
    let policy = Policy {
        older_than: Some(Duration::from_secs(24 * 3600)),
        ..Policy::default()
    };
    let pruned = store.prune(policy, &mut patience(NEVER)).unwrap();
    assert_eq!(pruned.freed.results.count, 1);
    assert!(!has(&store, "old") && has(&store, "new"));
    assert_eq!(store.layer(&diff_id("old")), None);
    assert!(store.layer(&diff_id("base")).is_some() && store.layer(&diff_id("new")).is_some());
    assert!(verify(&store).is_clean());
}

#[test]
fn when_space_is_short_the_least_recently_used_goes_first() {
    let place = Place::new();
    let mut store = place.open();
    for (hours, name) in [(5, "e"), (1, "a"), (3, "c"), (2, "b"), (4, "d")] {
        put(&store, name, hours, &[name]);
    }
    let all = store.usage().unwrap().total().bytes;
    let policy = Policy {
        max_bytes: Some(all * 3 / 5),
        ..Policy::default()
    };
    let pruned = store.prune(policy, &mut patience(NEVER)).unwrap();
    assert!(pruned.left.total().bytes <= all * 3 / 5);
    let left: Vec<_> = ["a", "b", "c", "d", "e"]
        .into_iter()
        .filter(|name| has(&store, name))
        .collect();
    assert_eq!(left, ["a", "b", "c"]);
}

#[test]
fn all_is_all() {
    let place = Place::new();
    let mut store = place.open();
    put(&store, "result", 0, &["layer"]);
    let wait = &mut patience(NEVER);
    let lease = store
        .cache_volume("v", Sharing::Private, &mut |_| Ok(()), wait)
        .unwrap();
    fs::write(lease.path().join("file"), "x").unwrap();
    drop(lease);
    let stat = crate::StatCache::load(&store, Path::new("/src"));
    stat.insert(
        &crate::Stat {
            dev: 1,
            ino: 1,
            size: 1,
            mtime: 0,
            ctime: 0,
            seen: i64::MAX,
        },
        Digest::of(""),
    );
    stat.save().unwrap();
    drop(stat);
    let before = store.usage().unwrap();
    let pruned = store
        .prune(
            Policy {
                all: true,
                ..Policy::default()
            },
            &mut patience(NEVER),
        )
        .unwrap();
    assert_eq!(
        pruned,
        Pruned {
            freed: before,
            left: Usage::default()
        }
    );
    assert_eq!(store.usage().unwrap(), Usage::default());
    assert_eq!(files::list(&store.root().join("caches")).unwrap().len(), 0);
    put(&store, "again", 0, &["layer"]);
    assert!(has(&store, "again"));
    drop(store);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn a_prune_waits_for_others_and_says_who_they_are() {
    let place = Place::new();
    let mut store = place.open();
    put(&store, "result", 0, &["layer"]);
    let other = place.open();
    let mut calls = 0;
    let error = store
        .prune(
            Policy {
                all: true,
                ..Policy::default()
            },
            &mut |_| {
                calls += 1;
                if calls == 3 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        )
        .unwrap_err();
    let path = store.root().join("lock").display().to_string();
    let expected = format!(
        "{path} is in use by process {}; gave up after 0 s\nhelp: try again when it has finished",
        std::process::id()
    );
    assert_eq!((error.to_string(), calls), (expected, 3));
    assert!(has(&other, "result") && has(&store, "result"));
    drop(other);
    store
        .prune(
            Policy {
                all: true,
                ..Policy::default()
            },
            &mut patience(NEVER),
        )
        .unwrap();
    assert!(!has(&store, "result"));
}

#[test]
fn a_prune_that_gave_up_still_keeps_others_from_pruning() {
    let place = Place::new();
    let (mut one, mut two) = (place.open(), place.open());
    for store in [&mut one, &mut two] {
        assert!(
            store
                .prune(Policy::default(), &mut patience(NEVER))
                .is_err()
        );
    }
    drop(one);
    two.prune(Policy::default(), &mut patience(NEVER)).unwrap();
}

#[test]
fn whoever_opens_during_a_prune_waits() {
    let place = Place::new();
    let mut store = place.open();
    let mut waited = false;
    store
        .exclusively(&mut patience(NEVER), |_| {
            let wait = &mut |_| {
                waited = true;
                ControlFlow::Break(())
            };
            let error =
                Store::open_with(&place.root(), crate::Options::default(), wait).unwrap_err();
            assert!(matches!(error, Error::Busy { .. }));
            Ok(())
        })
        .unwrap();
    assert!(waited);
    drop(place.open());
}

#[test]
fn what_this_process_still_uses_is_never_pruned() {
    let place = Place::new();
    let mut store = place.open();
    let staging = store.stage().unwrap();
    let error = store
        .prune(Policy::default(), &mut patience(NEVER))
        .unwrap_err();
    assert!(
        matches!(&error, Error::Busy { by, .. } if by == "this process itself"),
        "{error}"
    );
    drop(staging);
    store
        .prune(Policy::default(), &mut patience(NEVER))
        .unwrap();
}

#[test]
fn the_damaged_goes_c4() {
    let place = Place::new();
    let mut store = place.open();
    put(&store, "result", 0, &["layer"]);
    put(&store, "damaged", 0, &["other"]);
    let hex = Digest::of("damaged").hex();
    fs::write(
        store.root().join("results/exec").join(&hex[..2]).join(hex),
        "x",
    )
    .unwrap();
    let pruned = store
        .prune(Policy::default(), &mut patience(NEVER))
        .unwrap();
    assert_eq!(
        (
            pruned.freed.results.count,
            pruned.freed.layers.count,
            pruned.freed.blobs.count
        ),
        (1, 1, 1)
    );
    assert!(has(&store, "result") && !has(&store, "damaged"));
}

#[test]
fn the_limit_holds() {
    let place = Place::new();
    let mut store = place.open();
    for (hours, name) in [(3, "c"), (1, "a"), (2, "b")] {
        put(&store, name, hours, &[name]);
    }
    let all = store.usage().unwrap().total().bytes;
    assert_eq!(store.enforce_limit(all).unwrap(), None);
    let pruned = store.enforce_limit(all - 1).unwrap().unwrap();
    assert!(pruned.left.total().bytes <= all * 9 / 10);
    assert!(has(&store, "a") && !has(&store, "c"));
}

#[test]
fn the_limit_is_not_enforced_while_others_work_nor_by_those_who_wrote_nothing() {
    let place = Place::new();
    let mut store = place.open();
    put(&store, "result", 0, &["layer"]);
    let mut other = place.open();
    assert_eq!(store.enforce_limit(1).unwrap(), None);
    drop(store);
    assert_eq!(other.enforce_limit(1).unwrap(), None);
    assert!(has(&other, "result"));
}
