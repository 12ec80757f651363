//! What the store's operations cost. Run with
//! `cargo test -p ci-store --release --test it -- --ignored --nocapture figures`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ci_oci::Digest;
use ci_store::{Refs, Stat, StatCache, Store};

use crate::workload::fill;

/// Prints the median of several runs.
fn measure(what: &str, runs: usize, mut run: impl FnMut(usize) -> Duration) {
    let mut times: Vec<_> = (0..runs).map(&mut run).collect();
    times.sort();
    println!("{what:<50} {:>9.3} ms", times[runs / 2].as_secs_f64() * 1e3);
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = run();
    (result, start.elapsed())
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    measure("open and close, nothing written", 50, |_| {
        timed(|| Store::open(&root).unwrap().close().unwrap()).1
    });
    let store = Store::open(&root).unwrap();
    measure("blob of 2 kB (fsync)", 50, |n| {
        timed(|| store.put_bytes(&[n as u8; 2000]).unwrap()).1
    });
    measure("blob of 20 MB", 5, |n| {
        let bytes = vec![n as u8; 20_000_000];
        timed(|| store.put_bytes(&bytes).unwrap()).1
    });
    measure("layer of 12 files: stage and commit", 50, |n| {
        let staging = store.stage().unwrap();
        fill(&staging.fs, n as u64).unwrap();
        timed(|| staging.commit(&Digest::of(n.to_le_bytes())).unwrap()).1
    });
    let refs = |n: usize| Refs {
        layers: vec![Digest::of((n % 50).to_le_bytes())],
        blobs: Vec::new(),
    };
    let key = |n: usize| Digest::of(format!("key {n}"));
    measure("put a result", 10_000, |n| {
        timed(|| store.put_result("exec", &key(n), &n, refs(n)).unwrap()).1
    });
    measure("get a result", 10_000, |n| {
        timed(|| store.result::<usize>("exec", &key(n)).unwrap()).1
    });
    measure("usage of 10,000 results", 5, |_| {
        timed(|| store.usage().unwrap()).1
    });

    let stats = StatCache::load(&store, Path::new("/src"));
    let stat = |n| Stat {
        dev: 1,
        ino: n,
        size: 1,
        mtime: 0,
        ctime: 0,
        seen: i64::MAX,
    };
    (0..2000).for_each(|n| stats.insert(&stat(n), Digest::of(n.to_le_bytes())));
    measure("save 2,000 digests of files", 20, |_| {
        timed(|| stats.save().unwrap()).1
    });
    measure("load 2,000 digests of files", 20, |_| {
        timed(|| StatCache::load(&store, Path::new("/src"))).1
    });
    let stats = StatCache::load(&store, Path::new("/src"));
    measure("look all of them up", 20, |_| {
        timed(|| (0..2000).for_each(|n| assert!(stats.get(&stat(n)).is_some()))).1
    });
    drop(stats);
    store.close().unwrap();

    for megabytes in [0, 10, 100, 500] {
        measure(
            &format!("close (syncfs) with {megabytes} MB to write"),
            5,
            |n| {
                let store = Store::open(&root).unwrap();
                let staging = store.stage().unwrap();
                fs::write(staging.fs.join("file"), vec![n as u8; megabytes << 20]).unwrap();
                staging
                    .commit(&Digest::of(format!("{megabytes} {n}")))
                    .unwrap();
                timed(|| store.close().unwrap()).1
            },
        );
    }
}
