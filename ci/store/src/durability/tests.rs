//! Tests of `durability`: what it promises.

use super::*;
use crate::testing::{Place, diff_id, put_layer, verify};
use crate::{Refs, Sharing, patience};
use ci_oci::Digest;
use std::time::Duration;

#[test]
fn a_layer_of_a_closed_store_survives_a_reboot() {
    let place = Place::new();
    let store = place.open_at("boot-1");
    let id = put_layer(&store, "content");
    store.close().unwrap();
    assert!(place.open_at("boot-2").layer(&id).is_some());
}

#[test]
fn dropping_the_store_is_as_good_as_closing_it() {
    let place = Place::new();
    let id = put_layer(&place.open_at("boot-1"), "content");
    assert!(place.open_at("boot-2").layer(&id).is_some());
}

#[test]
fn a_layer_of_a_killed_process_counts_until_the_reboot_c6() {
    let place = Place::new();
    let store = place.open_at("boot-1");
    let id = put_layer(&store, "content");
    Place::kill(store);
    {
        let durable = place.root().join("durable");
        assert!(files::list(&durable).unwrap().is_empty());
    }
    assert_eq!(
        place.open_at("boot-2").layer(&id),
        None,
        "the power may have failed"
    );
    let store = place.open_at("boot-1");
    assert!(store.layer(&id).is_some(), "it has not");
}

#[test]
fn the_next_process_syncs_for_one_that_was_killed_c6() {
    let place = Place::new();
    let store = place.open_at("boot-1");
    let id = put_layer(&store, "content");
    drop(store.stage().unwrap());
    Place::kill(store);
    assert_eq!(place.leftovers(), 1);
    drop(place.open_at("boot-1"));
    assert_eq!(place.leftovers(), 0);
    assert!(place.open_at("boot-2").layer(&id).is_some());
}

#[test]
fn what_is_written_after_the_sync_is_not_covered_by_it() {
    let place = Place::new();
    let early = put_layer(&place.open_at("boot-1"), "early");
    let store = place.open_at("boot-1");
    let late = put_layer(&store, "late");
    Place::kill(store);
    let store = place.open_at("boot-2");
    assert!(store.layer(&early).is_some());
    assert_eq!(store.layer(&late), None);
}

#[test]
fn a_lost_layer_is_made_again_in_its_place() {
    let place = Place::new();
    let store = place.open_at("boot-1");
    let id = put_layer(&store, "content");
    // What a power loss does to a file that was not synced.
    fs::write(store.layer(&id).unwrap().dir.join("file"), "").unwrap();
    Place::kill(store);
    let store = place.open_at("boot-2");
    assert_eq!(store.layer(&id), None);
    put_layer(&store, "content");
    let file = store.layer(&id).unwrap().dir.join("file");
    assert_eq!(fs::read_to_string(file).unwrap(), "content");
    assert!(verify(&store).is_clean());
}

#[test]
fn a_result_that_needs_a_lost_layer_is_absent_and_no_problem() {
    let place = Place::new();
    let store = place.open_at("boot-1");
    let id = put_layer(&store, "content");
    let key = Digest::of("key");
    let refs = Refs {
        layers: vec![id],
        ..Refs::default()
    };
    store.put_result("exec", &key, &1, refs).unwrap();
    Place::kill(store);
    let store = place.open_at("boot-2");
    let report = verify(&store);
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!(
        (report.lost.layers.count, report.lost.results.count),
        (1, 1)
    );
    assert_eq!(store.result::<u32>("exec", &key), None);
}

#[test]
fn of_two_markers_the_later_stays() {
    let place = Place::new();
    drop(place.open());
    let durability = Durability::at_boot(place.root().join("durable"), "boot-1");
    let temporary = place.root().join("tmp/marker");
    let early = durability.stamp();
    durability.sync(&temporary).unwrap();
    let later = durability.stamp();
    durability.sync(&temporary).unwrap();
    let seen = Durability::at_boot(place.root().join("durable"), "boot-2");
    assert!(seen.holds(&early) && seen.holds(&later));
    assert!(!seen.holds(&Stamp::unfinished("boot-1")));
    assert!(!seen.holds(&Stamp {
        boot: "boot-0".into(),
        at: 0
    }));
}

#[test]
fn a_damaged_marker_covers_nothing_c4() {
    let place = Place::new();
    let id = put_layer(&place.open_at("boot-1"), "content");
    fs::write(place.root().join("durable/boot-1"), "9999999999").unwrap();
    assert_eq!(place.open_at("boot-2").layer(&id), None);
}

#[test]
fn a_boot_id_cannot_lead_out_of_the_store_l15() {
    let place = Place::new();
    drop(place.open());
    let bytes = record::encode(&u64::MAX).unwrap();
    fs::write(place.root().join("marker"), bytes).unwrap();
    let durability = Durability::at_boot(place.root().join("durable"), "boot-2");
    assert!(!durability.holds(&Stamp {
        boot: "../marker".into(),
        at: 1
    }));
    assert!(!durability.holds(&Stamp {
        boot: String::new(),
        at: 1
    }));
}

#[test]
fn a_volume_in_use_when_the_power_failed_is_begun_anew() {
    let place = Place::new();
    let take = |store: &crate::Store| {
        store
            .cache_volume(
                "id",
                Sharing::Locked,
                &mut |_| Ok(()),
                &mut patience(Duration::ZERO),
            )
            .unwrap()
    };
    let store = place.open_at("boot-1");
    let lease = take(&store);
    fs::write(lease.path().join("kept"), "x").unwrap();
    drop(lease);
    drop(store);

    let store = place.open_at("boot-2");
    let lease = take(&store);
    assert!(lease.path().join("kept").exists(), "it was left in peace");
    // Power loss: neither the lease nor the store get to do anything.
    store.inner.forget_duties();
    std::mem::forget(lease);
    drop(store);
    // The descriptors of the forgotten lease still hold the lock; a reboot would not leave them.
    fs::remove_file(
        place
            .root()
            .join("caches")
            .join(Digest::of("id").hex())
            .join("0.lock"),
    )
    .unwrap();
    let root = place.root().join("lock");
    fs::remove_file(root).unwrap();

    let store = place.open_at("boot-3");
    assert!(!take(&store).path().join("kept").exists());
}

#[test]
fn markers_of_boots_of_which_nothing_is_left_are_forgotten() {
    let place = Place::new();
    let store = place.open_at("boot-1");
    let id = put_layer(&store, "content");
    let refs = Refs {
        layers: vec![id],
        ..Refs::default()
    };
    store
        .put_result("exec", &Digest::of("key"), &1, refs)
        .unwrap();
    drop(store);
    put_layer(&place.open_at("boot-2"), "unreferenced");
    let mut store = place.open_at("boot-3");
    // The first removes the layer, the second finds that nothing of its boot is left.
    for _ in 0..2 {
        store
            .prune(crate::Policy::default(), &mut patience(Duration::ZERO))
            .unwrap();
    }
    let markers = files::list(&place.root().join("durable")).unwrap();
    assert_eq!(
        markers
            .iter()
            .map(|path| files::name(path))
            .collect::<Vec<_>>(),
        ["boot-1"]
    );
    assert!(store.layer(&diff_id("content")).is_some());
}

#[test]
fn the_running_boot_has_an_identity() {
    let dir = tempfile::tempdir().unwrap();
    let durability = Durability::new(dir.path().to_owned()).unwrap();
    assert_eq!(durability.boot().len(), 36);
}
