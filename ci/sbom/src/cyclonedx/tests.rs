//! Documents as people and programs get them, and those of programs as they are read back.

use super::*;
use crate::testing::{golden, program, sample};

#[test]
fn the_golden_document_tells_all_that_is_known() {
    golden("sample.cdx.json", &document(&sample()).unwrap());
}

#[test]
fn the_document_of_a_program_is_read_back_as_it_was() {
    let program = program();
    let document = document(&program).unwrap();
    let back = read(&document).unwrap();
    assert_eq!(back, program);
    assert_eq!(super::document(&back).unwrap(), document);
}

#[test]
fn other_documents_are_refused() {
    for text in [
        "{}",
        "[]",
        r#"{"metadata":{"component":{"type":"application","name":"a b"}},"components":[],"dependencies":[]}"#,
        // A purl of something else.
        r#"{"metadata":{"component":{"type":"application","name":"a","purl":"pkg:npm/a"}},"components":[],"dependencies":[]}"#,
    ] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn what_could_not_be_read_makes_the_list_incomplete() {
    let aggregate = |bom: &Bom| {
        let document: serde_json::Value = serde_json::from_slice(&document(bom).unwrap()).unwrap();
        document["compositions"][0]["aggregate"].clone()
    };
    let mut bom = program();
    assert_eq!(aggregate(&bom), serde_json::Value::Null);
    bom.gap("something".to_owned());
    assert_eq!(aggregate(&bom), "incomplete");
}
