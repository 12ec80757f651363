//! What a place shall hold, given what it holds.

use super::*;

fn image() -> Image {
    Image {
        repository: "ghcr.io/acme/web".parse().unwrap(),
        digest: Digest::of("new"),
        tag: Some("prod-1f2e3d4".into()),
        commit: Some("1f2e3d4c5b6a79880f1e2d3c4b5a69788f0e1d2c".into()),
    }
}

#[test]
fn every_form_is_written_over_its_own_kind() {
    let image = image();
    let digest = image.digest;
    let old = format!("ghcr.io/acme/web:v1@{}", Digest::of("old"));
    for (form, before, after) in [
        (Form::Reference, &*old, format!("ghcr.io/acme/web@{digest}")),
        (
            Form::Reference,
            "ghcr.io/acme/web",
            format!("ghcr.io/acme/web@{digest}"),
        ),
        (Form::Reference, "", format!("ghcr.io/acme/web@{digest}")),
        (
            Form::TaggedReference,
            &*old,
            format!("ghcr.io/acme/web:prod-1f2e3d4@{digest}"),
        ),
        (
            Form::Digest,
            &*Digest::of("old").to_string(),
            digest.to_string(),
        ),
        (Form::Tag, "v1", "prod-1f2e3d4".into()),
        (Form::Commit, "abcdef0", image.commit.clone().unwrap()),
    ] {
        assert_eq!(
            write(form, &image, before),
            Ok(after),
            "{form} over {before:?}"
        );
    }
}

#[test]
fn the_spelling_of_the_repository_stays() {
    let mut image = image();
    image.repository = "docker.io/acme/web".parse().unwrap();
    for spelling in ["acme/web", "docker.io/acme/web", "index.docker.io/acme/web"] {
        let before = format!("{spelling}:v1");
        let after = format!("{spelling}@{}", image.digest);
        assert_eq!(write(Form::Reference, &image, &before), Ok(after));
    }
    image.repository = "localhost:5000/web".parse().unwrap();
    let after = format!("localhost:5000/web@{}", image.digest);
    assert_eq!(
        write(Form::Reference, &image, "localhost:5000/web"),
        Ok(after)
    );
}

#[test]
fn what_the_form_would_not_have_written_is_not_overwritten() {
    let image = image();
    for (form, before) in [
        (Form::Reference, "${APP_IMAGE:-ghcr.io/acme/web}"),
        (Form::Reference, "ghcr.io/acme/web-worker@sha256:00"),
        (Form::Reference, "ghcr.io/acme/web-worker:v1"),
        (Form::Reference, "postgres"),
        (Form::Reference, "not an image"),
        (Form::TaggedReference, "quay.io/acme/web:v1"),
        (Form::Digest, "v1"),
        (Form::Tag, "https://example.com"),
        (Form::Tag, "ghcr.io/acme/web:v1"),
        (Form::Commit, "main"),
    ] {
        assert!(
            write(form, &image, before).is_err(),
            "{form} over {before:?}"
        );
    }
}

#[test]
fn a_release_without_a_tag_fills_no_tag_and_hostile_parts_fill_nothing() {
    let bare = Image {
        tag: None,
        commit: None,
        ..image()
    };
    assert_eq!(
        write(Form::TaggedReference, &bare, ""),
        Err(Unsuitable::NoTag)
    );
    assert_eq!(write(Form::Tag, &bare, ""), Err(Unsuitable::NoTag));
    assert_eq!(write(Form::Commit, &bare, ""), Err(Unsuitable::NoCommit));
    for hostile in ["a\nb: c", "\"", "'", "a #b", "a\\b", ""] {
        let image = Image {
            tag: Some(hostile.into()),
            ..image()
        };
        assert_eq!(write(Form::Tag, &image, ""), Err(Unsuitable::Characters));
    }
}
