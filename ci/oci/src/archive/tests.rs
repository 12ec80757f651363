//! Archives out of a layout and into another.

use std::io::{self, Read};
use std::path::Path;

use super::write::put;
use super::*;
use crate::layout::tests::put_image;
use crate::tar::{self, Entry, Kind};
use crate::{Digest, Layout, Platform};

fn sample(order: [&str; 2]) -> (tempfile::TempDir, Layout) {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    for name in order {
        let image = put_image(&layout, "amd64", name);
        layout.set_image(name, image).unwrap();
    }
    (dir, layout)
}

fn written(layout: &Layout, names: &[&str]) -> Vec<u8> {
    let mut archive = Vec::new();
    write(layout, names, &mut archive).unwrap();
    archive
}

fn read_into_new(archive: &[u8]) -> Result<(tempfile::TempDir, Layout, Vec<Option<String>>)> {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    let names = read(&mut &*archive, &layout)?;
    Ok((dir, layout, names))
}

/// The archive's files, read by the `tar` crate.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ::tar::Archive::new(archive);
    let entry = |entry: io::Result<::tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().display().to_string(), content)
    };
    archive.entries().unwrap().map(entry).collect()
}

/// An archive of these files.
fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, content) in entries {
        put(
            &mut out,
            path,
            content.len() as u64,
            &mut content.as_slice(),
        )
        .unwrap();
    }
    out.extend_from_slice(&tar::END);
    out
}

#[test]
fn the_bytes_depend_on_the_images_alone() {
    let (one, two) = (sample(["a", "b"]), sample(["b", "a"]));
    two.1.put_bytes("text/plain", b"of no image").unwrap();
    assert_eq!(written(&one.1, &[]), written(&two.1, &[]));
    let names: Vec<_> = entries(&written(&one.1, &["a"]))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.len(), 4 + 3);
    assert_eq!(
        names[..4],
        ["oci-layout", "index.json", "blobs/", "blobs/sha256/"]
    );
    let error = write(&one.1, &["c"], &mut Vec::new()).unwrap_err();
    insta::assert_snapshot!(error, @r#"there is no image "c"; there are: a, b"#);
}

#[test]
fn what_was_written_is_read() {
    let (_dir, layout) = sample(["a", "b"]);
    let archive = written(&layout, &[]);
    let (_dir, read, names) = read_into_new(&archive).unwrap();
    assert_eq!(names, [Some("a".to_owned()), Some("b".to_owned())]);
    assert_eq!(written(&read, &[]), archive);
    read.resolve(Some("b"), &Platform::new("linux", "amd64", None))
        .unwrap();
}

#[test]
fn the_order_and_foreign_files_do_not_matter() {
    let (_dir, layout) = sample(["a", "b"]);
    let mut files = entries(&written(&layout, &[]));
    files.reverse();
    files
        .iter_mut()
        .for_each(|(name, _)| name.insert_str(0, "./"));
    files.push(("manifest.json".to_owned(), b"[]".to_vec()));
    files.push(("../../outside".to_owned(), b"x".to_vec()));
    let (dir, read, _) = read_into_new(&archive(&files)).unwrap();
    assert_eq!(read.images().unwrap(), layout.images().unwrap());
    assert!(
        !dir.path().join("manifest.json").exists() && !dir.path().join("../../outside").exists()
    );
}

#[test]
fn l13_a_blob_that_is_not_what_its_name_says_is_refused() {
    let (_dir, layout) = sample(["a", "b"]);
    for at in 4..10 {
        let mut files = entries(&written(&layout, &[]));
        files[at].1[0] ^= 1;
        assert!(matches!(
            read_into_new(&archive(&files)),
            Err(LayoutError::Damaged { .. })
        ));
        let mut files = entries(&written(&layout, &[]));
        let missing = files.remove(at);
        assert!(
            matches!(
                read_into_new(&archive(&files)),
                Err(LayoutError::Missing(_))
            ),
            "{missing:?}"
        );
    }
    // Only what ends it may be missing.
    let whole = written(&layout, &[]);
    for length in (0..whole.len()).step_by(97) {
        match read_into_new(&whole[..length]) {
            Err(
                LayoutError::Archive(_) | LayoutError::Missing(_) | LayoutError::NotAnArchive(_),
            ) => {}
            Err(error) => panic!("{length}: {error}"),
            Ok(_) => assert!(whole[length..].iter().all(|byte| *byte == 0), "{length}"),
        }
    }
}

#[test]
fn l15_names_of_blobs_are_digests_and_no_paths() {
    let (_dir, layout) = sample(["a", "b"]);
    for name in [
        "blobs/sha256/../../../outside",
        "blobs/sha256/ABC",
        "blobs/sha256/x/y",
    ] {
        let mut files = entries(&written(&layout, &[]));
        files.push((name.to_owned(), b"x".to_vec()));
        let error = read_into_new(&archive(&files)).unwrap_err().to_string();
        assert!(error.ends_with("is no blob"), "{error}");
    }
}

#[test]
fn links_in_an_archive_are_refused_where_files_belong() {
    for name in [
        "index.json",
        "oci-layout",
        &format!("blobs/sha256/{}", Digest::of("x").hex()),
    ] {
        let mut out = Vec::new();
        tar::put_header(
            &mut out,
            &Entry {
                path: name.into(),
                link: b"/etc/passwd".into(),
                ..Entry::new(Kind::SymbolicLink)
            },
        );
        out.extend_from_slice(&tar::END);
        assert!(
            matches!(read_into_new(&out), Err(LayoutError::NotAnArchive(_))),
            "{name}"
        );
    }
}

#[test]
fn another_kind_of_archive_is_explained() {
    let message = |files: &[(&str, &str)]| {
        let files: Vec<_> = files
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()))
            .collect();
        read_into_new(&archive(&files)).unwrap_err().to_string()
    };
    let marker = ("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    insta::assert_snapshot!(message(&[("manifest.json", "[]")]), @"this is not an archive of an OCI image layout: it has no `oci-layout`");
    insta::assert_snapshot!(message(&[marker, marker]), @"this is not an archive of an OCI image layout: `oci-layout` is there twice, is no file or is too large");
    insta::assert_snapshot!(message(&[marker]), @"this is not an archive of an OCI image layout: it has no `index.json`");
    insta::assert_snapshot!(message(&[marker, ("index.json", "{}")]), @"index.json: it is not an image manifest or index: missing field `schemaVersion` at line 1 column 2");
}

#[test]
fn no_images_appear_after_an_error() {
    let (_dir, layout) = sample(["a", "b"]);
    let mut files = entries(&written(&layout, &[]));
    files.pop();
    let dir = tempfile::tempdir().unwrap();
    let target = Layout::create(dir.path()).unwrap();
    read(&mut archive(&files).as_slice(), &target).unwrap_err();
    assert_eq!(target.images().unwrap(), []);
    assert!(Path::new(dir.path()).join("index.json").exists());
}

#[test]
fn blobs_from_anywhere_make_the_same_archive() {
    let (_dir, layout) = sample(["a", "b"]);
    let images: Vec<_> = layout
        .images()
        .unwrap()
        .into_iter()
        .map(|(_, image)| image)
        .rev()
        .collect();
    let blobs = layout.reachable(&images).unwrap();
    let contents: Vec<_> = blobs
        .iter()
        .map(|blob| layout.read_blob(blob).unwrap())
        .collect();
    let mut archive = Vec::new();
    let blobs = blobs
        .into_iter()
        .zip(&contents)
        .map(|(blob, content)| (blob, Content::Bytes(content)));
    write_blobs(
        images.clone(),
        blobs.clone().chain(blobs.clone()),
        &mut archive,
    )
    .unwrap();
    assert_eq!(archive, written(&layout, &[]));

    let changed = blobs.map(|(blob, _)| (blob, Content::Bytes(b"changed")));
    let error = write_blobs(images, changed, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, LayoutError::Write(_)), "{error}");
}
