//! Archives made to get out of the layer, or to be something else than they seem. The ids are those of the project's list of attacks.

use super::*;

#[track_caller]
fn refused(archive: Archive) -> EntryProblem {
    match unpack_bytes(&archive.end()) {
        Err(LayerError::Entry { problem, .. }) => problem,
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(layer) => panic!("accepted:\n{}", layer.tree()),
    }
}

#[test]
fn l1_going_up_is_refused_and_absolute_names_stay_inside() {
    assert_eq!(
        refused(Archive::default().file("../out", "x")),
        EntryProblem::Parent
    );
    assert_eq!(
        refused(Archive::default().directory("a").file("a/../../out", "x")),
        EntryProblem::Parent
    );
    assert_eq!(
        refused(
            Archive::default()
                .file("a", "x")
                .hard_link("b", "../../etc/passwd")
        ),
        EntryProblem::Parent
    );
    let layer = unpack_bytes(
        &Archive::default()
            .directory("/etc")
            .file("/etc/passwd", "x")
            .end(),
    )
    .unwrap();
    assert_eq!(layer.tree(), "etc/ 755\netc/passwd 644 \"x\"");
}

#[test]
fn l2_nothing_goes_through_a_link_of_the_same_layer() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    let link = || Archive::default().symbolic_link("a", target);
    assert_eq!(refused(link().file("a/x", "x")), EntryProblem::ThroughLink);
    assert_eq!(
        refused(link().directory("a/b/c")),
        EntryProblem::ThroughLink
    );
    assert_eq!(
        refused(link().symbolic_link("a/x", "y")),
        EntryProblem::ThroughLink
    );
    assert_eq!(
        refused(link().file("a/.wh..wh..opq", "")),
        EntryProblem::ThroughLink
    );
    assert_eq!(
        refused(
            Archive::default()
                .directory("d")
                .symbolic_link("d/a", "..")
                .file("d/a/x", "x")
        ),
        EntryProblem::ThroughLink
    );
    assert_eq!(
        refused(Archive::default().file("a", "").file("a/x", "x")),
        EntryProblem::ThroughFile
    );
    assert_eq!(tree(outside.path()), "");
}

#[test]
fn l4_a_whiteout_does_not_go_through_a_link() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x"), "kept").unwrap();
    let archive = Archive::default()
        .symbolic_link("a", outside.path().to_str().unwrap())
        .file("a/.wh.x", "");
    assert_eq!(refused(archive), EntryProblem::ThroughLink);
    assert_eq!(fs::read(outside.path().join("x")).unwrap(), b"kept");
}

#[test]
fn l5_whiteouts_of_nothing_and_of_whiteouts_are_refused() {
    for name in [
        ".wh.",
        ".wh..",
        "a/.wh...",
        ".wh..wh.x",
        ".wh..wh..wh..opq",
        ".wh.a/b",
    ] {
        assert_eq!(
            refused(Archive::default().directory("a").file(name, "")),
            EntryProblem::Whiteout,
            "{name}"
        );
    }
    let layer = unpack_bytes(
        &Archive::default()
            .file(".wh..wh.plnk", "")
            .file(".wh..wh.aufs/x", "")
            .end(),
    )
    .unwrap();
    assert_eq!((layer.tree().as_str(), layer.unpacked.entries), ("", 2));
}

#[test]
fn l6_a_hard_link_only_joins_files_of_the_layer() {
    let missing = |name: &str| EntryProblem::LinkTarget(name.to_owned());
    assert_eq!(
        refused(Archive::default().hard_link("a", "/etc/passwd")),
        missing("/etc/passwd")
    );
    assert_eq!(
        refused(Archive::default().hard_link("a", "a")),
        missing("a")
    );
    assert_eq!(
        refused(Archive::default().directory("d").hard_link("a", "d")),
        missing("d")
    );
    assert_eq!(
        refused(Archive::default().hard_link("a", ".")),
        missing(".")
    );
    assert_eq!(
        refused(Archive::default().file(".wh.w", "").hard_link("a", "w")),
        missing("w")
    );
    assert_eq!(
        refused(
            Archive::default()
                .symbolic_link("s", "/etc")
                .hard_link("a", "s/passwd")
        ),
        EntryProblem::ThroughLink
    );
    // To the link itself, not to what it points at.
    let layer = unpack_bytes(
        &Archive::default()
            .symbolic_link("s", "/etc/passwd")
            .hard_link("a", "s")
            .end(),
    )
    .unwrap();
    assert_eq!(layer.tree(), "a -> /etc/passwd\ns -> /etc/passwd");
}

#[test]
fn l7_a_directory_replaces_a_link_and_leaves_its_target_alone() {
    let outside = tempfile::tempdir().unwrap();
    let before = fs::metadata(outside.path()).unwrap();
    let entry = Entry {
        path: b"a".into(),
        mode: 0o777,
        ..Entry::new(Kind::Directory)
    };
    let archive = Archive::default()
        .symbolic_link("a", outside.path().to_str().unwrap())
        .entry(entry, b"")
        .file("a/x", "x");
    let layer = unpack_bytes(&archive.end()).unwrap();
    assert_eq!(layer.tree(), "a/ 777\na/x 644 \"x\"");
    let after = fs::metadata(outside.path()).unwrap();
    assert_eq!(
        (before.mode(), before.mtime(), before.mtime_nsec()),
        (after.mode(), after.mtime(), after.mtime_nsec())
    );
    assert_eq!(tree(outside.path()), "");
}

#[test]
fn l10_the_root_stays_a_directory() {
    for name in [".", "/", "./"] {
        assert_eq!(
            refused(Archive::default().symbolic_link(name, "/etc")),
            EntryProblem::Root
        );
        assert_eq!(
            refused(Archive::default().file(name, "x")),
            EntryProblem::Root
        );
        assert_eq!(
            refused(Archive::default().file("a", "").hard_link(name, "a")),
            EntryProblem::Root
        );
    }
    assert_eq!(
        refused(Archive::default().symbolic_link("", "/etc")),
        EntryProblem::NoName
    );
}

#[test]
fn l12_attributes_of_the_overlay_are_not_an_archives_to_set() {
    let xattrs = [
        "user.overlay.opaque",
        "user.overlay.redirect",
        "trusted.overlay.opaque",
        "user.overlay.overlay.opaque",
    ];
    let xattrs = xattrs
        .iter()
        .map(|name| (name.as_bytes().to_vec(), b"y".to_vec()))
        .collect();
    let entry = Entry {
        path: b"d".into(),
        mode: 0o755,
        xattrs,
        ..Entry::new(Kind::Directory)
    };
    let layer = unpack_bytes(&Archive::default().entry(entry, b"").end()).unwrap();
    assert_eq!(layer.tree(), "d/ 755");
    let mut names = [0; 256];
    assert_eq!(
        rustix::fs::llistxattr(layer.path().join("d"), &mut names),
        Ok(0)
    );
}

#[test]
fn l12_a_device_cannot_pose_as_a_whiteout() {
    let archive = Archive::default().device(Kind::Character, "a", 0, 0).end();
    for ownership in [Ownership::Record, Ownership::Apply] {
        let layer = unpack_as(&archive, &Limits::default(), ownership).unwrap();
        assert_eq!(layer.tree(), "a 666 \"\"");
        assert_eq!(listing(&layer.pack()), "3 666 0:0 0 a 0:0");
    }
}

#[test]
fn l12_the_last_entry_of_a_name_wins() {
    let entry = Entry {
        path: b"a".into(),
        mode: 0o600,
        uid: 7,
        ..Entry::new(Kind::File)
    };
    let archive = Archive::default()
        .entry(entry, b"first")
        .hard_link("b", "a")
        .file("a", "second")
        .directory("d")
        .file("d/x", "gone")
        .file("d", "file now")
        .file("e", "")
        .directory("e")
        .symbolic_link("f", "a")
        .file("f", "no link");
    let layer = unpack_bytes(&archive.end()).unwrap();
    insta::assert_snapshot!(layer.tree(), @r#"
    a 644 "second"
    b 600 "first"
    d 644 "file now"
    e/ 755
    f 644 "no link"
    "#);
    let recorded: Vec<_> = layer
        .unpacked
        .owners
        .iter()
        .map(|(path, owner)| (path.to_vec(), owner.uid))
        .collect();
    assert_eq!(recorded, [(b"b".to_vec(), 7)]);
}

#[test]
fn a_directory_in_use_is_not_unpacked_into() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), "").unwrap();
    let file = File::open(dir.path()).unwrap();
    let result = unpack(
        &mut tar::END.as_slice(),
        file.as_fd(),
        &Limits::default(),
        Ownership::Record,
    );
    assert!(matches!(result, Err(LayerError::NotEmpty)));
}
