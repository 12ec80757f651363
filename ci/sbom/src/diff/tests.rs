//! What is told of two bills.

use super::*;
use crate::bom::Subject;
use crate::{Ecosystem, cyclonedx};

fn differences(before: &Bom, after: &Bom) -> Vec<Change> {
    diff(&Inventory::of(before), &Inventory::of(after))
}

fn bom(packages: &[(&str, &str)]) -> Bom {
    let package =
        |name: &str, version: &str| Package::new(Ecosystem::Npm, name, Some(version)).unwrap();
    let mut bom = Bom::new(Subject::Program(package("subject", "1")));
    for (name, version) in packages {
        bom.add(package(name, version));
    }
    bom
}

#[test]
fn added_removed_and_changed_packages_are_told_and_no_others() {
    let before = bom(&[
        ("gone", "1.0.0"),
        ("same", "1.0.0"),
        ("twice", "1.0.0"),
        ("up", "1.0.0"),
    ]);
    let after = bom(&[
        ("new", "0.1.0"),
        ("same", "1.0.0"),
        ("twice", "1.0.0"),
        ("twice", "2.0.0"),
        ("up", "1.1.0"),
    ]);
    let told: Vec<String> = differences(&before, &after)
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    npm gone 1.0.0 -> -
    npm new - -> 0.1.0
    npm twice 1.0.0 -> 1.0.0, 2.0.0
    npm up 1.0.0 -> 1.1.0
    ");
    assert_eq!(differences(&after, &after), []);
}

#[test]
fn what_helped_to_build_is_no_change_and_architectures_are_told_apart() {
    let mut before = bom(&[]);
    let mut tool = Package::new(Ecosystem::Cargo, "cc", Some("1.0.0")).unwrap();
    tool.role = Role::BuildTool;
    before.add(tool);
    let mut after = bom(&[]);
    for arch in ["amd64", "i386"] {
        let library = Package::new(Ecosystem::Deb, "libc6", Some("1")).unwrap();
        before.add(library.clone().with("arch", "amd64"));
        after.add(library.with("arch", arch));
    }
    let told: Vec<String> = differences(&before, &after)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told, ["deb libc6 - -> 1"]);
}

#[test]
fn a_document_has_the_same_inventory_as_its_bill() {
    let mut bom = crate::testing::sample();
    bom.add(Package::new(Ecosystem::Npm, "@babel/core", Some("7.0.0")).unwrap());
    bom.add(Package::new(Ecosystem::Golang, "github.com/a/B", None).unwrap());
    let inventory = Inventory::of(&bom);
    assert_eq!(inventory.0.len(), 4);
    assert_eq!(
        Inventory::read(&cyclonedx::document(&bom).unwrap()).unwrap(),
        inventory
    );
}

#[test]
fn documents_of_others_are_read_as_far_as_they_make_sense() {
    let document = br#"{"bomFormat":"CycloneDX","components":[
        {"type":"library","name":"core","group":"@babel","version":"7.0.0","purl":"pkg:npm/%40babel/core@7.0.0"},
        {"type":"library","name":"ab\u001b[2Jc","version":"1","purl":"pkg:npm/abc@1"},
        {"type":"library","name":"a","version":"1","purl":"nonsense"},
        {"type":"library","name":"j","version":"1 2","purl":"pkg:maven/g/j@1"},
        {"type":"file","name":"/etc/passwd"}]}"#;
    let changes = diff(&Inventory::default(), &Inventory::read(document).unwrap());
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["maven j - -> unknown", "npm @babel/core - -> 7.0.0"]);
    assert!(Inventory::read(b"[1]").is_err());
}
