//! What an archive becomes on disk.

use super::*;
use crate::{Device, DeviceKind, Owner};

#[test]
fn whiteouts_and_opaque_directories_take_the_kernels_form() {
    let archive = Archive::default()
        .directory("a")
        .file("a/.wh..wh..opq", "")
        .file("a/kept", "x")
        .file(".wh.gone", "")
        .directory("b")
        .file("b/.wh.gone", "");
    let layer = unpack_bytes(&archive.end()).unwrap();
    insta::assert_snapshot!(layer.tree(), @r#"
    a/ 755 opaque
    a/kept 644 "x"
    b/ 755
    b/gone removed
    gone removed
    "#);
    assert!(!layer.unpacked.opaque_root);
    assert!(
        unpack_bytes(&Archive::default().file(".wh..wh..opq", "").end())
            .unwrap()
            .unpacked
            .opaque_root
    );
}

#[test]
fn whiteouts_are_about_lower_layers_in_whatever_order_they_come() {
    let before = Archive::default()
        .file(".wh.d", "")
        .directory("d")
        .file("d/x", "")
        .file(".wh.f", "")
        .file("f", "new")
        .file(".wh.p", "")
        .file("p/x", "");
    let after = Archive::default()
        .directory("d")
        .file("d/x", "")
        .file(".wh.d", "")
        .file("f", "new")
        .file(".wh.f", "")
        .file("p/x", "")
        .file(".wh.p", "");
    let layer = unpack_bytes(&before.end()).unwrap();
    insta::assert_snapshot!(layer.tree(), @r#"
    d/ 755 opaque
    d/x 644 ""
    f 644 "new"
    p/ 755 opaque
    p/x 644 ""
    "#);
    assert_eq!(unpack_bytes(&after.end()).unwrap().tree(), layer.tree());
}

#[test]
fn missing_parents_are_made_and_reported() {
    let archive = Archive::default()
        .file("a/b/x", "")
        .directory("a/b")
        .file("c/.wh..wh..opq", "")
        .file("gone/x", "")
        .file("gone", "");
    let layer = unpack_bytes(&archive.end()).unwrap();
    assert_eq!(layer.unpacked.implied, [b"a".to_vec(), b"c".to_vec()]);
    assert_eq!(fs::metadata(layer.path().join("a")).unwrap().mtime(), 1);
}

#[test]
fn modes_and_times_are_the_archives_whatever_they_forbid() {
    let packed = without_root(modes_and_times);
    assert_eq!(modes_and_times(), packed);
    insta::assert_snapshot!(packed, @r"
    5 1777 0:0 0 d/
    5 400 0:0 0 d/listed/
    0 444 0:0 1 d/listed/f
    5 0 0:0 0 d/locked/
    0 6755 0:0 1 d/locked/f
    5 500 0:0 0 d/locked/inner/
    2 777 0:0 0 l -> x
    6 666 0:0 0 p
    0 0 0:0 1 sealed SCHILY.xattr.user.note=kept
    ");
}

fn modes_and_times() -> String {
    let mtime = tar::Time {
        seconds: 1_234_567_890,
        nanoseconds: 5,
    };
    let entry = |kind, path: &str, mode| Entry {
        path: path.into(),
        mode,
        mtime,
        link: b"x".into(),
        ..Entry::new(kind)
    };
    let xattrs = vec![(b"user.note".to_vec(), b"kept".to_vec())];
    let archive = Archive::default()
        .entry(entry(Kind::Directory, "d", 0o1777), b"")
        .entry(entry(Kind::Directory, "d/listed", 0o400), b"")
        .entry(entry(Kind::File, "d/listed/f", 0o444), b"x")
        .entry(entry(Kind::Directory, "d/locked", 0), b"")
        .entry(entry(Kind::File, "d/locked/f", 0o6755), b"x")
        .entry(entry(Kind::Directory, "d/locked/inner", 0o500), b"")
        .entry(entry(Kind::SymbolicLink, "l", 0o777), b"")
        .entry(entry(Kind::Fifo, "p", 0o666), b"")
        .entry(
            Entry {
                xattrs,
                ..entry(Kind::File, "sealed", 0)
            },
            b"x",
        )
        .end();
    let layer = unpack_bytes(&archive).unwrap();
    let check = || {
        for (path, mode) in [
            ("d", 0o1777),
            ("d/listed", 0o400),
            ("d/locked", 0),
            ("sealed", 0),
            ("p", 0o666),
            ("l", 0o777),
        ] {
            let meta = fs::symlink_metadata(layer.path().join(path)).unwrap();
            assert_eq!(
                (meta.mode() & 0o7777, meta.mtime()),
                (mode, mtime.seconds),
                "{path}"
            );
        }
    };
    check();
    let packed = listing(&layer.pack());
    // Where the owner is not let in, the doors were opened and closed again.
    check();
    for dir in ["d/listed", "d/locked"] {
        fs::set_permissions(
            layer.path().join(dir),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
    }
    packed
}

#[test]
fn what_the_disk_cannot_hold_is_recorded_and_packed_again() {
    let capability = [&[1, 0, 0, 2][..], &[0; 16]].concat();
    let owned = |path: &str, kind, uid, gid| Entry {
        path: path.into(),
        mode: 0o755,
        uid,
        gid,
        ..Entry::new(kind)
    };
    let ping = Entry {
        xattrs: vec![(b"security.capability".into(), capability.clone())],
        ..owned("bin/ping", Kind::File, 0, 0)
    };
    let archive = Archive::default()
        .entry(owned("bin", Kind::Directory, 0, 3), b"")
        .entry(ping, b"x")
        .entry(owned("bin/user", Kind::File, 1000, 4_294_967_294), b"x")
        .hard_link("bin/user2", "bin/user")
        .device(Kind::Character, "null", 1, 3)
        .device(Kind::Block, "sda", 8, 300)
        .end();
    let layer = unpack_bytes(&archive).unwrap();
    let owners = &layer.unpacked.owners;
    assert_eq!(owners.get(b"bin"), Some(&Owner::new(0, 3)));
    assert_eq!(
        owners.get(b"bin/ping"),
        Some(&Owner {
            capability: Some(capability),
            ..Owner::default()
        })
    );
    assert_eq!(
        owners.get(b"bin/user2"),
        Some(&Owner::new(1000, 4_294_967_294))
    );
    let null = Device {
        kind: DeviceKind::Character,
        major: 1,
        minor: 3,
    };
    assert_eq!(
        owners.get(b"null"),
        Some(&Owner {
            device: Some(null),
            ..Owner::default()
        })
    );
    assert_eq!(owners.len(), 6);
    insta::assert_snapshot!(listing(&layer.pack()), @r#"
    5 755 0:3 0 bin/
    0 755 0:0 1 bin/ping SCHILY.xattr.security.capability=\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00
    0 755 1000:4294967294 1 bin/user
    1 755 1000:4294967294 0 bin/user2 -> bin/user
    3 666 0:0 0 null 1:3
    4 666 0:0 0 sda 8:300
    "#);
}

#[test]
fn rootful_and_rootless_give_the_same_bytes() {
    if !is_root() {
        eprintln!("skipped: only root can set owners");
        return;
    }
    let owned = |path: &str, kind, uid, gid| Entry {
        path: path.into(),
        mode: 0o4755,
        uid,
        gid,
        ..Entry::new(kind)
    };
    let capability = vec![(
        b"security.capability".to_vec(),
        [&[1, 0, 0, 2][..], &[0; 16]].concat(),
    )];
    let archive = Archive::default()
        .entry(owned("d", Kind::Directory, 5, 6), b"")
        .entry(
            Entry {
                xattrs: capability,
                ..owned("d/f", Kind::File, 7, 8)
            },
            b"x",
        )
        .entry(
            Entry {
                link: b"f".into(),
                ..owned("d/s", Kind::SymbolicLink, 9, 10)
            },
            b"",
        )
        .entry(owned("d/u", Kind::File, u32::MAX, 8), b"x")
        .device(Kind::Character, "null", 1, 3)
        .file("plain", "x")
        .end();
    let rootless = unpack_bytes(&archive).unwrap();
    let rootful = unpack_as(&archive, &Limits::default(), Ownership::Apply).unwrap();
    assert_eq!(
        fs::symlink_metadata(rootful.path().join("d/s"))
            .unwrap()
            .uid(),
        9
    );
    let options = PackOptions {
        disk_ids: DiskIds::Real,
        ..PackOptions::default()
    };
    let (packed, _) = pack_with(rootful.path(), &rootful.unpacked.owners, &options).unwrap();
    assert_eq!(listing(&packed), listing(&rootless.pack()));
    assert_eq!(packed, rootless.pack());
}

#[test]
fn names_need_not_be_text() {
    let long = [b"\xff".repeat(150), b"/x".to_vec()].concat();
    let archive = Archive::default()
        .file(b"caf\xe9", "latin")
        .file("caf\u{e9}", "utf8")
        .file(&long, "long");
    let layer = unpack_bytes(&archive.end()).unwrap();
    for (name, content) in [
        (b"caf\xe9".as_slice(), "latin"),
        ("caf\u{e9}".as_bytes(), "utf8"),
        (&long, "long"),
    ] {
        let path = layer.path().join(std::ffi::OsStr::from_bytes(name));
        assert_eq!(fs::read_to_string(path).unwrap(), content);
    }
    assert!(listing(&layer.pack()).contains(&long.escape_ascii().to_string()));
}

#[test]
fn archives_of_the_common_program_are_read() {
    // GNU's own form for long names, as the `tar` crate writes it.
    let long = "d/".repeat(80) + "file";
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o640);
    header.set_mtime(77);
    builder
        .append_data(&mut header.clone(), &long, b"hi".as_slice())
        .unwrap();
    header.set_entry_type(::tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", &long).unwrap();
    let layer = unpack_bytes(&builder.into_inner().unwrap()).unwrap();
    assert_eq!(fs::read(layer.path().join(&long)).unwrap(), b"hi");
    assert_eq!(fs::metadata(layer.path().join(&long)).unwrap().mtime(), 77);
    assert_eq!(
        fs::read_link(layer.path().join("link")).unwrap(),
        Path::new(&long)
    );
}
