//! What is told of two bills.

use super::*;
use crate::Ecosystem;
use crate::bom::Subject;

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
