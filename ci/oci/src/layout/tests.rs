//! Layouts that are whole, damaged, hostile, and used by several at once.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::manifest::SelectError;
use crate::manifest::media_type::{OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST};
use crate::{Descriptor, ImageConfig, Platform, assembly};

fn layout() -> (TempDir, Layout) {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    (dir, layout)
}

fn amd64() -> Platform {
    Platform::new("linux", "amd64", None)
}

/// Puts an image with one layer and returns its descriptor.
pub(crate) fn put_image(layout: &Layout, architecture: &str, content: &str) -> Descriptor {
    let layer = layout
        .put_bytes(OCI_LAYER_GZIP, content.as_bytes())
        .unwrap();
    let config = ImageConfig::new(&Platform::new("linux", architecture, None));
    let image = assembly::assemble(
        &config,
        &[(layer, Digest::of(content))],
        &Default::default(),
    )
    .unwrap();
    layout.put_bytes(OCI_CONFIG, &image.config).unwrap();
    layout.put_bytes(OCI_MANIFEST, &image.manifest).unwrap();
    image.descriptor
}

fn put_index(layout: &Layout, images: &[Descriptor]) -> Descriptor {
    let content = serde_json::to_vec(&Index::of(images.to_vec())).unwrap();
    layout.put_bytes(OCI_INDEX, &content).unwrap()
}

fn files(dir: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

#[test]
fn a_new_layout_has_what_the_specification_asks_for_and_nothing_else() {
    let (dir, layout) = layout();
    assert_eq!(files(dir.path()), ["blobs", "index.json", "oci-layout"]);
    let index = fs::read_to_string(dir.path().join("index.json")).unwrap();
    insta::assert_snapshot!(index, @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#);
    put_image(&layout, "amd64", "x");
    assert_eq!(files(dir.path()), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(
        fs::metadata(layout.blob_path(&Digest::of("x")))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o644
    );
    Layout::open(dir.path()).unwrap();
    Layout::create(dir.path()).unwrap();
}

#[test]
fn what_is_no_layout_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().display().to_string();
    let message = |result: Result<Layout>| result.unwrap_err().to_string().replace(&at, "DIR");
    insta::assert_snapshot!(message(Layout::open(dir.path())), @"DIR is not an OCI image layout: it has no file `oci-layout`");
    fs::write(dir.path().join("mine"), "").unwrap();
    insta::assert_snapshot!(message(Layout::create(dir.path())), @"DIR is not an OCI image layout: it holds other files");
    fs::write(
        dir.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"2.0.0"}"#,
    )
    .unwrap();
    insta::assert_snapshot!(message(Layout::open(dir.path())), @r#"DIR is not an OCI image layout: its version is "2.0.0"; only "1.0.0" is known"#);
    fs::write(dir.path().join("oci-layout"), "{").unwrap();
    assert!(message(Layout::open(dir.path())).contains("cannot be read"));
}

#[test]
fn creation_that_was_interrupted_is_completed() {
    let (dir, _) = layout();
    fs::remove_file(dir.path().join("oci-layout")).unwrap();
    fs::write(dir.path().join(".tmp-abc"), "half").unwrap();
    Layout::create(dir.path()).unwrap();
    Layout::open(dir.path()).unwrap();
}

#[test]
fn blobs_are_put_under_their_digest_and_read_back() {
    let (dir, layout) = layout();
    let blob = layout
        .put_stream("text/plain", &mut b"content".as_slice())
        .unwrap();
    assert_eq!(blob, Descriptor::of("text/plain", b"content"));
    assert!(layout.has(&blob.digest).unwrap());
    assert_eq!(layout.read_blob(&blob).unwrap(), b"content");
    assert_eq!(
        std::io::read_to_string(layout.open_blob(&blob).unwrap()).unwrap(),
        "content"
    );
    let other = dir.path().join("other");
    fs::write(&other, "linked").unwrap();
    layout
        .put_file(&Descriptor::of("text/plain", b"linked"), &other)
        .unwrap();
    assert_eq!(
        fs::metadata(layout.blob_path(&Digest::of("linked")))
            .unwrap()
            .ino(),
        fs::metadata(&other).unwrap().ino()
    );
    assert!(matches!(
        layout.put_file(&Descriptor::of("text/plain", b"longer than that"), &other),
        Err(LayoutError::Damaged { .. })
    ));
}

#[test]
fn l13_what_is_not_what_was_announced_is_not_stored() {
    let (_dir, layout) = layout();
    let expected = Descriptor::of("text/plain", b"content");
    for content in ["", "conten", "content and more", "CONTENT"] {
        let error = layout
            .put_verified(&expected, &mut content.as_bytes())
            .unwrap_err();
        assert!(matches!(error, LayoutError::Damaged { .. }), "{error}");
    }
    assert!(!layout.has(&expected.digest).unwrap());
    assert_eq!(files(layout.path()), ["blobs", "index.json", "oci-layout"]);
    layout
        .put_verified(&expected, &mut b"content".as_slice())
        .unwrap();
}

#[test]
fn l13_a_blob_that_was_changed_is_noticed_when_it_is_read() {
    let (_dir, layout) = layout();
    let blob = layout.put_bytes("text/plain", b"content").unwrap();
    for damage in ["", "conten", "content and more", "CONTENT"] {
        fs::write(layout.blob_path(&blob.digest), damage).unwrap();
        assert!(
            matches!(layout.read_blob(&blob), Err(LayoutError::Damaged { .. })),
            "{damage}"
        );
        let error = std::io::read_to_string(layout.open_blob(&blob).unwrap()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{damage}");
    }
    fs::remove_file(layout.blob_path(&blob.digest)).unwrap();
    assert!(matches!(
        layout.read_blob(&blob),
        Err(LayoutError::Missing(_))
    ));
    let large = Descriptor::new("text/plain", blob.digest, u64::MAX);
    assert!(matches!(
        layout.read_blob(&large),
        Err(LayoutError::TooLarge(_))
    ));
}

#[test]
fn links_and_pipes_in_a_layout_are_not_read() {
    let (dir, layout) = layout();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("blob"), "content").unwrap();
    let blob = Descriptor::of("text/plain", b"content");
    symlink(outside.path().join("blob"), layout.blob_path(&blob.digest)).unwrap();
    assert!(!layout.has(&blob.digest).unwrap());
    assert!(
        layout
            .read_blob(&blob)
            .unwrap_err()
            .to_string()
            .ends_with("symbolic links in a layout are not followed")
    );
    fs::remove_file(layout.blob_path(&blob.digest)).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        layout.blob_path(&blob.digest),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    assert!(
        layout
            .read_blob(&blob)
            .unwrap_err()
            .to_string()
            .ends_with("it is not a regular file")
    );
    fs::remove_file(dir.path().join("index.json")).unwrap();
    symlink("/etc/passwd", dir.path().join("index.json")).unwrap();
    assert!(layout.images().is_err());
}

#[test]
fn images_are_named_and_renamed() {
    let (dir, layout) = layout();
    let (one, two) = (
        put_image(&layout, "amd64", "1"),
        put_image(&layout, "amd64", "2"),
    );
    layout.set_image("b", one.clone()).unwrap();
    layout.set_image("a", one.clone()).unwrap();
    layout.set_image("b", two.clone()).unwrap();
    let images = layout.images().unwrap();
    assert_eq!(
        images,
        [
            (Some("a".to_owned()), one.clone().named("a")),
            (Some("b".to_owned()), two.clone().named("b"))
        ]
    );
    // An image that comes with a name of its own gets the new one.
    layout.set_image("c", one.named("other")).unwrap();
    assert!(layout.remove_image("a").unwrap());
    assert!(!layout.remove_image("a").unwrap());
    assert_eq!(
        layout
            .images()
            .unwrap()
            .into_iter()
            .map(|(name, _)| name.unwrap())
            .collect::<Vec<_>>(),
        ["b", "c"]
    );
    let unknown = Descriptor::of(OCI_MANIFEST, b"unknown");
    assert!(matches!(
        layout.set_image("d", unknown),
        Err(LayoutError::Missing(_))
    ));
    assert_eq!(files(dir.path()), ["blobs", "index.json", "oci-layout"]);
}

#[test]
fn an_image_is_found_by_name_and_platform() {
    let (_dir, layout) = layout();
    let [one, arm] =
        ["amd64", "arm64"].map(|architecture| put_image(&layout, architecture, architecture));
    let index = put_index(&layout, &[arm.clone(), one.clone()]);
    layout.set_image("multi", index).unwrap();
    let found = layout.resolve(None, &amd64()).unwrap();
    assert_eq!(
        (found.descriptor.digest, found.config.architecture.as_str()),
        (one.digest, "amd64")
    );
    assert_eq!(
        layout
            .resolve(Some("multi"), &Platform::new("linux", "aarch64", None))
            .unwrap()
            .descriptor
            .digest,
        arm.digest
    );

    let message = |result: Result<Resolved>| result.unwrap_err().to_string();
    insta::assert_snapshot!(message(layout.resolve(Some("multi"), &Platform::new("linux", "s390x", None))), @"there is no image for linux/s390x; there are: linux/amd64, linux/arm64");
    insta::assert_snapshot!(message(layout.resolve(Some("mutli"), &amd64())), @r#"there is no image "mutli"; there are: multi"#);
    layout.set_image("single", arm.clone()).unwrap();
    insta::assert_snapshot!(message(layout.resolve(None, &amd64())), @"there are several images: name one; there are: multi, single");
    // The descriptor may keep the platform to itself; the config tells.
    layout
        .set_image(
            "single",
            Descriptor {
                platform: None,
                ..arm
            },
        )
        .unwrap();
    insta::assert_snapshot!(message(layout.resolve(Some("single"), &amd64())), @"there is no image for linux/amd64; there are: linux/arm64");
}

#[test]
fn l13_layers_and_diff_ids_must_agree() {
    let (_dir, layout) = layout();
    let config = layout
        .put_bytes(
            OCI_CONFIG,
            br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#,
        )
        .unwrap();
    let layer = layout.put_bytes(OCI_LAYER_GZIP, b"x").unwrap();
    let put = |config: &Descriptor, layers: &[Descriptor]| {
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string();
        layout.put_bytes(OCI_MANIFEST, manifest.as_bytes()).unwrap()
    };
    let message = |image: Descriptor| match layout.resolve_descriptor(&image, &amd64()) {
        Err(LayoutError::Select(SelectError::NotAnImage { why, .. })) => why,
        other => panic!("{other:?}"),
    };
    insta::assert_snapshot!(message(put(&config, std::slice::from_ref(&layer))), @"it has 1 layers, but its config tells of 0");
    insta::assert_snapshot!(message(put(&layer, &[])), @r#"its config is of type "application/vnd.oci.image.layer.v1.tar+gzip""#);
    insta::assert_snapshot!(message(put(&config, std::slice::from_ref(&config))), @r#"it has a layer of type "application/vnd.oci.image.config.v1+json""#);
}

#[test]
fn l16_indexes_are_not_followed_for_ever() {
    let (_dir, layout) = layout();
    let mut nested = put_image(&layout, "amd64", "x");
    for depth in 0..4 {
        let resolved = layout.resolve_descriptor(&nested, &amd64());
        let reached = layout.reachable(std::slice::from_ref(&nested));
        if depth <= 2 {
            assert_eq!(
                (resolved.is_ok(), reached.unwrap().len()),
                (true, 3 + depth),
                "{depth}"
            );
        } else {
            assert!(
                matches!(
                    (resolved, reached),
                    (
                        Err(LayoutError::Select(SelectError::TooDeep(_))),
                        Err(LayoutError::Select(SelectError::TooDeep(_)))
                    )
                ),
                "{depth}"
            );
        }
        nested = put_index(&layout, &[nested]);
    }
}

#[test]
fn what_no_image_refers_to_is_collected() {
    let (dir, mut layout) = layout();
    let [kept, gone] = ["kept", "gone"].map(|content| put_image(&layout, "amd64", content));
    layout
        .set_image("multi", put_index(&layout, std::slice::from_ref(&kept)))
        .unwrap();
    layout.set_image("old", gone.clone()).unwrap();
    layout.remove_image("old").unwrap();
    fs::write(dir.path().join(".tmp-dead"), "half").unwrap();
    let collected = layout.gc().unwrap().unwrap();
    assert_eq!(collected.blobs, 3 + 1);
    assert!(!layout.has(&gone.digest).unwrap());
    assert_eq!(
        layout
            .resolve(Some("multi"), &amd64())
            .unwrap()
            .descriptor
            .digest,
        kept.digest
    );
    assert!(layout.has(&Digest::of("kept")).unwrap());
    assert_eq!(layout.gc().unwrap(), Some(Collected::default()));
}

#[test]
fn nothing_is_collected_while_somebody_puts_blobs() {
    let (dir, mut layout) = layout();
    let other = Layout::open(dir.path()).unwrap();
    let image = put_image(&other, "amd64", "x");
    assert_eq!(layout.gc().unwrap(), None);
    other.set_image("x", image).unwrap();
    drop(other);
    assert_eq!(layout.gc().unwrap(), Some(Collected::default()));
}

#[test]
fn several_writers_at_once_lose_nothing() {
    let (dir, _) = layout();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = dir.path();
            scope.spawn(move || {
                let layout = Layout::create(path).unwrap();
                for n in 0..5 {
                    let image = put_image(&layout, "amd64", &format!("{}", n % 2));
                    layout.set_image(&format!("{writer}-{n}"), image).unwrap();
                }
            });
        }
    });
    let layout = Layout::open(dir.path()).unwrap();
    assert_eq!(layout.images().unwrap().len(), 40);
    for (name, _) in layout.images().unwrap() {
        layout.resolve(name.as_deref(), &amd64()).unwrap();
    }
    assert_eq!(files(dir.path()), ["blobs", "index.json", "oci-layout"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_damage_to_a_layout_panics(at in any::<usize>(), byte in any::<u8>(), file in 0usize..3, cut in any::<bool>()) {
        let (dir, layout) = layout();
        let image = put_image(&layout, "amd64", "x");
        layout.set_image("a", image.clone()).unwrap();
        let path = [dir.path().join("index.json"), dir.path().join("oci-layout"), layout.blob_path(&image.digest)][file].clone();
        let mut content = fs::read(&path).unwrap();
        let at = at % content.len();
        content[at] = byte;
        if cut {
            content.truncate(at);
        }
        fs::write(&path, content).unwrap();
        if let Ok(mut layout) = Layout::open(dir.path()) {
            let _ = layout.resolve(None, &amd64());
            let _ = layout.gc();
        }
    }
}
