//! Tests of `store`: what it promises.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::testing::{Place, put_layer};

#[test]
fn a_new_store_is_private() {
    let place = Place::new();
    let store = place.open();
    put_layer(&store, "content");
    for dir in [
        "", "tmp", "blobs", "layers", "results", "caches", "stat", "durable",
    ] {
        let mode = fs::metadata(store.root().join(dir))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o700, "{dir}");
    }
}

#[test]
fn a_store_behind_a_symbolic_link_is_one_store() {
    let place = Place::new();
    let store = place.open();
    let link = place.root().with_extension("link");
    symlink(place.root(), &link).unwrap();
    assert_eq!(Store::open(&link).unwrap().root(), store.root());
}

#[test]
fn a_run_that_only_reads_writes_nothing() {
    let place = Place::new();
    drop(place.open());
    let store = place.open();
    assert_eq!(store.layer(&Digest::of("x")), None);
    assert_eq!(store.result::<u32>("exec", &Digest::of("x")), None);
    assert_eq!(place.leftovers(), 0);
    assert!(!store.inner.has_written());
}

#[test]
fn leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not_c6() {
    let place = Place::new();
    let (dead, living) = (place.open(), place.open());
    let mut staging = Vec::new();
    for store in [&dead, &living] {
        staging.push(store.stage().unwrap());
    }
    let held = staging.pop().unwrap();
    fs::write(held.fs.join("file"), "x").unwrap();
    dead.inner.forget_duties();
    fs::write(place.root().join("tmp/stray"), "x").unwrap();
    let kept = held.fs.clone();
    drop(place.open());
    assert!(kept.exists());
    assert_eq!(place.leftovers(), 1);
}

#[test]
fn only_what_may_not_be_removed_is_left_to_the_remover() {
    use std::sync::atomic::AtomicUsize;
    let place = Place::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let remover: Remover = {
        let asked = asked.clone();
        Arc::new(move |path| {
            asked.fetch_add(1, Ordering::Relaxed);
            remove_tree(path)
        })
    };
    let options = Options {
        remover: Some(remover),
        ..Options::default()
    };
    let store =
        Store::open_with(&place.root(), options, &mut |_| ControlFlow::Continue(())).unwrap();
    drop(store.stage().unwrap());
    drop(store);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn the_remover_removes_what_is_not_permitted() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let place = Place::new();
    // Stands for files of other users, which root does not know.
    let freeze = |path: &Path, frozen: bool| {
        let file = File::open(path)?;
        let mut flags = ioctl_getflags(&file)?;
        flags.set(IFlags::IMMUTABLE, frozen);
        ioctl_setflags(&file, flags).map_err(io::Error::from)
    };
    let remover: Remover = Arc::new(move |path| {
        // It may have been moved while its folder was emptied.
        let dirs = files::list(path).unwrap();
        let file = dirs
            .iter()
            .map(|dir| dir.join("file"))
            .find(|file| file.exists());
        freeze(&file.unwrap(), false)?;
        remove_tree(path)
    });
    let options = Options {
        remover: Some(remover),
        ..Options::default()
    };
    let store =
        Store::open_with(&place.root(), options, &mut |_| ControlFlow::Continue(())).unwrap();
    let staging = store.stage().unwrap();
    let file = staging.fs.join("file");
    fs::write(&file, "x").unwrap();
    if let Err(error) = freeze(&file, true) {
        eprintln!("skipped: {error}");
        return;
    }
    assert_eq!(
        remove_tree(&staging.fs).unwrap_err().kind(),
        io::ErrorKind::PermissionDenied
    );
    drop(staging);
    drop(store);
    assert_eq!(place.leftovers(), 0);
}

#[test]
fn closing_one_handle_leaves_the_others_open() {
    let place = Place::new();
    let store = place.open();
    let staging = store.stage().unwrap();
    store.clone().close().unwrap();
    drop(store);
    fs::write(staging.fs.join("file"), "content").unwrap();
    staging.commit(&Digest::of("file=content")).unwrap();
    assert!(place.open().layer(&Digest::of("file=content")).is_some());
}
