//! Documents as people and programs get them.

use super::*;
use crate::testing::{golden, sample};

#[test]
fn the_golden_document_tells_all_that_is_known() {
    golden("sample.spdx.json", &document(&sample()).unwrap());
}

#[test]
fn other_content_is_another_namespace() {
    let namespace = |bom: &Bom| {
        let document: serde_json::Value = serde_json::from_slice(&document(bom).unwrap()).unwrap();
        document["documentNamespace"].clone()
    };
    let mut other = sample();
    other.gap("something".to_owned());
    assert_ne!(namespace(&sample()), namespace(&other));
}

#[test]
fn identifiers_are_unique_whatever_packages_are_called() {
    let names = ["@a/b", "a-b", "a/b", "%40a-b", &"x".repeat(200)].map(id);
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    assert!(names.iter().all(|it| it.chars().all(is_plain)));
}
