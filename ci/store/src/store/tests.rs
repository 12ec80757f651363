use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::testing::{Place, put_layer};

fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
    move |name| {
        pairs
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.into())
    }
}

#[test]
fn the_environment_says_where_the_store_is() {
    let root = |pairs: &[(&str, &str)]| {
        root_from(&environment(pairs)).map(|path| path.display().to_string())
    };
    let all = [
        ("PIPELINE_CACHE_DIR", "/a"),
        ("XDG_CACHE_HOME", "/b"),
        ("HOME", "/c"),
    ];
    assert_eq!(root(&all).unwrap(), "/a");
    assert_eq!(root(&all[1..]).unwrap(), "/b/pipeline");
    assert_eq!(root(&all[2..]).unwrap(), "/c/.cache/pipeline");
    assert_eq!(
        root(&[
            ("PIPELINE_CACHE_DIR", ""),
            ("XDG_CACHE_HOME", ""),
            ("HOME", "/c")
        ])
        .unwrap(),
        "/c/.cache/pipeline"
    );
    assert_eq!(
        root(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/c")]).unwrap(),
        "/c/.cache/pipeline"
    );
    let here = env::current_dir().unwrap().join("x").display().to_string();
    assert_eq!(root(&[("PIPELINE_CACHE_DIR", "x")]).unwrap(), here);
}

#[test]
fn an_empty_environment_is_an_error_with_a_way_out() {
    let error = root_from(&environment(&[("HOME", "")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no place for the cache: none of PIPELINE_CACHE_DIR, XDG_CACHE_HOME and HOME is set\n\
         help: set PIPELINE_CACHE_DIR to a folder on a local disk"
    );
}

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
fn another_format_is_refused_with_a_way_out() {
    let place = Place::new();
    drop(place.open());
    fs::write(place.root().join("version"), "17\n").unwrap();
    let error = Store::open(&place.root()).unwrap_err();
    let root = place.root().canonicalize().unwrap().display().to_string();
    assert_eq!(
        error.to_string(),
        format!(
            "the cache in {root} has format \"17\", but this program knows only format 1\n\
             help: set PIPELINE_CACHE_DIR to another folder, or delete this one (only time is lost)"
        )
    );
}

#[test]
fn a_folder_in_use_for_something_else_is_refused_and_not_touched() {
    let place = Place::new();
    fs::create_dir(place.root()).unwrap();
    fs::write(place.root().join("thesis.tex"), "x").unwrap();
    let error = Store::open(&place.root()).unwrap_err();
    assert!(
        matches!(&error, Error::NotAStore { found, .. } if found == "thesis.tex"),
        "{error}"
    );
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 1);
}

#[test]
fn an_empty_volume_becomes_a_store_and_one_killed_at_birth_too_c6() {
    for born in [&["lost+found"][..], &["lock"], &["lock", "version.new"]] {
        let place = Place::new();
        fs::create_dir(place.root()).unwrap();
        for name in born {
            fs::write(place.root().join(name), "").unwrap();
        }
        put_layer(&place.open(), "content");
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
