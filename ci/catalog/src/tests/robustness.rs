//! Whatever the bytes, there is a catalog or there are errors, never a panic (E11 for these files).

use std::path::Path;

use proptest::prelude::*;

use super::{DOCKERFILE_SERVICE, PIPELINE, files};
use crate::{Catalog, fuzz};

/// Pieces that make texts which get far.
const PIECES: &[&str] = &[
    "\n",
    " ",
    "=",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    ",",
    ".",
    "#",
    "0",
    "-1",
    "1.5",
    "true",
    "inf",
    "é",
    "\u{feff}",
    "\r\n",
    "\\u0000",
    "\\",
    "1979-05-27",
    "[project]",
    "name",
    "registry",
    "repository",
    "services",
    "\"services/*\"",
    "[environments.x]",
    "tags",
    "moving-tags",
    "[\"latest\"]",
    "[\"{sha}\"]",
    "{version}",
    "[registries.\"docker.io\"]",
    "mirrors",
    "plain-http",
    "ca",
    "login-server",
    "[limits]",
    "memory",
    "\"4GiB\"",
    "pids",
    "\"{sha}\"",
    "{service}",
    "builder",
    "\"dockerfile\"",
    "\"cargo\"",
    "platforms",
    "[\"linux/amd64\"]",
    "coupled-with",
    "[dockerfile]",
    "[dockerfile.contexts]",
    "\"service:web\"",
    "\"dir:..\"",
    "\"../../..\"",
    "[[checks]]",
    "command",
    "[contract]",
    "kind",
    "\"http\"",
    "port",
    "\"10s\"",
    "start-timeout",
    "[image]",
    "env",
    "TOKEN",
    "args",
    "secrets",
];

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// One file with some of its characters replaced.
fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4).prop_map(
        move |changes| {
            let mut bytes = text.as_bytes().to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

/// Loads, and renders what there is to render: that must not panic either.
fn exercise(pipeline: &[u8], service: &[u8]) {
    let files = files(&[("web", DOCKERFILE_SERVICE)])
        .with("pipeline.toml", pipeline)
        .with("services/web/service.toml", service);
    match Catalog::from_files(Path::new(""), &files) {
        Ok(catalog) => {
            let all: Vec<_> = catalog.services().collect();
            assert_eq!(catalog.build_order(&all).len(), all.len());
        }
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            assert_ne!(errors, crate::CatalogErrors::unexplained());
            let text = errors.to_string();
            assert!(
                !text.chars().any(|c| c.is_control() && c != '\n'),
                "{text:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_give_errors_not_panics(pipeline in any::<Vec<u8>>(), service in any::<Vec<u8>>()) {
        exercise(&pipeline, &service);
    }

    #[test]
    fn texts_of_known_pieces_give_errors_not_panics(pipeline in any_text(), service in any_text()) {
        exercise(pipeline.as_bytes(), service.as_bytes());
        exercise(PIPELINE.as_bytes(), service.as_bytes());
        exercise(PIPELINE.as_bytes(), format!("{DOCKERFILE_SERVICE}{service}").as_bytes());
    }

    #[test]
    fn mutations_give_errors_not_panics(pipeline in mutated(PIPELINE), service in mutated(super::loading::EVERYTHING)) {
        exercise(&pipeline, PIPELINE.as_bytes());
        exercise(PIPELINE.as_bytes(), &service);
    }

    #[test]
    fn the_fuzz_entry_takes_anything(data in any::<Vec<u8>>()) {
        fuzz(&data);
    }
}

#[test]
fn depth_and_length_are_limited() {
    exercise(format!("a = {}", "[".repeat(100_000)).as_bytes(), b"");
    exercise(PIPELINE.as_bytes(), "a.".repeat(100_000).as_bytes());
    exercise(
        PIPELINE.as_bytes(),
        &vec![b'#'; (crate::MAX_FILE_BYTES + 1) as usize],
    );
}

#[test]
fn files_full_of_errors_take_little_time() {
    let mut text = String::from("builder = \"dockerfile\"\n");
    for n in 0..20_000 {
        text.push_str(&format!("platforn{n} = 1\n"));
    }
    exercise(PIPELINE.as_bytes(), text.as_bytes());
    let list = "\"wbe\",".repeat(50_000);
    exercise(
        PIPELINE.as_bytes(),
        format!("builder = \"dockerfile\"\ncoupled-with = [{list}]\n").as_bytes(),
    );
}
