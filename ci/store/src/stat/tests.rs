//! Tests of `stat`: what it promises.

use std::io::Write;
use std::time::Duration;

use super::*;
use crate::testing::Place;

fn stat(n: u64) -> Stat {
    let time = 1_700_000_000_000_000_000;
    Stat {
        dev: 1,
        ino: n,
        size: 10,
        mtime: time,
        ctime: time,
        seen: time + GRAIN,
    }
}

fn cache(store: &Store) -> StatCache {
    StatCache::load(store, Path::new("/src"))
}

#[test]
fn a_digest_is_remembered_for_this_root_only() {
    let place = Place::new();
    let known = cache(&place.open());
    known.insert(&stat(1), Digest::of("one"));
    assert_eq!(known.get(&stat(1)), Some(Digest::of("one")));
    known.save().unwrap();
    let store = place.open();
    assert_eq!(cache(&store).get(&stat(1)), Some(Digest::of("one")));
    assert_eq!(
        StatCache::load(&store, Path::new("/other")).get(&stat(1)),
        None
    );
}

#[test]
fn who_scans_the_same_root_at_the_same_time_loses_nothing() {
    let place = Place::new();
    let store = place.open();
    let (ours, theirs) = (cache(&store), cache(&store));
    ours.insert(&stat(1), Digest::of("one"));
    theirs.insert(&stat(2), Digest::of("two"));
    ours.save().unwrap();
    theirs.save().unwrap();
    let both = cache(&store);
    assert_eq!(both.get(&stat(1)), Some(Digest::of("one")));
    assert_eq!(both.get(&stat(2)), Some(Digest::of("two")));
}

#[test]
fn any_difference_is_another_file() {
    let place = Place::new();
    let known = cache(&place.open());
    known.insert(&stat(1), Digest::of("one"));
    known.save().unwrap();
    let (known, one) = (cache(&place.open()), stat(1));
    let others = [
        Stat { dev: 2, ..one },
        Stat { ino: 2, ..one },
        Stat { size: 11, ..one },
        Stat {
            mtime: one.mtime + 1,
            ..one
        },
        Stat {
            ctime: one.ctime - 1,
            ..one
        },
    ];
    assert!(others.iter().all(|other| known.get(other).is_none()));
    assert!(
        known.get(&Stat { seen: 0, ..one }).is_some(),
        "when it was looked at is no part of it"
    );
}

#[test]
fn what_changed_just_now_is_not_trusted() {
    let place = Place::new();
    let store = place.open();
    let known = cache(&store);
    let one = stat(1);
    let recent = [
        Stat {
            seen: one.seen - 1,
            ..one
        },
        Stat {
            mtime: one.seen,
            ..one
        },
        Stat {
            ctime: one.seen,
            ..one
        },
        Stat {
            mtime: one.seen + 5 * GRAIN,
            ..one
        },
        Stat {
            ctime: i64::MAX,
            ..one
        },
    ];
    for recent in recent {
        known.insert(&recent, Digest::of("x"));
        assert_eq!(known.get(&recent), None);
    }
}

#[test]
fn a_real_file_is_remembered_once_it_has_settled() {
    let place = Place::new();
    let known = cache(&place.open());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"content").unwrap();
    let mut seen = Stat::new(&file.as_file().metadata().unwrap());
    known.insert(&seen, Digest::of("content"));
    assert_eq!(known.get(&seen), None);
    seen.seen += GRAIN;
    known.insert(&seen, Digest::of("content"));
    assert_eq!(known.get(&seen), Some(Digest::of("content")));
    // Setting the time back does not hide a change.
    let modified = file.as_file().metadata().unwrap().modified().unwrap();
    std::thread::sleep(Duration::from_millis(20));
    fs::write(file.path(), "changed").unwrap();
    file.as_file().set_modified(modified).unwrap();
    let later = Stat::new(&file.as_file().metadata().unwrap());
    assert_eq!((later.mtime, later.size), (seen.mtime, seen.size));
    assert_eq!(known.get(&later), None);
}

#[test]
fn older_records_of_a_file_make_way() {
    let place = Place::new();
    let known = cache(&place.open());
    known.insert(&stat(1), Digest::of("old"));
    known.insert(&stat(2), Digest::of("other"));
    known.save().unwrap();
    let known = cache(&place.open());
    let changed = Stat {
        size: 11,
        ..stat(1)
    };
    known.insert(&changed, Digest::of("new"));
    known.save().unwrap();
    let known = cache(&place.open());
    assert_eq!(known.get(&stat(1)), None);
    assert_eq!(known.get(&changed), Some(Digest::of("new")));
    assert_eq!(known.get(&stat(2)), Some(Digest::of("other")));
}

#[test]
fn damage_is_forgetfulness_c4() {
    let place = Place::new();
    let known = cache(&place.open());
    known.insert(&stat(1), Digest::of("one"));
    known.insert(&stat(2), Digest::of("two"));
    known.save().unwrap();
    let whole = fs::read(&known.path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert_eq!(decode(&damaged), None, "byte {at}");
        assert_eq!(decode(&whole[..at]), None, "cut at {at}");
    }
    fs::write(&known.path, &whole[..50]).unwrap();
    let known = cache(&place.open());
    assert_eq!(known.get(&stat(1)), None);
    known.insert(&stat(1), Digest::of("one"));
    known.save().unwrap();
    assert_eq!(cache(&place.open()).get(&stat(1)), Some(Digest::of("one")));
}

#[test]
fn the_number_of_entries_is_bounded_and_those_in_use_stay() {
    let place = Place::new();
    let known = cache(&place.open());
    for n in 0..LIMIT as u64 {
        known.insert(&stat(n), Digest::from_bytes([7; 32]));
    }
    known.save().unwrap();
    let known = cache(&place.open());
    let last = LIMIT as u64 - 1;
    assert!(known.get(&stat(last)).is_some());
    for n in 0..100 {
        known.insert(&stat(last + 1 + n), Digest::from_bytes([8; 32]));
    }
    known.save().unwrap();
    let known = cache(&place.open());
    assert_eq!(known.known.len(), LIMIT);
    assert!((last..last + 101).all(|n| known.get(&stat(n)).is_some()));
}
