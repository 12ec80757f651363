//! Whole images: what of their layers is seen, and what a bill says then.

use ci_oci::Digest;
use test_support::archive::Layer;

use crate::testing::{bom, elf, go_section, layer, references, scan, scan_stored, zlib};

const OS: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
const STATUS: &str = "\
Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <libc@example.org>
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u10
Description: GNU C Library
 With: a line that continues

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: all

Package: libgcc-s1
Status: install ok installed
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 1:12.2.0-14+b1
";

fn package_json(name: &str, version: &str) -> String {
    format!(r#"{{"name":"{name}","version":"{version}","license":"MIT"}}"#)
}

#[test]
fn packages_of_debian_have_architecture_source_distribution_and_licences() {
    let mut docs = Layer::new();
    docs.file(
        "usr/share/doc/libc6/copyright",
        0o644,
        (0, 0),
        b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
          Files: *\nLicense: LGPL-2.1+\n\nFiles: x\nLicense: BSD-3-clause or Odd\n text\n",
    );
    docs.link("usr/share/doc/libgcc-s1", "libc6", (0, 0));
    let base = layer(&[
        ("usr/lib/os-release", OS.as_bytes()),
        ("var/lib/dpkg/status", STATUS.as_bytes()),
    ]);
    let bom = bom(&[base, docs.finish()]);
    assert_eq!(
        references(&bom),
        [
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12&upstream=glibc",
            "pkg:deb/debian/libgcc-s1@1:12.2.0-14%2Bb1?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-14",
        ]
    );
    for package in bom.packages() {
        let license = package.license.as_ref().unwrap();
        assert_eq!(
            license.expression(),
            "(BSD-3-Clause OR LicenseRef-Odd) AND LGPL-2.1-or-later"
        );
        assert!(package.locations.contains("/var/lib/dpkg/status"));
    }
    let libc = bom.packages().next().unwrap();
    assert_eq!(libc.supplier.as_deref(), Some("GNU Libc Maintainers"));
    assert_eq!(bom.gaps().len(), 0);
}

#[test]
fn images_without_dpkg_have_a_file_for_each_package() {
    let bom = bom(&[layer(&[
        ("etc/os-release", OS.as_bytes()),
        (
            "var/lib/dpkg/status.d/base-files",
            b"Package: base-files\nVersion: 12.4\nArchitecture: all\n",
        ),
        (
            "var/lib/dpkg/status.d/base-files.md5sums",
            b"Package: no\nVersion: 1\n",
        ),
    ])]);
    assert_eq!(
        references(&bom),
        ["pkg:deb/debian/base-files@12.4?arch=all&distro=debian-12"]
    );
}

#[test]
fn packages_of_alpine_have_their_origin_and_licence() {
    let installed = "C:Q1abc=\nP:libcrypto3\nV:3.1.4-r5\nA:x86_64\no:openssl\nm:Somebody <a@example.org>\nL:Apache-2.0\np:so:libcrypto.so.3=3\n\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nL:MIT\n\n";
    let bom = bom(&[layer(&[
        (
            "etc/os-release",
            b"ID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME='Alpine Linux v3.19'\n",
        ),
        ("lib/apk/db/installed", installed.as_bytes()),
    ])]);
    assert_eq!(
        references(&bom),
        [
            "pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=alpine-3.19.1&upstream=openssl",
            "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1",
        ]
    );
    assert_eq!(bom.system.as_ref().unwrap().name, "Alpine Linux v3.19");
}

#[test]
fn node_modules_are_read_as_npm_and_pnpm_lay_them_out() {
    let app = package_json("app", "1.0.0");
    let left = package_json("left-pad", "1.3.0");
    let core = package_json("@babel/core", "7.24.0");
    let lock = format!(
        r#"{{"lockfileVersion":3,"packages":{{
            "":{{"name":"app"}},
            "node_modules/left-pad":{{"version":"1.3.0","integrity":"sha512-{}=="}},
            "node_modules/pruned":{{"version":"9.9.9"}}}}}}"#,
        "A".repeat(86)
    );
    let bom = bom(&[layer(&[
        ("app/package.json", app.as_bytes()),
        ("app/node_modules/.package-lock.json", lock.as_bytes()),
        ("app/package-lock.json", lock.as_bytes()),
        ("app/node_modules/left-pad/package.json", left.as_bytes()),
        (
            "app/node_modules/left-pad/esm/package.json",
            br#"{"type":"module","name":"x","version":"1.0.0"}"#,
        ),
        (
            "app/node_modules/.pnpm/@babel+core@7.24.0/node_modules/@babel/core/package.json",
            core.as_bytes(),
        ),
        (
            "app/node_modules/odd/package.json",
            br#"{"name":"../../x y","version":"1"}"#,
        ),
        ("app/node_modules/broken/package.json", b"{"),
    ])]);
    assert_eq!(
        references(&bom),
        ["pkg:npm/%40babel/core@7.24.0", "pkg:npm/left-pad@1.3.0"]
    );
    let left = bom.packages().last().unwrap();
    assert_eq!(left.checksum.as_ref().unwrap().hex(), "0".repeat(128));
}

#[test]
fn a_lock_file_speaks_where_a_bundler_left_nothing_else() {
    let lock = r#"{"lockfileVersion":3,"packages":{"":{},
        "node_modules/a":{"version":"1.0.0","license":"ISC"},
        "node_modules/a/node_modules/@s/b":{"version":"2.0.0"},
        "node_modules/dev":{"version":"3.0.0","dev":true},
        "packages/local":{"version":"4.0.0"},
        "node_modules/local":{"resolved":"packages/local","link":true}}}"#;
    let old = r#"{"lockfileVersion":1,"dependencies":{"c":{"version":"1.0.0","dependencies":{"d":{"version":"2.0.0"}}}}}"#;
    let bom = bom(&[layer(&[
        ("app/package-lock.json", lock.as_bytes()),
        ("old/package-lock.json", old.as_bytes()),
        // What a package has published by mistake.
        (
            "x/node_modules/a/package-lock.json",
            br#"{"packages":{"node_modules/no":{"version":"1.0.0"}}}"#,
        ),
    ])]);
    assert_eq!(
        references(&bom),
        [
            "pkg:npm/%40s/b@2.0.0",
            "pkg:npm/a@1.0.0",
            "pkg:npm/c@1.0.0",
            "pkg:npm/d@2.0.0"
        ]
    );
}

#[test]
fn hard_links_are_what_they_are_links_to() {
    // pnpm links packages to its store.
    let mut layer = Layer::new();
    layer.file(
        "store/00/abc",
        0o644,
        (0, 0),
        package_json("a", "1.0.0").as_bytes(),
    );
    layer.same("app/node_modules/a/package.json", "store/00/abc");
    layer.file(
        "app/node_modules/b/package.json",
        0o644,
        (0, 0),
        package_json("b", "1.0.0").as_bytes(),
    );
    layer.same(
        "other/node_modules/b/package.json",
        "app/node_modules/b/package.json",
    );
    layer.same("app/node_modules/nothing/package.json", "store/00/missing");
    layer.same("app/node_modules/late/package.json", "store/00/abc");
    layer.file("app/node_modules/late", 0o644, (0, 0), b"");
    let bom = bom(&[layer.finish()]);
    assert_eq!(references(&bom), ["pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"]);
    assert_eq!(bom.packages().last().unwrap().locations.len(), 2);
}

#[test]
fn packages_of_python_are_known_by_their_metadata() {
    let bom = bom(&[layer(&[
        (
            "usr/lib/python3/site-packages/Foo_Bar-1.0.dist-info/METADATA",
            b"Metadata-Version: 2.4\nName: Foo_Bar\nVersion: 1.0\nLicense-Expression: MIT OR Apache-2.0\n\nName: body\n",
        ),
        (
            "usr/lib/python3/site-packages/old.egg-info/PKG-INFO",
            b"Metadata-Version: 1.1\nName: old\nVersion: 2.0\nLicense: see text\nClassifier: License :: OSI Approved :: MIT License\n",
        ),
        ("usr/lib/python3/dist-packages/older-3.egg-info", b"Name: older\nVersion: 3\nLicense: UNKNOWN\n"),
        ("usr/lib/METADATA", b"Name: no\nVersion: 1\n"),
    ])]);
    assert_eq!(
        references(&bom),
        [
            "pkg:pypi/foo-bar@1.0",
            "pkg:pypi/old@2.0",
            "pkg:pypi/older@3"
        ]
    );
    let licenses: Vec<_> = bom
        .packages()
        .map(|it| it.license.as_ref().map(|it| it.expression()))
        .collect();
    assert_eq!(licenses, [Some("MIT OR Apache-2.0"), Some("MIT"), None]);
}

#[test]
fn programs_tell_what_they_were_compiled_from() {
    let modules = "path\texample.com/app/cmd\nmod\texample.com/app\t(devel)\t\ndep\tgithub.com/BurntSushi/toml\tv1.3.2\th1:x=\ndep\tgolang.org/x/net\tv0.1.0\n=>\tgithub.com/fork/net\tv0.1.1\th1:y=\nbuild\t-ldflags=\"-X main.token=hunter2\"\n";
    let go = elf(&[(
        ".go.buildinfo",
        &go_section("go1.22.1 X:nocoverageredesign", modules),
    )]);
    let list = r#"{"packages":[
        {"name":"libc","version":"0.2.1","source":"crates.io"},
        {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
        {"name":"web","version":"0.1.0","source":"local","dependencies":[0,1],"root":true}]}"#;
    let rust = elf(&[(".text", b"x"), (".dep-v0", &zlib(list.as_bytes()))]);
    let bom = bom(&[layer(&[
        ("app/go", &go),
        ("app/web", &rust),
        ("app/script", b"#!/bin/sh\n"),
    ])]);
    assert_eq!(
        references(&bom),
        [
            "pkg:cargo/cc@1.0.0",
            "pkg:cargo/libc@0.2.1",
            "pkg:golang/example.com/app",
            "pkg:golang/github.com/burntsushi/toml@v1.3.2",
            "pkg:golang/github.com/fork/net@v0.1.1",
            "pkg:golang/stdlib@1.22.1",
            "web@0.1.0",
        ]
    );
    let needed = &bom.dependencies()["pkg:golang/example.com/app"];
    assert_eq!(needed.len(), 3);
    assert_eq!(bom.dependencies()["web@0.1.0"].len(), 2);
    // S1: what the linker was told is nobody's business.
    for document in [
        crate::spdx::document(&bom),
        crate::cyclonedx::document(&bom),
    ] {
        let document = String::from_utf8(document.unwrap()).unwrap();
        assert!(!document.contains("hunter2"));
    }
}

#[test]
fn what_upper_layers_remove_or_replace_is_not_there() {
    let base = layer(&[
        (
            "a/node_modules/one/package.json",
            package_json("one", "1.0.0").as_bytes(),
        ),
        (
            "a/node_modules/two/package.json",
            package_json("two", "1.0.0").as_bytes(),
        ),
        (
            "b/node_modules/three/package.json",
            package_json("three", "1.0.0").as_bytes(),
        ),
        (
            "c/node_modules/four/package.json",
            package_json("four", "1.0.0").as_bytes(),
        ),
        (
            "d/node_modules/five/package.json",
            package_json("five", "1.0.0").as_bytes(),
        ),
        (
            "e/node_modules/six/package.json",
            package_json("six", "1.0.0").as_bytes(),
        ),
    ]);
    let mut top = Layer::new();
    top.file("a/node_modules/.wh.one", 0o644, (0, 0), b"");
    // A whiteout is about lower layers; what its own layer has stays, whatever comes first.
    top.file(
        "a/node_modules/seven/package.json",
        0o644,
        (0, 0),
        package_json("seven", "1.0.0").as_bytes(),
    );
    top.file("a/node_modules/seven/.wh.package.json", 0o644, (0, 0), b"");
    top.file("b/node_modules/.wh..wh..opq", 0o644, (0, 0), b"");
    top.link("c/node_modules", "/elsewhere", (0, 0));
    top.file(
        "d/node_modules/five/package.json",
        0o644,
        (0, 0),
        package_json("five", "2.0.0").as_bytes(),
    );
    top.directory("e/node_modules/six/package.json", 0o755, (0, 0));
    let bom = bom(&[base, top.finish()]);
    assert_eq!(
        references(&bom),
        [
            "pkg:npm/five@2.0.0",
            "pkg:npm/seven@1.0.0",
            "pkg:npm/two@1.0.0"
        ]
    );
}

#[test]
fn names_that_lead_out_of_the_image_are_refused_l1() {
    let mut bytes = layer(&[("aaaaaaaaaa/x", b"")]);
    bytes[..5].copy_from_slice(b"../..");
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(&bytes[..512]);
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    let error = scan(&[bytes]).unwrap_err();
    assert!(error.to_string().contains("goes up with `..`"), "{error}");
}

#[test]
fn a_layer_that_is_not_what_the_image_says_is_refused_l13() {
    let error = scan(&[b"no archive at all".to_vec()]).unwrap_err();
    assert!(error.to_string().starts_with("layer sha256:"), "{error}");
}

#[test]
fn compressed_layers_are_read_and_held_to_their_diff_ids_l13() {
    let content = package_json("a", "1.0.0");
    let tar = layer(&[("node_modules/a/package.json", content.as_bytes())]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &tar).unwrap();
    let gzip = gzip.finish().unwrap();
    let programs = crate::Programs::new();
    let bom = scan_stored(&[(&gzip, Digest::of(&tar))], &programs).unwrap();
    assert_eq!(references(&bom), ["pkg:npm/a@1.0.0"]);
    let error = scan_stored(&[(&gzip, Digest::of(&gzip))], &programs).unwrap_err();
    assert!(
        error.to_string().contains("its content is sha256:"),
        "{error}"
    );
}

#[test]
fn what_is_too_large_or_damaged_is_told_in_the_bill_l12() {
    let large = vec![b' '; 70_000];
    let bom = bom(&[layer(&[
        ("etc/os-release", &large),
        ("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0but no more"),
        ("var/lib/rpm/rpmdb.sqlite-wal", b"x"),
    ])]);
    let gaps: Vec<&str> = bom.gaps().collect();
    insta::assert_snapshot!(gaps.join("\n"), @r"
    /etc/os-release: it has more than 64 KiB
    /var/lib/rpm/rpmdb.sqlite-wal: changes that are not in the database yet are not read
    /var/lib/rpm/rpmdb.sqlite: it is no database of SQLite, or damaged
    ");
    assert_eq!(bom.packages().len(), 0);
    // What a later layer removes is missed by nobody.
    let mut top = Layer::new();
    top.file("etc/.wh.os-release", 0o644, (0, 0), b"");
    let bottom = layer(&[("etc/os-release", &large)]);
    assert_eq!(self::bom(&[bottom, top.finish()]).gaps().len(), 0);
}

#[test]
fn the_time_of_an_image_is_told_in_whole_seconds_and_in_utc() {
    for (stated, told) in [
        (
            Some("2024-02-03T04:05:06.789+01:00"),
            "2024-02-03T03:05:06Z",
        ),
        (Some("0001-01-01T00:00:00Z"), "1970-01-01T00:00:00Z"),
        (Some("yesterday"), "1970-01-01T00:00:00Z"),
        (None, "1970-01-01T00:00:00Z"),
    ] {
        assert_eq!(super::created(stated), told);
    }
}

#[test]
fn names_nobody_could_install_are_left_out() {
    let bom = bom(&[layer(&[(
        "lib/apk/db/installed",
        "P:a\u{202e}b\nV:1\n\nP:two words\nV:1\n\nP:esc\u{1b}[2J\nV:1\n\nP:fine\nV:1 \n\nV:2\n"
            .as_bytes(),
    )])]);
    assert_eq!(references(&bom), ["pkg:apk/fine@1"]);
}

#[test]
fn the_same_image_is_the_same_document_and_the_order_of_its_files_counts_for_nothing() {
    let status = ("var/lib/dpkg/status", STATUS.as_bytes());
    let os = ("usr/lib/os-release", OS.as_bytes());
    let npm = package_json("a", "1.0.0");
    let npm = ("app/node_modules/a/package.json", npm.as_bytes());
    let image = [layer(&[status, os, npm])];
    for document in [crate::spdx::document, crate::cyclonedx::document] {
        assert_eq!(
            document(&bom(&image)).unwrap(),
            document(&bom(&image)).unwrap()
        );
    }
    let shuffled = bom(&[layer(&[npm]), layer(&[os, status])]);
    assert!(bom(&image).packages().eq(shuffled.packages()));
}
