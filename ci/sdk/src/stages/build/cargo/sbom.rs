//! The bill of materials of a program: CycloneDX 1.5, of the packages that were compiled for it.
//!
//! Which packages those are comes from the build, how they depend on each other from `Cargo.lock`, licences from the manifests.
//! It depends on nothing else: no clock, no random serial number, no path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ci_oci::Digest;
use serde_json::{Value, json};

use super::lockfile::{Index, Locked, Lockfile};
use super::messages::{Package, PackageKey};

/// Writes the document. `root` is the package that the program is of.
pub(super) fn document(
    lock: &Lockfile,
    root: Index,
    compiled: &BTreeMap<PackageKey, Package>,
) -> serde_json::Result<Vec<u8>> {
    let role = |package: &Locked| compiled.get(&(package.name.clone(), package.version.clone()));
    let graph = lock.reachable(root, |package| role(package).is_some());
    let mut components: Vec<Value> = Vec::new();
    let mut dependencies: Vec<Value> = Vec::new();
    for (index, needs) in &graph {
        let Some(package) = lock.get(*index) else {
            continue;
        };
        let needs: BTreeSet<String> = needs
            .iter()
            .filter_map(|index| lock.get(*index).map(reference))
            .collect();
        dependencies.push(json!({ "ref": reference(package), "dependsOn": needs }));
        if *index != root {
            components.push(component(package, role(package)));
        }
    }
    let subject = lock.get(root).map(|package| {
        let mut subject = component(package, role(package));
        subject["type"] = "application".into();
        subject["scope"].take();
        without_nulls(subject)
    });
    let document = |serial: Option<String>| {
        without_nulls(json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "serialNumber": serial,
            "version": 1,
            "metadata": { "component": subject },
            "components": components,
            "dependencies": dependencies,
        }))
    };
    let serial = serial(&serde_json::to_vec(&document(None))?);
    let mut bytes = serde_json::to_vec_pretty(&document(Some(serial)))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A serial number that is a function of the content: a UUID of version 8, whose digits are ours to choose (RFC 9562).
fn serial(content: &[u8]) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Digest::of(content).as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

/// A name for the package that no other of the document has.
fn reference(package: &Locked) -> String {
    purl(package).unwrap_or_else(|| format!("{}@{}", package.name, package.version))
}

/// The package URL of what others can get, too (purl specification, type `cargo`).
fn purl(package: &Locked) -> Option<String> {
    let source = package.source.as_deref()?;
    let base = format!("pkg:cargo/{}@{}", package.name, encoded(&package.version));
    if let Some(git) = source.strip_prefix("git+") {
        let (url, commit) = git.split_once('#').unwrap_or((git, ""));
        let url = url.split('?').next().unwrap_or_default();
        let vcs = format!("git+{url}@{commit}");
        return Some(format!("{base}?vcs_url={}", encoded(&vcs)));
    }
    // The registry that is meant without another word is the one that lock files call this.
    if source.starts_with("registry+") && source.ends_with("/crates.io-index") {
        return Some(base);
    }
    let url = source.split_once('+').map_or(source, |(_, url)| url);
    Some(format!("{base}?repository_url={}", encoded(url)))
}

/// Percent-encoded as the purl specification wants values.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' | b'/' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn component(package: &Locked, role: Option<&Package>) -> Value {
    let hashes = package
        .checksum
        .as_ref()
        .map(|checksum| json!([{ "alg": "SHA-256", "content": checksum }]));
    let scope = match role {
        Some(role) if role.is_linked => "required",
        // It helped to compile: build scripts, procedural macros and what these use.
        _ => "excluded",
    };
    let license = role.and_then(|role| license(&role.folder));
    without_nulls(json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "scope": scope,
        "hashes": hashes,
        "licenses": license.map(|expression| json!([{ "expression": expression }])),
        "purl": purl(package),
    }))
}

/// The licence that a package's manifest declares, as an SPDX expression.
fn license(folder: &Path) -> Option<String> {
    let manifest = manifest(folder)?;
    let license = match manifest.get("package")?.get("license")? {
        // The workspace's, for members that say so.
        toml::Value::Table(_) => folder.ancestors().find_map(|dir| {
            let manifest = self::manifest(dir)?;
            let package = manifest.get("workspace")?.get("package")?;
            Some(package.get("license")?.as_str()?.to_owned())
        })?,
        license => license.as_str()?.to_owned(),
    };
    // An older notation that SPDX does not know.
    Some(license.replace('/', " OR ").replace("  ", " "))
}

fn manifest(folder: &Path) -> Option<toml::Table> {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    text.parse().ok()
}

/// CycloneDX has no nulls: what is not known is not there.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
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
}
