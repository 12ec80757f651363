//! Package URLs.

use super::*;
use crate::sources::System;

fn purl(ecosystem: Ecosystem, name: &str, version: &str) -> String {
    let package = Package::new(ecosystem, name, Some(version)).unwrap();
    package.purl().unwrap().to_owned()
}

#[test]
fn every_ecosystem_has_its_rules() {
    assert_eq!(
        purl(Ecosystem::Npm, "@babel/core", "7.0.0"),
        "pkg:npm/%40babel/core@7.0.0"
    );
    assert_eq!(
        purl(Ecosystem::Pypi, "Zope_Interface", "6.0+local"),
        "pkg:pypi/zope-interface@6.0%2Blocal"
    );
    assert_eq!(
        purl(Ecosystem::Golang, "github.com/BurntSushi/TOML", "v1"),
        "pkg:golang/github.com/burntsushi/toml@v1"
    );
    assert_eq!(
        purl(Ecosystem::Cargo, "Inflector", "0.11.4"),
        "pkg:cargo/Inflector@0.11.4"
    );
    assert_eq!(
        purl(Ecosystem::Deb, "g++", "4:12.2~x"),
        "pkg:deb/g%2B%2B@4:12.2~x"
    );
}

#[test]
fn a_distribution_is_in_the_purls_of_its_packages_alone() {
    let system = System {
        id: "fedora".into(),
        version: Some("40".into()),
        name: "Fedora".into(),
    };
    let purl = |ecosystem| {
        let mut package = Package::new(ecosystem, "a", Some("1"))
            .unwrap()
            .with("arch", "x86_64");
        package.identify(Some(&system));
        package.purl().unwrap().to_owned()
    };
    assert_eq!(
        purl(Ecosystem::Rpm),
        "pkg:rpm/fedora/a@1?arch=x86_64&distro=fedora-40"
    );
    assert_eq!(purl(Ecosystem::Npm), "pkg:npm/a@1?arch=x86_64");
}

#[test]
fn what_nobody_can_get_has_no_purl() {
    let package = Package::new(Ecosystem::Cargo, "web", Some("0.1.0"))
        .unwrap()
        .private();
    assert_eq!(
        (package.purl(), package.reference()),
        (None, "web@0.1.0".to_owned())
    );
}

#[test]
fn texts_that_are_no_names_make_no_package() {
    let long = "x".repeat(600);
    for name in ["", "a b", "a\nb", "\u{1b}[31m", "a\u{202e}b", &long] {
        assert_eq!(Package::new(Ecosystem::Npm, name, None), None, "{name:?}");
        assert!(name.is_empty() || Package::new(Ecosystem::Npm, "a", Some(name)).is_none());
    }
    // No version is fine.
    assert_eq!(
        Package::new(Ecosystem::Npm, "a", Some(" "))
            .unwrap()
            .version,
        None
    );
}

#[test]
fn checksums_have_the_length_of_their_algorithm() {
    let hex = "AB".repeat(32);
    let checksum = Checksum::new(ChecksumAlgorithm::Sha256, &hex).unwrap();
    assert_eq!(checksum.hex(), hex.to_lowercase());
    assert_eq!(Checksum::new(ChecksumAlgorithm::Sha512, &hex), None);
    assert_eq!(
        Checksum::new(ChecksumAlgorithm::Sha1, &"x".repeat(40)),
        None
    );
}
