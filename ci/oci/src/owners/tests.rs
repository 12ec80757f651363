//! The sidecar survives any name and is the same bytes for the same records.

use proptest::prelude::*;

use super::*;

fn owner() -> impl Strategy<Value = Owner> {
    let device =
        (any::<bool>(), any::<u32>(), any::<u32>()).prop_map(|(character, major, minor)| Device {
            kind: if character {
                DeviceKind::Character
            } else {
                DeviceKind::Block
            },
            major,
            minor,
        });
    (
        any::<u32>(),
        any::<u32>(),
        proptest::option::of(device),
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..24)),
    )
        .prop_map(|(uid, gid, device, capability)| Owner {
            uid,
            gid,
            device,
            capability,
        })
}

proptest! {
    #[test]
    fn any_records_of_any_names_are_read_back(entries in proptest::collection::btree_map(proptest::collection::vec(any::<u8>(), 0..12), owner(), 0..6)) {
        let owners = Owners { entries };
        prop_assert_eq!(Owners::parse(&owners.to_bytes()), Ok(owners));
    }

    #[test]
    fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Owners::parse(&text);
    }
}

#[test]
fn the_text_is_readable_and_sorted() {
    let mut owners = Owners::new();
    owners.insert("var/a b%\n", Owner::new(1, 2));
    owners.insert("", Owner::new(0, 7));
    owners.insert(
        "dev/null",
        Owner {
            device: Some(Device {
                kind: DeviceKind::Character,
                major: 1,
                minor: 3,
            }),
            ..Owner::default()
        },
    );
    owners.insert(
        "bin/ping",
        Owner {
            capability: Some(vec![1, 255]),
            ..Owner::default()
        },
    );
    insta::assert_snapshot!(String::from_utf8(owners.to_bytes()).unwrap(), @r"
     0 7
    bin/ping 0 0 x 01ff
    dev/null 0 0 c 1 3
    var/a%20b%25%0a 1 2
    ");
}

#[test]
fn nothing_recorded_is_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("owners");
    assert_eq!(Owners::load(&path).unwrap(), Owners::new());
    let mut owners = Owners::new();
    owners.insert("a", Owner::new(5, 6));
    owners.save(&path).unwrap();
    assert_eq!(Owners::load(&path).unwrap(), owners);
    Owners::new().save(&path).unwrap();
    assert!(!path.exists());
    Owners::new().save(&path).unwrap();
}

#[test]
fn a_damaged_file_names_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("owners");
    for damaged in [
        "a 0 0\nb 0",
        "a 0 0\nb 0 0",
        "a 0 0\nb\n",
        "a 0 0\nb 0 0 c 1\n",
        "a 0 0\nb 0 0 x 0\n",
        "a 0 0\n%g0 0 0\n",
        "a 0 0\n\n",
    ] {
        fs::write(&path, damaged).unwrap();
        let error = Owners::load(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("owners:2: not an ownership record"),
            "{damaged:?}: {error}"
        );
    }
}

#[test]
fn a_tree_is_forgotten_without_its_neighbours() {
    let mut owners = Owners::new();
    for path in ["a", "a-b", "a/b", "a/b/c", "ab"] {
        owners.insert(path, Owner::new(1, 1));
    }
    owners.remove_tree(b"a");
    assert_eq!(
        owners.iter().map(|(path, _)| path).collect::<Vec<_>>(),
        [b"a-b".as_slice(), b"ab"]
    );
    owners.remove_tree(b"");
    assert!(owners.is_empty());
}
