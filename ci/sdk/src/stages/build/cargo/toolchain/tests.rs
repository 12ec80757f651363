//! Tests against the toolchain that runs them.

use super::*;

#[test]
fn the_toolchain_is_asked_for_once_and_again_when_something_changed() {
    let cache = tempfile::tempdir().unwrap();
    let environment = Environment::of_process();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let asked = Toolchain::find(folder, cache.path(), &environment).unwrap();
    assert!(asked.version.starts_with("rustc "));
    assert!(asked.version.contains("\ncargo "));
    assert!(asked.has_target(&asked.host));
    assert!(!asked.has_target("pdp11-unknown-unix"));

    let memory = std::fs::read_dir(cache.path()).unwrap().next().unwrap();
    let memory = memory.unwrap().path();
    let mut known: Remembered = files::read_json(&memory).unwrap();
    known.toolchain.version = "remembered".into();
    files::write_json(&memory, &known).unwrap();
    let again = Toolchain::find(folder, cache.path(), &environment).unwrap();
    assert_eq!(again.version, "remembered");

    known.witnesses.push(Witness {
        path: memory.clone(),
        seen: Some((0, 0)),
    });
    files::write_json(&memory, &known).unwrap();
    let anew = Toolchain::find(folder, cache.path(), &environment).unwrap();
    assert_eq!(anew, asked);
}

#[test]
fn a_folder_that_chooses_its_toolchain_is_not_overruled() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    assert_eq!(toolchain_file(&below), None);
    let file = folder.path().join("rust-toolchain.toml");
    std::fs::write(&file, "[toolchain]\nchannel = \"1.95\"\n").unwrap();
    assert_eq!(toolchain_file(&below), Some(file));
    assert_eq!(chosen(&below), None);
}
