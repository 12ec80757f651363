//! Single files.

use proptest::prelude::*;

use super::*;
use crate::testing::{elf, go_section};

#[test]
fn files_are_known_by_their_paths_alone() {
    for (path, kind) in [
        ("etc/os-release", Some(Kind::OsRelease)),
        ("opt/etc/os-release", None),
        ("var/lib/dpkg/status", Some(Kind::Dpkg)),
        ("var/lib/dpkg/status-old", None),
        ("usr/lib/sysimage/rpm/Packages.db", Some(Kind::RpmNdb)),
        ("usr/share/doc/a/copyright", Some(Kind::Copyright)),
        ("usr/share/doc/a/b/copyright", None),
        ("node_modules/a/package.json", Some(Kind::NpmPackage)),
        ("x/node_modules/@s/a/package.json", Some(Kind::NpmPackage)),
        ("x/node_modules/@s/package.json", None),
        ("x/node_modules/a/lib/package.json", None),
        ("x/node_modules/.bin/package.json", None),
        ("package.json", None),
        ("package-lock.json", Some(Kind::NpmLock)),
        ("a-1.dist-info/METADATA", Some(Kind::Python)),
    ] {
        assert_eq!(Kind::of(path.as_bytes()), kind, "{path}");
    }
    assert_eq!(Kind::of(b"node_modules/\xff/package.json"), None);
}

#[test]
fn a_distribution_is_read_as_a_shell_reads_it() {
    let system = |text: &str| os_release::parse(text.as_bytes());
    let found = system("# comment\nID=first\nID='alpine'\nVERSION_ID=3.19\nNAME=\"A \\\"b\\\"\"\n")
        .unwrap();
    assert_eq!(found.name_and_version(), "alpine-3.19");
    assert_eq!(found.name, "A \"b\"");
    assert_eq!(system("NAME=x\nID=../y\n").unwrap().id, "linux");
    assert_eq!(system("ID=debian\n"), None);
}

#[test]
fn programs_of_old_go_point_at_their_information() {
    let modules = "0123456789abcdefmod\texample.com/a\tv1.0.0\th1:x=\n0123456789abcdef";
    for is_big in [false, true] {
        let number = |it: u64| {
            if is_big {
                it.to_be_bytes()
            } else {
                it.to_le_bytes()
            }
        };
        // Headers of strings, and the strings, in a section of their own behind the first of 32 bytes.
        let data = 64 + 32;
        let mut memory = Vec::new();
        memory.extend(number(data + 32));
        memory.extend(number(6));
        memory.extend(number(data + 38));
        memory.extend(number(modules.len() as u64));
        memory.extend(b"go1.15");
        memory.extend(modules.bytes());
        let mut section = b"\xff Go buildinf:\x08".to_vec();
        section.push(u8::from(is_big));
        section.extend(number(data));
        section.extend(number(data + 16));
        let found = elf::parse(&elf(&[(".go.buildinfo", &section), (".data", &memory)])).unwrap();
        let told: Vec<_> = found.packages.iter().map(Package::reference).collect();
        assert_eq!(
            told,
            ["pkg:golang/example.com/a@v1.0.0", "pkg:golang/stdlib@1.15"]
        );
    }
}

#[test]
fn modules_of_a_folder_stay_what_they_stand_in_for() {
    let list =
        "mod\texample.com/a\t(devel)\ndep\texample.com/b\tv1.0.0\n=>\t../b\t(devel)\ndep\tc\t\n";
    let found = elf::parse(&elf(&[(".go.buildinfo", &go_section("devel", list))])).unwrap();
    let told: Vec<_> = found.packages.iter().map(Package::reference).collect();
    assert_eq!(
        told,
        [
            "pkg:golang/example.com/a",
            "pkg:golang/example.com/b@v1.0.0",
            "pkg:golang/c"
        ]
    );
    assert_eq!(found.dependencies, [(0, 1), (0, 2)]);
}

#[test]
fn a_list_that_expands_without_end_is_cut_off_l12() {
    let bomb = crate::testing::zlib(&vec![b' '; 64 << 20]);
    assert_eq!(elf::parse(&elf(&[(".dep-v0", &bomb)])), None);
}

#[test]
fn documentation_that_is_shared_leads_to_the_package_that_has_it() {
    let other = |path: &str, target: &str| match copyright::parse_link(
        path.as_bytes(),
        target.as_bytes(),
    ) {
        Some(Finding::SameLicenses { package, other }) => Some((package, other)),
        _ => None,
    };
    let same = |package: &str, other: &str| Some((package.to_owned(), other.to_owned()));
    assert_eq!(other("usr/share/doc/a", "b"), same("a", "b"));
    assert_eq!(other("usr/share/doc/a", "/usr/share/doc/b"), same("a", "b"));
    assert_eq!(
        other("usr/share/doc/a/copyright", "../b/copyright"),
        same("a", "b")
    );
    for target in ["..", "../../etc", "/etc/passwd", "b/c"] {
        assert_eq!(other("usr/share/doc/a", target), None, "{target}");
    }
    let circle = [
        Finding::SameLicenses {
            package: "a".into(),
            other: "b".into(),
        },
        Finding::SameLicenses {
            package: "b".into(),
            other: "a".into(),
        },
    ];
    assert_eq!(Licenses::among(circle.iter()).of("a"), None);
}

#[test]
fn the_strongest_checksum_of_several_counts() {
    let text = format!("sha1-{}= sha512-{}== md5-x", "A".repeat(27), "A".repeat(86));
    assert_eq!(
        integrity(&text).unwrap().algorithm(),
        crate::ChecksumAlgorithm::Sha512
    );
    assert_eq!(integrity("sha512-AAAA"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz(&data);
    }

    #[test]
    fn programs_that_are_cut_or_changed_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        length in any::<prop::sample::Index>(),
    ) {
        let list = br#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io","dependencies":[7]}]}"#;
        let mut content = elf(&[
            (".go.buildinfo", &go_section("go1.22", "mod\ta.example/b\tv1.0.0\n")),
            (".dep-v0", &crate::testing::zlib(list)),
        ]);
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let _ = elf::parse(&content);
        content.truncate(length.index(content.len() + 1));
        let _ = elf::parse(&content);
    }
}
