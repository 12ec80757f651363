//! Tests of `location`: what it promises.

use std::env;

use super::*;
use crate::Store;
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
