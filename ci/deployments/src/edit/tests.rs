//! Exact edits: P3 of the list of attacks, and what holds for all formats.

mod env_and_json;
mod kustomize;
mod properties;
mod yaml_scalars;

use ci_oci::Digest;

use super::*;
use crate::{DocumentFilter, Place};

pub(super) const OLD: &str =
    "sha256:1111111111111111111111111111111111111111111111111111111111111111";
pub(super) const NEW: &str =
    "sha256:2222222222222222222222222222222222222222222222222222222222222222";

pub(super) fn image() -> Image {
    Image {
        repository: "ghcr.io/acme/web".parse().unwrap(),
        digest: NEW.parse().unwrap(),
        tag: Some("prod-2".into()),
        commit: Some("2222222222222222222222222222222222222222".into()),
    }
}

/// `OLD`, `NEW` and `\n` as short as they can be.
pub(super) fn short(text: &str) -> String {
    text.replace(OLD, "OLD").replace(NEW, "NEW")
}

/// The file after the edit, or the refusal; digests are written OLD and NEW.
pub(super) fn outcome(file: &str, place: &Place) -> String {
    let file = file.replace("OLD", OLD).replace("NEW", NEW);
    match edit(file.as_bytes(), place, &image()) {
        Ok(bytes) => {
            let again = edit(&bytes, place, &image()).unwrap();
            assert_eq!(again, bytes, "an edit that was made is made again");
            let current = read(&bytes, place, &image().repository).unwrap().unwrap();
            if let Some(digest) = current.digest {
                assert_eq!(digest, NEW.parse::<Digest>().unwrap());
            }
            short(&String::from_utf8(bytes).unwrap())
        }
        Err(refusal) => short(&format!("{:?}: {refusal}", refusal.kind)),
    }
}

pub(super) fn scalar(path: &str) -> Place {
    Place::Yaml {
        path: path.parse().unwrap(),
        document: DocumentFilter::default(),
        shared: false,
        form: Form::Reference,
    }
}

#[test]
fn files_that_are_no_text_are_refused() {
    let place = scalar("a");
    for content in [&b"a: \xff"[..], b"a: x\0", b"a: [", b"a: b: c"] {
        let refusal = edit(content, &place, &image()).unwrap_err();
        assert_eq!(
            refusal.kind,
            RefusalKind::Unreadable,
            "{content:?} {refusal}"
        );
    }
    let large = vec![b' '; MAX_FILE_BYTES + 1];
    let refusal = edit(&large, &place, &image()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unreadable);
}

#[test]
fn refusals_show_hostile_lines_without_their_commands() {
    let file = "a: *x\u{1b}[2J\u{202e}\n";
    let refusal = edit(file.as_bytes(), &scalar("a"), &image()).unwrap_err();
    assert!(!refusal.to_string().contains(['\u{1b}', '\u{202e}']));
}
