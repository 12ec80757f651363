//! Lock files read, written, compared and refused.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn digest(character: char) -> String {
    format!("sha256:{}", character.to_string().repeat(64))
}

fn lock(images: &[(&str, char)]) -> Lock {
    let mut lock = Lock::default();
    for (reference, character) in images {
        lock.insert(*reference, digest(*character)).unwrap();
    }
    lock
}

fn report(text: &str) -> String {
    Lock::parse(text).unwrap_err().to_string()
}

const DEBIAN: &str = "docker.io/library/debian:12-slim";
const NODE: &str = "docker.io/library/node:24-alpine";

#[test]
fn it_is_written_sorted_and_says_what_it_is() {
    assert_snapshot!(lock(&[(NODE, 'b'), (DEBIAN, 'a')]), @r#"
    # The digest of every base image of this repository's services, so that the same commit is built from the same images.
    # Written by `pipeline lock`, which also brings it up to date. Commit it; do not edit it.

    version = 1

    [[image]]
    reference = "docker.io/library/debian:12-slim"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

    [[image]]
    reference = "docker.io/library/node:24-alpine"
    digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    "#);
    assert_eq!(
        lock(&[(NODE, 'b'), (DEBIAN, 'a')]).to_string(),
        lock(&[(DEBIAN, 'a'), (NODE, 'b')]).to_string()
    );
}

#[test]
fn an_empty_one_is_a_lock_file_too() {
    let empty = Lock::default();
    assert_eq!(Lock::parse(&empty.to_string()), Ok(empty));
}

#[test]
fn images_are_looked_up_by_canonical_reference() {
    let lock = lock(&[(DEBIAN, 'a')]);
    assert_eq!(lock.digest(DEBIAN), Some(digest('a').as_str()));
    assert_eq!(lock.digest("debian:12-slim"), None);
}

#[test]
fn the_digest_an_image_had_is_told_when_it_is_replaced() {
    let mut lock = lock(&[(DEBIAN, 'a')]);
    assert_eq!(lock.insert(DEBIAN, digest('b')), Ok(Some(digest('a'))));
    assert_eq!(lock.digest(DEBIAN), Some(digest('b').as_str()));
}

#[test]
fn what_differs_is_told_image_by_image() {
    let before = lock(&[(DEBIAN, 'a'), (NODE, 'b'), ("ghcr.io/o/same:1", 'c')]);
    let after = lock(&[
        (NODE, 'd'),
        ("ghcr.io/o/new:1", 'e'),
        ("ghcr.io/o/same:1", 'c'),
    ]);
    let lines: Vec<String> = before
        .changes(&after)
        .iter()
        .map(LockChange::to_string)
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    docker.io/library/debian:12-slim removed: sha256:aaaaaaaaaaaa
    docker.io/library/node:24-alpine moved: sha256:bbbbbbbbbbbb -> sha256:dddddddddddd
    ghcr.io/o/new:1 added: sha256:eeeeeeeeeeee
    ");
    assert_eq!(before.changes(&before), []);
}

#[test]
fn drift_is_what_is_missing_and_what_is_left_over() {
    let lock = lock(&[(DEBIAN, 'a'), (NODE, 'b')]);
    let pinned = format!("docker.io/library/alpine:3@{}", digest('f'));
    let drift = lock.drift([NODE, "docker.io/library/alpine:3.20", &pinned, NODE]);
    assert_snapshot!(drift, @r"
    pipeline.lock is not that of this catalog:
      docker.io/library/alpine:3.20 is used, but not locked
      docker.io/library/debian:12-slim is locked, but not used
    ");
    assert!(!drift.is_none());
    let none = lock.drift([DEBIAN, NODE]);
    assert!(none.is_none());
    assert_snapshot!(none, @"pipeline.lock is up to date");
}

#[test]
fn an_unknown_version_is_the_only_error() {
    assert_snapshot!(report("version = 2\n[[images]]\nname = 1\n"), @r"
    error: version 2 of the lock file is not known
     --> pipeline.lock:1:11
      |
    1 | version = 2
      |           ^
      = help: another release of `pipeline` wrote it: use that one, or write it anew with `pipeline lock`

    the lock file has 1 error
    ");
    assert_snapshot!(report("[[image]]\n"), @r"
    error: the key `version` is missing
     --> pipeline.lock:1:1
      |
    1 | [[image]]
      | ^
      = help: `version`: The version of the file's form.

    error: the key `reference` is missing in `[image]`
     --> pipeline.lock:1:1
      |
    1 | [[image]]
      | ^^^^^^^^^
      = help: `reference`: Registry, repository and tag.

    error: the key `digest` is missing in `[image]`
     --> pipeline.lock:1:1
      |
    1 | [[image]]
      | ^^^^^^^^^
      = help: `digest`: The digest of its index or manifest.

    the lock file has 3 errors
    ");
}

#[test]
fn images_must_be_canonical_and_once_in_it() {
    let image = |reference: &str, digest: &str| {
        format!("[[image]]\nreference = \"{reference}\"\ndigest = \"{digest}\"\n")
    };
    let text = [
        "version = 1\n".to_owned(),
        image("debian:12", &digest('a')),
        image(DEBIAN, &digest('a')[..60]),
        image(DEBIAN, &digest('a')),
    ];
    assert_snapshot!(report(&text.concat()), @r#"
    error: `debian:12` is not a canonical reference: it must begin with a host and a `/`
     --> pipeline.lock:3:13
      |
    3 | reference = "debian:12"
      |             ^^^^^^^^^^^

    error: `sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits
     --> pipeline.lock:7:10
      |
    7 | digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: `docker.io/library/debian:12-slim` is locked twice
     --> pipeline.lock:9:13
      |
    9 | reference = "docker.io/library/debian:12-slim"
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
     ::: pipeline.lock:6:13
      |
    6 | reference = "docker.io/library/debian:12-slim"
      |             ---------------------------------- the first is here
      = help: after a merge, write the file anew with `pipeline lock`

    the lock file has 3 errors
    "#);
}

#[test]
fn the_marks_of_a_merge_are_an_error_with_a_place() {
    let mut text = lock(&[(DEBIAN, 'a')]).to_string();
    text.insert_str(text.find("digest =").unwrap(), "<<<<<<< HEAD\n");
    assert_snapshot!(report(&text), @r"
    error: invalid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
     --> pipeline.lock:8:1
      |
    8 | <<<<<<< HEAD
      | ^^^^^^^

    the lock file has 1 error
    ");
}

#[test]
fn references_have_one_form() {
    let mut lock = Lock::default();
    for reference in [
        "",
        "debian",
        "debian:12",
        "docker.io/debian:12",
        "docker.io/library/debian",
        "docker.io/library/Debian:12",
        "Docker.io/library/debian:12",
        "index.docker.io/library/debian:12",
        "docker.io/library/debian:12@sha256:0",
        "docker.io/library/debian:-1",
        "docker.io/library/debian:1\"\n",
        "docker.io/library/../debian:1",
        "host:05000/x:1",
    ] {
        assert!(lock.insert(reference, digest('a')).is_err(), "{reference}");
    }
    for reference in [
        "localhost/x:1",
        "host:5000/x:1",
        "[::1]:5000/a/b:1",
        "ghcr.io/a/b/c:_1.x",
    ] {
        assert!(lock.insert(reference, digest('a')).is_ok(), "{reference}");
    }
}

/// L15
#[test]
fn digests_are_never_paths() {
    let mut lock = Lock::default();
    for wrong in [
        "",
        "sha256:",
        "sha256:../../etc/passwd",
        "sha512:00",
        &digest('A'),
        &digest('g'),
    ] {
        assert_eq!(
            lock.insert(DEBIAN, wrong),
            Err(InvalidLock::Digest(wrong.to_owned()))
        );
    }
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(
        images in prop::collection::btree_map("[a-z]{1,4}(/[a-z0-9]{1,3}){0,2}:[A-Za-z0-9_][a-z0-9._-]{0,5}", "[0-9a-f]{64}", 0..8),
    ) {
        let mut lock = Lock::default();
        for (reference, hex) in images {
            lock.insert(format!("ghcr.io/{reference}"), format!("sha256:{hex}")).unwrap();
        }
        prop_assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), lines in prop::collection::vec(
        prop::sample::select(vec!["version = 1\n", "version = 3\n", "[[image]]\n", "reference = \"a.b/c:1\"\n", "digest = \"x\"\n", "digest = 1\n", "image = 1\n", "="]), 0..8,
    )) {
        let _ = Lock::parse(&text);
        let _ = Lock::parse(&lines.concat());
    }
}
