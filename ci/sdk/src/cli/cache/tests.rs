//! Tests of `cache`: what it promises.

use std::path::Path;

use super::*;

const OFF: Paint = Paint::new(false);

fn usage() -> Usage {
    Usage {
        blobs: Space {
            count: 12,
            bytes: 5_200_000,
        },
        layers: Space {
            count: 30,
            bytes: 1_300_000_000,
        },
        results: Space {
            count: 412,
            bytes: 99_000,
        },
        ..Usage::default()
    }
}

#[test]
fn sizes_are_listed_by_kind_with_their_total() {
    insta::assert_snapshot!(table(&usage(), OFF), @r"
    KIND     COUNT     SIZE
    layers      30   1.3 GB
    blobs       12   5.2 MB
    results    412  99.0 kB
    volumes      0      0 B
    stats        0      0 B
    total      454   1.3 GB
    ");
}

#[test]
fn scripts_get_bytes() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(&root.path().join("cache")).unwrap();
    let document = document(&store, &usage());
    assert_eq!(document["layers"]["bytes"], 1_300_000_000_u64);
    assert_eq!(document["total"]["count"], 454);
}

#[test]
fn a_prune_says_what_went_and_what_is_left() {
    let pruned = Pruned {
        freed: usage(),
        left: Usage::default(),
    };
    insta::assert_snapshot!(freed(&pruned), @r"
    deleted 30 layers, 1.3 GB
    deleted 12 blobs, 5.2 MB
    deleted 412 results, 99.0 kB
    freed 1.3 GB; the cache holds 0 B
    ");
    assert_eq!(
        freed(&Pruned::default()),
        "nothing to delete; the cache holds 0 B\n"
    );
}

#[test]
fn what_is_damaged_is_named_and_fails_the_command_unless_it_is_repaired() {
    let root = tempfile::tempdir().unwrap();
    let mut store = Store::open(&root.path().join("cache")).unwrap();
    let digest = store.put_bytes(b"content").unwrap();
    let verify = |store: &Store| store.verify(&no_layers, &mut |_, _| {}).unwrap();
    assert!(damage(&verify(&store), false).is_none());
    damage_file(&store.blob_path(&digest));
    let report = verify(&store);
    assert!(checked(&report).contains(&store.blob_path(&digest).display().to_string()));
    assert_eq!(
        damage(&report, false).unwrap().to_string(),
        "the cache is damaged in 1 place"
    );
    let report = store
        .repair(&no_layers, &mut |_, _| {}, &mut waiting(OFF))
        .unwrap();
    assert!(damage(&report, true).is_none());
    assert!(verify(&store).is_clean());
}

/// These stores hold none.
fn no_layers(_: &LayerPaths) -> Result<Digest, Box<dyn std::error::Error + Send + Sync>> {
    Err("no layer was expected".into())
}

fn damage_file(path: &Path) {
    let bytes = vec![b'x'; std::fs::metadata(path).unwrap().len() as usize];
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}
