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
checksum = "1a2b"
[[package]]
name = "macros"
version = "2.0.0"
source = "git+https://example.com/macros?branch=main#abc"
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
    let bytes = document(&lock, root, &compiled(folder.path())).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "bomFormat": "CycloneDX",
      "components": [
        {
          "bom-ref": "pkg:cargo/a@1.0.0%2Bb",
          "hashes": [
            {
              "alg": "SHA-256",
              "content": "1a2b"
            }
          ],
          "licenses": [
            {
              "expression": "MIT OR Apache-2.0"
            }
          ],
          "name": "a",
          "purl": "pkg:cargo/a@1.0.0%2Bb",
          "scope": "required",
          "type": "library",
          "version": "1.0.0+b"
        },
        {
          "bom-ref": "pkg:cargo/macros@2.0.0?vcs_url=git%2Bhttps://example.com/macros%40abc",
          "licenses": [
            {
              "expression": "MIT OR Apache-2.0"
            }
          ],
          "name": "macros",
          "purl": "pkg:cargo/macros@2.0.0?vcs_url=git%2Bhttps://example.com/macros%40abc",
          "scope": "excluded",
          "type": "library",
          "version": "2.0.0"
        },
        {
          "bom-ref": "pkg:cargo/own@3.0.0?repository_url=https://example.com/index/",
          "licenses": [
            {
              "expression": "MIT OR Apache-2.0"
            }
          ],
          "name": "own",
          "purl": "pkg:cargo/own@3.0.0?repository_url=https://example.com/index/",
          "scope": "required",
          "type": "library",
          "version": "3.0.0"
        }
      ],
      "dependencies": [
        {
          "dependsOn": [],
          "ref": "pkg:cargo/a@1.0.0%2Bb"
        },
        {
          "dependsOn": [
            "pkg:cargo/a@1.0.0%2Bb"
          ],
          "ref": "pkg:cargo/macros@2.0.0?vcs_url=git%2Bhttps://example.com/macros%40abc"
        },
        {
          "dependsOn": [],
          "ref": "pkg:cargo/own@3.0.0?repository_url=https://example.com/index/"
        },
        {
          "dependsOn": [
            "pkg:cargo/a@1.0.0%2Bb",
            "pkg:cargo/macros@2.0.0?vcs_url=git%2Bhttps://example.com/macros%40abc",
            "pkg:cargo/own@3.0.0?repository_url=https://example.com/index/"
          ],
          "ref": "web@0.1.0"
        }
      ],
      "metadata": {
        "component": {
          "bom-ref": "web@0.1.0",
          "licenses": [
            {
              "expression": "MIT OR Apache-2.0"
            }
          ],
          "name": "web",
          "type": "application",
          "version": "0.1.0"
        }
      },
      "serialNumber": "urn:uuid:4523889d-193f-8735-a47a-fd0dac78de4a",
      "specVersion": "1.5",
      "version": 1
    }
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
fn the_serial_number_follows_the_content() {
    assert_eq!(serial(b"a"), serial(b"a"));
    assert_ne!(serial(b"a"), serial(b"b"));
    assert_eq!(&serial(b"a")[22..24], "-8");
}
