//! The Dockerfiles under `dockerfiles/`, one for each feature, built by the program under test and by buildah on one base.
//!
//! Each folder is a service as the catalog knows it. Beside it may be `differences.txt`, the lines in which buildah's image is known
//! to differ and why, and `expected.txt`, what must come out where buildah does not know the feature.
//!
//! With `INTEROP_BUILDKIT` in the environment BuildKit takes buildah's place, by way of the machine's docker. Then the known
//! differences, to the BuildKit of Docker 20.10, are in `buildkit.txt`.

use std::fs;
use std::path::Path;
use std::sync::Once;

use libtest_mimic::Trial;

use crate::bases::{self, Maker};
use crate::build::{self, Built};
use crate::image::Image;
use crate::tools;
use crate::tree;
use crate::work;

/// What every Dockerfile stands on.
const BASE: Maker = Maker::Buildah;

pub(crate) fn tests() -> Vec<Trial> {
    let folder = work::repository().join("tests/interop/dockerfiles");
    let mut folders: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let test = |folder: std::path::PathBuf| {
        let name = format!("dockerfiles::{}", folder.file_name().unwrap().display());
        Trial::test(name, move || {
            compare(&folder);
            Ok(())
        })
    };
    folders.into_iter().map(test).collect()
}

/// The base image in buildah's storage, under the name that the Dockerfiles call it by.
fn base() -> &'static str {
    const NAME: &str = "localhost/base";
    static STORED: Once = Once::new();
    STORED.call_once(|| tools::store(&format!("oci:{}", bases::layout(BASE).display()), NAME));
    NAME
}

#[track_caller]
fn compare(folder: &Path) {
    let (ours, service) = build::ours(folder, &bases::layout(BASE));
    let expected = folder.join("expected.txt");
    if expected.exists() {
        assert_lines(&expected, "what was expected", &additions(&ours));
    } else if build::by_buildkit() {
        let theirs = build::buildkits(&service, &bases::layout(BASE));
        let known = folder.join("buildkit.txt");
        assert_lines(&known, "as BuildKit", &ours.difference(theirs));
    } else {
        let theirs = build::buildahs(&service, base());
        let known = folder.join("differences.txt");
        assert_lines(&known, "as buildah", &ours.difference(theirs));
    }
}

/// What an image has beyond its base.
fn additions(ours: &Built) -> Vec<String> {
    let base = Image::open(&bases::layout(BASE), Some("base")).tree();
    tree::difference(&base, &ours.tree)
}

/// A file of the folder has these lines, and perhaps comments; a missing file is an empty one.
#[track_caller]
fn assert_lines(file: &Path, what: &str, lines: &[String]) {
    let text = fs::read_to_string(file).unwrap_or_default();
    let known: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(
        known == lines,
        "not {what}. {} is to hold, if this is right:\n{}",
        file.file_name().unwrap().display(),
        lines.join("\n")
    );
}
