//! Properties of any layer and of any bytes.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    File(Vec<u8>, u32, u32),
    Directory(u32),
    Link(Vec<u8>),
    HardLink(String),
    Device(bool, u32, u32),
    Whiteout,
    Opaque,
}

/// Few names, so that they meet.
fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof!["[abc]", "[abc]", Just("\u{e9}".to_owned()), "[xy]{101}"],
        1..4,
    )
    .prop_map(|parts| parts.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (proptest::collection::vec(any::<u8>(), 0..700), mode(), 0u32..5_000_000).prop_map(|(content, mode, id)| Step::File(content, mode, id)),
        3 => mode().prop_map(Step::Directory),
        1 => proptest::collection::vec(1u8..=255, 1..200).prop_map(Step::Link),
        1 => path().prop_map(Step::HardLink),
        1 => (any::<bool>(), 0u32..512, 0u32..512).prop_map(|(character, major, minor)| Step::Device(character, major, minor)),
        1 => Just(Step::Whiteout),
        1 => Just(Step::Opaque),
    ]
}

fn archive(steps: &[(String, Step)]) -> Vec<u8> {
    let mut archive = Archive::default();
    for (path, step) in steps {
        let entry = |kind| Entry {
            path: path.clone().into(),
            mode: 0o755,
            ..Entry::new(kind)
        };
        archive = match step {
            Step::File(content, mode, id) => {
                let xattrs = if id % 3 == 0 {
                    vec![(b"user.note".to_vec(), content.clone())]
                } else {
                    Vec::new()
                };
                archive.entry(
                    Entry {
                        mode: *mode,
                        uid: *id,
                        xattrs,
                        ..entry(Kind::File)
                    },
                    content,
                )
            }
            Step::Directory(mode) => archive.entry(
                Entry {
                    mode: *mode,
                    gid: mode / 3,
                    ..entry(Kind::Directory)
                },
                b"",
            ),
            Step::Link(target) => archive.entry(
                Entry {
                    link: target.clone(),
                    ..entry(Kind::SymbolicLink)
                },
                b"",
            ),
            Step::HardLink(target) => archive.hard_link(path, target),
            Step::Device(true, major, minor) => {
                archive.device(Kind::Character, path, *major, *minor)
            }
            Step::Device(false, major, minor) => archive.device(Kind::Block, path, *major, *minor),
            Step::Whiteout => {
                let (parent, name) = names::split(path.as_bytes());
                archive.file(names::join(parent, &[b".wh.", name].concat()), "")
            }
            Step::Opaque => archive.file(format!("{path}/.wh..wh..opq"), ""),
        };
    }
    archive.end()
}

/// Any mode, as long as the test itself can look at the result.
fn mode() -> impl Strategy<Value = u32> {
    (0u32..0o10000).prop_map(|mode| if is_root() { mode } else { mode | 0o700 })
}

/// Steps that are accepted together: one that would be refused is left out.
fn accepted(steps: Vec<(String, Step)>) -> Vec<(String, Step)> {
    let mut kept = Vec::new();
    for step in steps {
        kept.push(step);
        if unpack_bytes(&archive(&kept)).is_err() {
            kept.pop();
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Once packed, a layer stays what it is.
    #[test]
    fn packing_what_was_unpacked_changes_nothing(steps in proptest::collection::vec((path(), step()), 0..14)) {
        let layer = unpack_bytes(&archive(&accepted(steps))).unwrap();
        let first = layer.pack();
        let again = unpack_bytes(&first).unwrap();
        prop_assert_eq!(again.tree(), layer.tree());
        prop_assert_eq!(&again.unpacked.owners, &layer.unpacked.owners);
        prop_assert!(again.pack() == first);
        prop_assert_eq!(&again.unpacked.implied, &Vec::<Vec<u8>>::new());
    }

    /// No archive panics, and none writes outside.
    #[test]
    fn no_archive_panics_or_escapes(steps in proptest::collection::vec((prop_oneof![path(), "[./a]{0,6}"], step()), 0..8), at in any::<usize>(), byte in any::<u8>()) {
        let outside = tempfile::tempdir().unwrap();
        let dir = outside.path().join("layer");
        fs::create_dir(&dir).unwrap();
        let mut tar = archive(&steps);
        let at = at % tar.len();
        tar[at] = byte;
        let _ = unpack(&mut tar.as_slice(), File::open(&dir).unwrap().as_fd(), &Limits::default(), Ownership::Record);
        prop_assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_bytes_panic(tar in proptest::collection::vec(any::<u8>(), 0..2048)) {
        prop_assert!(unpack_bytes(&tar).is_err());
    }
}
