//! Tests of the bill of materials.

use super::*;

const LOCK: &str = r#"
version = 4
[[package]]
name = "web"
version = "0.1.0"
dependencies = ["a", "macros", "own", "windows"]
[[package]]
name = "a"
version = "1.0.0+b"
source = "registry+https://example.com/crates.io-index"
checksum = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
[[package]]
name = "macros"
version = "2.0.0"
source = "git+https://user:secret@example.com/macros?branch=main#abc"
dependencies = ["a"]
[[package]]
name = "own"
version = "3.0.0"
source = "sparse+https://example.com/index/"
[[package]]
name = "windows"
version = "1.0.0"
source = "registry+https://example.com/crates.io-index"
"#;

fn compiled(folder: &Path) -> BTreeMap<PackageKey, Package> {
    let package = |name: &str, version: &str, is_linked| {
        let package = Package {
            folder: folder.to_owned(),
            is_local: false,
            is_linked,
        };
        ((name.to_owned(), version.to_owned()), package)
    };
    BTreeMap::from([
        package("web", "0.1.0", true),
        package("a", "1.0.0+b", true),
        package("macros", "2.0.0", false),
        package("own", "3.0.0", true),
    ])
}

#[test]
fn the_document_lists_what_was_compiled_and_how_it_hangs_together() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("Cargo.toml"),
        "[package]\nlicense = \"MIT/Apache-2.0\"\n",
    )
    .unwrap();
    let lock = Lockfile::parse(LOCK).unwrap();
    let root = lock.local("web", "0.1.0").unwrap();
    let bytes = document(
        &lock,
        root,
        &compiled(folder.path()),
        &Digest::of("program"),
    )
    .unwrap();
    // What the format makes of it is under test in its own crate.
    let bom = cyclonedx::read(&bytes).unwrap();
    let told = |package: &ci_sbom::Package| {
        let needs = bom.dependencies().get(&package.reference());
        let license = package.license.as_ref().unwrap().expression();
        let checksum = package.checksum.as_ref().map(|it| &it.hex()[..4]);
        let (reference, role) = (package.reference(), package.role);
        format!("{reference}\n  {role:?}, {license}, {checksum:?}\n  {needs:?}\n")
    };
    let Subject::Program(subject) = &bom.subject else {
        panic!("{:?}", bom.subject);
    };
    let all: String = bom.packages().chain([subject]).map(told).collect();
    insta::assert_snapshot!(all, @r#"
    pkg:cargo/a@1.0.0%2Bb
      Library, MIT OR Apache-2.0, Some("aaaa")
      None
    pkg:cargo/macros@2.0.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fmacros%40abc
      BuildTool, MIT OR Apache-2.0, None
      Some({"pkg:cargo/a@1.0.0%2Bb"})
    pkg:cargo/own@3.0.0?repository_url=https:%2F%2Fexample.com%2Findex%2F
      Library, MIT OR Apache-2.0, None
      None
    web@0.1.0
      Application, MIT OR Apache-2.0, Some("1310")
      Some({"pkg:cargo/a@1.0.0%2Bb", "pkg:cargo/macros@2.0.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fmacros%40abc", "pkg:cargo/own@3.0.0?repository_url=https:%2F%2Fexample.com%2Findex%2F"})
    "#);
}

#[test]
fn a_member_has_the_licence_of_its_workspace_if_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let member = dir.path().join("a/b");
    std::fs::create_dir_all(&member).unwrap();
    let write = |dir: &Path, text| std::fs::write(dir.join("Cargo.toml"), text).unwrap();
    write(dir.path(), "[workspace.package]\nlicense = \"MIT\"\n");
    write(&member, "[package]\nlicense.workspace = true\n");
    assert_eq!(license(&member).as_deref(), Some("MIT"));
    write(&member, "[package]\nlicense-file = \"L\"\n");
    assert_eq!(license(&member), None);
}

#[test]
fn who_asks_for_a_package_is_not_told_s1() {
    for (url, told) in [
        (
            "https://user:secret@example.com/a@b",
            "https://example.com/a@b",
        ),
        ("ssh://git@example.com/a", "ssh://example.com/a"),
        ("https://example.com", "https://example.com"),
        ("file:/a", "file:/a"),
    ] {
        assert_eq!(without_user(url), told);
    }
}
