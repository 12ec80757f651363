//! The canonical archive of a directory.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::Owner;

/// A directory with one of everything, made in this order.
fn sample(order: impl Iterator<Item = usize>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("d")).unwrap();
    for step in order {
        match step {
            0 => fs::write(at("d/b"), "bb").unwrap(),
            1 => fs::write(at("d/a"), "a").unwrap(),
            2 => fs::write(at("d-e"), "after d/, although `-` is before `/`").unwrap(),
            3 => symlink("/nowhere", at("link")).unwrap(),
            4 => rustix::fs::mknodat(
                rustix::fs::CWD,
                at("removed"),
                rustix::fs::FileType::CharacterDevice,
                0.into(),
                0,
            )
            .unwrap(),
            _ => fs::create_dir(at("opaque")).unwrap(),
        }
    }
    rustix::fs::setxattr(
        at("opaque"),
        "user.overlay.opaque",
        b"y",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    rustix::fs::setxattr(
        at("opaque"),
        "user.overlay.impure",
        b"y",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    rustix::fs::setxattr(
        at("d/b"),
        "user.note",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    fs::write(at("opaque/x"), "").unwrap();
    fs::hard_link(at("d/b"), at("c")).unwrap();
    for (name, mode) in [
        ("d", 0o755),
        ("d/b", 0o4711),
        ("d/a", 0o600),
        ("d-e", 0o644),
        ("opaque", 0o1777),
        ("opaque/x", 0o644),
    ] {
        fs::set_permissions(at(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    dir
}

#[test]
fn everything_a_layer_can_hold_is_written_in_order() {
    let dir = sample(0..6);
    insta::assert_snapshot!(listing(&pack_bytes(dir.path(), &Owners::new())), @r#"
    0 4711 0:0 2 c SCHILY.xattr.user.note=kept
    5 755 0:0 0 d/
    0 600 0:0 1 d/a
    1 4711 0:0 0 d/b -> c
    0 644 0:0 36 d-e
    2 777 0:0 0 link -> /nowhere
    5 1777 0:0 0 opaque/
    0 0 0:0 0 opaque/.wh..wh..opq
    0 644 0:0 0 opaque/x
    0 0 0:0 0 .wh.removed
    "#);
}

#[test]
fn the_bytes_do_not_depend_on_creation_order_or_times() {
    let (one, two) = (sample(0..6), sample((0..6).rev()));
    let time = rustix::fs::Timespec {
        tv_sec: 99,
        tv_nsec: 9,
    };
    let times = rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(
        rustix::fs::CWD,
        two.path().join("d/a"),
        &times,
        rustix::fs::AtFlags::empty(),
    )
    .unwrap();
    assert_eq!(
        pack_bytes(one.path(), &Owners::new()),
        pack_bytes(two.path(), &Owners::new())
    );
}

#[test]
fn the_bytes_do_not_depend_on_who_owns_the_files_on_disk() {
    if !is_root() {
        eprintln!("skipped: only root can change owners");
        return;
    }
    let (one, two) = (sample(0..6), sample(0..6));
    for name in ["d", "d/a", "d-e", "link", "opaque"] {
        std::os::unix::fs::lchown(two.path().join(name), Some(1234), Some(5)).unwrap();
    }
    assert_eq!(
        pack_bytes(one.path(), &Owners::new()),
        pack_bytes(two.path(), &Owners::new())
    );
    let real = pack_with(two.path(), &Owners::new(), &PackOptions::default())
        .unwrap()
        .0;
    assert!(
        listing(&real).contains("0 600 1234:5 1 d/a"),
        "{}",
        listing(&real)
    );
}

#[test]
fn the_sidecar_overrides_the_disk() {
    let dir = sample(0..6);
    let mut owners = Owners::new();
    owners.insert("d", Owner::new(1, 2));
    // The first name of a file speaks for all of them.
    owners.insert("c", Owner::new(3_000_000, 4));
    let listing = listing(&pack_bytes(dir.path(), &owners));
    assert!(listing.contains("5 755 1:2 0 d/"), "{listing}");
    assert_eq!(listing.matches("0:4 ").count(), 2, "{listing}");
}

#[test]
fn the_root_is_written_only_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(pack_bytes(dir.path(), &Owners::new()), tar::END);
    fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o711)).unwrap();
    let options = PackOptions {
        root_entry: true,
        disk_ids: DiskIds::Root,
    };
    let (tar, packed) = pack_with(dir.path(), &Owners::new(), &options).unwrap();
    assert_eq!(
        (listing(&tar).as_str(), packed.entries),
        ("5 711 0:0 0 ./", 1)
    );
}

#[test]
fn long_names_and_large_numbers_go_into_extended_headers_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let deep = "d".repeat(90) + "/" + &"e".repeat(90);
    fs::create_dir_all(dir.path().join(&deep)).unwrap();
    fs::write(dir.path().join(&deep).join("f"), "x").unwrap();
    let plain = pack_bytes(dir.path(), &Owners::new());
    assert!(!plain.windows(9).any(|text| text == b"PaxHeader"));
    assert!(listing(&plain).contains(&format!(" {deep}/f")));

    let long = dir.path().join("n".repeat(101));
    fs::write(long, "x").unwrap();
    symlink("t".repeat(300), dir.path().join("link")).unwrap();
    let mut owners = Owners::new();
    owners.insert(deep.as_bytes(), Owner::new(2_097_152, 2_097_151));
    let tar = pack_bytes(dir.path(), &owners);
    assert_eq!(
        tar.windows(9).filter(|text| text == b"PaxHeader").count(),
        3
    );
    let layer = unpack_bytes(&tar).unwrap();
    assert_eq!(layer.pack(), tar);
    assert_eq!(
        layer.unpacked.owners.get(deep.as_bytes()),
        Some(&Owner::new(2_097_152, 2_097_151))
    );
}

#[test]
fn more_than_a_buffer_is_the_same_as_its_parts() {
    let dir = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..5_000_003u32).map(|n| (n * 7 % 251) as u8).collect();
    fs::write(dir.path().join("large"), &content).unwrap();
    fs::write(dir.path().join("small"), "x").unwrap();
    let tar = pack_bytes(dir.path(), &Owners::new());
    let layer = unpack_bytes(&tar).unwrap();
    assert!(fs::read(layer.path().join("large")).unwrap() == content);
    assert_eq!(layer.pack(), tar);
}

#[test]
fn a_writer_that_fails_is_an_error_even_from_the_other_thread() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("large"), vec![1; 9 << 20]).unwrap();
    let file = File::open(dir.path()).unwrap();
    for room in [0, 1 << 20, 5 << 20, 9 << 20] {
        let result = pack(
            file.as_fd(),
            &Owners::new(),
            &PackOptions::default(),
            &mut Full(room),
        );
        let Err(LayerError::Write(error)) = result else {
            panic!("{room}: {result:?}")
        };
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{room}");
    }
}

#[test]
fn sockets_are_left_out_and_fifos_kept() {
    let dir = tempfile::tempdir().unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.path().join("fifo"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    assert_eq!(
        listing(&pack_bytes(dir.path(), &Owners::new())),
        "6 600 0:0 0 fifo"
    );
}

#[test]
fn what_an_image_cannot_express_is_an_error() {
    let problem = |prepare: fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        pack_with(dir.path(), &Owners::new(), &PackOptions::default())
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(problem(|dir| fs::write(dir.join(".wh.x"), "").unwrap()), @r#"".wh.x" has a name that means a removed file in an image; names beginning with `.wh.` cannot be kept"#);
    insta::assert_snapshot!(problem(|dir| {
        fs::write(dir.join("f"), "").unwrap();
        rustix::fs::setxattr(dir.join("f"), "user.a=b", b"x", rustix::fs::XattrFlags::empty()).unwrap();
    }), @r#""f" has an extended attribute whose name contains `=`"#);
    insta::assert_snapshot!(problem(|dir| {
        fs::create_dir(dir.join("moved")).unwrap();
        rustix::fs::setxattr(dir.join("moved"), "user.overlay.redirect", b"/x", rustix::fs::XattrFlags::empty()).unwrap();
    }), @r#""moved" refers to another layer through `user.overlay.redirect`"#);
}

#[test]
fn l11_a_link_swapped_in_while_packing_is_never_followed() {
    use std::sync::atomic::{AtomicBool, Ordering};
    const SECRET: &[u8] = b"content of a file outside";
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), SECRET).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("d")).unwrap();
    fs::write(at("f"), "own").unwrap();
    symlink(outside.path(), at("d-link")).unwrap();
    symlink(outside.path().join("secret"), at("f-link")).unwrap();
    let swap = |a: &str| {
        rustix::fs::renameat_with(
            rustix::fs::CWD,
            at(a),
            rustix::fs::CWD,
            at(&format!("{a}-link")),
            rustix::fs::RenameFlags::EXCHANGE,
        )
        .unwrap();
    };
    let done = AtomicBool::new(false);
    let (mut stale, mut leaked) = (0, false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                swap("d");
                swap("f");
            }
        });
        for _ in 0..3000 {
            match pack_with(dir.path(), &Owners::new(), &PackOptions::default()) {
                Ok((tar, _)) => leaked |= tar.windows(SECRET.len()).any(|text| text == SECRET),
                Err(_) => stale += 1,
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(!leaked);
    assert!(stale > 0, "the race was never met, so nothing was tested");
}
