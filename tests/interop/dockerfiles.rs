//! The Dockerfiles under `tests/dockerfiles/` built by the program under test, by buildah and by BuildKit, on the same base images.
//!
//! Beside a Dockerfile may be `buildah.txt` and `buildkit.txt`: the lines in which the other's image is known to differ, and why. What
//! the image is to be is in `expected`, which is the suite `corpus`'s.

use std::sync::OnceLock;

use libtest_mimic::{Completion, Failed, Trial};
use test_support::base::Bases;
use test_support::case::Case;

use crate::build;
use crate::buildkit;
use crate::differences::{assert_known, lines};
use crate::work;

pub(crate) fn tests() -> Vec<Trial> {
    let cases = Case::all(&work::repository().join("tests/dockerfiles"));
    let with_buildkit = cases.clone().into_iter().map(|case| {
        let name = format!("dockerfiles::buildkit::{}", case.name);
        Trial::ignorable_test(name, move || with_buildkit(&case))
    });
    // buildah has no checks, and words of its own for what is wrong.
    let about_words = |case: &Case| {
        ["check-", "error-", "warn-"]
            .iter()
            .any(|kind| case.name.starts_with(kind))
    };
    let built = cases.into_iter().filter(|case| !about_words(case));
    let with_buildah = built.map(|case| {
        let name = format!("dockerfiles::buildah::{}", case.name);
        Trial::test(name, move || {
            with_buildah(&case);
            Ok(())
        })
    });
    with_buildah.chain(with_buildkit).collect()
}

fn bases() -> &'static Bases {
    static BASES: OnceLock<Bases> = OnceLock::new();
    BASES.get_or_init(|| Bases::write(&work::folder("bases")))
}

/// The base images in buildah's storage, by the names that the Dockerfiles call them by.
fn stored() -> &'static [(String, String)] {
    static STORED: OnceLock<Vec<(String, String)>> = OnceLock::new();
    STORED.get_or_init(|| {
        let layouts = bases().0.iter();
        let stored = layouts.map(|(name, layout)| (name.clone(), build::stored(name, layout)));
        stored.collect()
    })
}

#[track_caller]
fn with_buildah(case: &Case) {
    let (ours, staged) = build::ours(case, bases());
    let theirs = build::buildah(&staged, stored());
    let known = case.folder.join("buildah.txt");
    assert_known(&known, "as buildah", &lines(&ours, &theirs), &theirs);
}

fn with_buildkit(case: &Case) -> Result<Completion, Failed> {
    let buildkit = match buildkit::daemon() {
        Ok(buildkit) => buildkit,
        Err(reason) => return Ok(Completion::ignored_with(reason)),
    };
    let (ours, staged) = build::ours(case, bases());
    let theirs = buildkit.build(&staged, bases());
    let known = case.folder.join("buildkit.txt");
    assert_known(&known, "as BuildKit", &lines(&ours, &theirs), &theirs);
    Ok(Completion::Completed)
}
