//! Copies of files with several names, of attributes, and of archives that do not describe their directories.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use ci_oci::{Device, DeviceKind, Owner, Owners};
use ci_rootfs::LayerDir;
use ci_rootfs::copy::Request;
use ci_rootfs::op::{Op, Reply, run};
use tempfile::TempDir;

/// The layer `name` in a folder.
fn layer(dir: &TempDir, name: &str) -> LayerDir {
    let root = dir.path().join(name);
    fs::create_dir_all(root.join("fs")).unwrap();
    LayerDir {
        dir: root.join("fs"),
        owners: root.join("owners"),
    }
}

/// Copies from layers into the new layer `name` over `below`.
fn copy(
    dir: &TempDir,
    source: &[&LayerDir],
    below: &[&LayerDir],
    name: &str,
    request: Request,
) -> LayerDir {
    let upper = layer(dir, name);
    let cloned = |layers: &[&LayerDir]| layers.iter().map(|&layer| layer.clone()).collect();
    run(&Op::Copy {
        items: vec![(cloned(source), request)],
        below: cloned(below),
        upper: upper.clone(),
    })
    .unwrap();
    upper
}

fn request(source: &str, dest: &str) -> Request {
    Request {
        sources: vec![source.to_owned()],
        root: "/".into(),
        dest: dest.into(),
        ..Request::default()
    }
}

/// Marks a file as ours, so that copies may share its bytes.
fn stamp(path: &Path) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

#[test]
fn names_of_one_file_stay_names_of_one_file() {
    let dir = TempDir::new().unwrap();
    let source = layer(&dir, "source");
    fs::create_dir(source.dir.join("d")).unwrap();
    fs::write(source.dir.join("d/a"), "x").unwrap();
    fs::create_dir(source.dir.join("d/deep")).unwrap();
    fs::hard_link(source.dir.join("d/a"), source.dir.join("d/deep/b")).unwrap();
    fs::write(source.dir.join("d/c"), "x").unwrap();
    for (name, mode) in [("as-they-are", None), ("changed", Some("0600"))] {
        let mode = mode.map(str::to_owned);
        let request = Request {
            mode,
            ..request("/d", "/to")
        };
        let upper = copy(&dir, &[&source], &[], name, request).dir.join("to");
        assert_eq!(inode(&upper.join("a")), inode(&upper.join("deep/b")));
        assert_ne!(inode(&upper.join("a")), inode(&upper.join("c")));
    }
}

/// To save space layers share inodes. That is nothing an image may show.
#[test]
fn names_that_only_share_their_bytes_on_disk_become_files_of_their_own() {
    let dir = TempDir::new().unwrap();
    let source = layer(&dir, "source");
    fs::write(source.dir.join("a"), "x").unwrap();
    stamp(&source.dir.join("a"));
    let second = copy(&dir, &[&source], &[&source], "second", request("/a", "/b"));
    assert_eq!(
        inode(&source.dir.join("a")),
        inode(&second.dir.join("b")),
        "it is shared"
    );
    let upper = copy(&dir, &[&source, &second], &[], "upper", request("/", "/"));
    assert_ne!(inode(&upper.dir.join("a")), inode(&upper.dir.join("b")));
}

#[test]
fn a_file_named_twice_becomes_two_files() {
    let dir = TempDir::new().unwrap();
    let source = layer(&dir, "source");
    fs::write(source.dir.join("a.txt"), "x").unwrap();
    stamp(&source.dir.join("a.txt"));
    symlink("a.txt", source.dir.join("b.txt")).unwrap();
    let upper = copy(&dir, &[&source], &[], "upper", request("/*.txt", "/to/"));
    let to = upper.dir.join("to");
    assert_eq!(fs::read(to.join("b.txt")).unwrap(), b"x");
    assert_ne!(inode(&to.join("a.txt")), inode(&to.join("b.txt")));
}

#[test]
fn attributes_that_are_part_of_an_image_are_copied() {
    let dir = TempDir::new().unwrap();
    let source = layer(&dir, "source");
    fs::create_dir_all(source.dir.join("d/inner")).unwrap();
    fs::write(source.dir.join("d/file"), "x").unwrap();
    for name in ["d/inner", "d/file"] {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(source.dir.join(name), "user.colour", b"blue", flags).unwrap();
    }
    let upper = copy(&dir, &[&source], &[], "upper", request("/d", "/to"));
    for name in ["to/inner", "to/file"] {
        let mut value = [0; 8];
        let path = upper.dir.join(name);
        let length = rustix::fs::getxattr(&path, "user.colour", &mut value[..]).unwrap();
        assert_eq!(&value[..length], b"blue", "{name}");
    }
}

/// An archive that holds `dir/file` says nothing of `dir`.
#[test]
fn an_archive_does_not_change_directories_that_it_does_not_describe() {
    let dir = TempDir::new().unwrap();
    let source = layer(&dir, "source");
    let mut archive = tar::Builder::new(Vec::new());
    for path in ["known/file", "new/file"] {
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, &b""[..]).unwrap();
    }
    fs::write(source.dir.join("a.tar"), archive.into_inner().unwrap()).unwrap();
    let below = layer(&dir, "below");
    fs::create_dir(below.dir.join("known")).unwrap();
    fs::set_permissions(below.dir.join("known"), PermissionsExt::from_mode(0o711)).unwrap();
    let request = Request {
        unpack: true,
        ..request("/a.tar", "/")
    };
    let upper = copy(&dir, &[&source], &[&below], "upper", request);
    let mode = |name: &str| fs::metadata(upper.dir.join(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("known"), 0o711);
    assert_eq!(mode("new"), 0o755);
}

/// Without root a device is an empty file, and what it is stands beside the layer.
#[test]
fn what_only_the_sidecar_knows_is_copied() {
    let dir = TempDir::new().unwrap();
    let source = layer(&dir, "source");
    fs::write(source.dir.join("null"), "").unwrap();
    let device = Device {
        kind: DeviceKind::Character,
        major: 1,
        minor: 3,
    };
    let known = Owner {
        device: Some(device),
        capability: Some(b"all".to_vec()),
        ..Owner::new(7, 7)
    };
    let mut owners = Owners::new();
    owners.insert("null", known.clone());
    owners.save(&source.owners).unwrap();
    let request = Request {
        owner: Some((8, 9)),
        ..request("/null", "/copy")
    };
    let upper = copy(&dir, &[&source], &[], "upper", request);
    let expected = Owner {
        uid: 8,
        gid: 9,
        ..known
    };
    let owners = Owners::load(&upper.owners).unwrap();
    assert_eq!(owners.get(b"copy"), Some(&expected));
}

#[test]
fn directories_that_a_layer_only_implies_are_as_they_are_below() {
    let dir = TempDir::new().unwrap();
    let (below, top) = (layer(&dir, "below"), layer(&dir, "top"));
    let mode = |path: &Path, bits| fs::set_permissions(path, PermissionsExt::from_mode(bits));
    for path in ["said/implied", "plain", "gone"] {
        fs::create_dir_all(below.dir.join(path)).unwrap();
    }
    fs::create_dir_all(top.dir.join("said/implied/new")).unwrap();
    fs::create_dir_all(top.dir.join("plain")).unwrap();
    mode(&below.dir.join("said"), 0o711).unwrap();
    mode(&below.dir.join("said/implied"), 0o1770).unwrap();
    mode(&top.dir.join("said"), 0o700).unwrap();
    let restate = |name: &str, implied: &[&str]| {
        let upper = layer(&dir, name);
        let implied = implied
            .iter()
            .map(|path| path.as_bytes().to_vec())
            .collect();
        let reply = run(&Op::Restate {
            below: vec![below.clone()],
            layer: top.clone(),
            implied,
            upper: upper.clone(),
        });
        (reply.unwrap(), upper.dir)
    };
    // What is the same, or new, needs nothing.
    let (reply, _) = restate("nothing", &["plain", "said/implied/new"]);
    assert!(matches!(reply, Reply::Done));
    let (reply, upper) = restate("something", &["plain", "said/implied", "said/implied/new"]);
    assert!(matches!(reply, Reply::Layer { .. }));
    let mode = |path: &str| fs::metadata(upper.join(path)).unwrap().mode() & 0o7777;
    assert_eq!(mode("said"), 0o700, "the layer describes it");
    assert_eq!(mode("said/implied"), 0o1770);
    assert!(!upper.join("said/implied/new").exists() && !upper.join("plain").exists());
}
