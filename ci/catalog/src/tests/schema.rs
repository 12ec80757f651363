//! The committed JSON schemas are those of the code.

use std::path::PathBuf;

use proptest::prelude::*;

use crate::{Name, Platform, SchemaKind, json_schema};

fn committed(kind: SchemaKind) -> PathBuf {
    let file = match kind {
        SchemaKind::Pipeline => "pipeline.schema.json",
        SchemaKind::Service => "service.schema.json",
    };
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("schema")
        .join(file)
}

#[test]
fn committed_schemas_are_current() {
    for kind in [SchemaKind::Pipeline, SchemaKind::Service] {
        let path = committed(kind);
        let current = serde_json::to_string_pretty(&json_schema(kind)).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == current,
            "{} is not what the code says.\nTo write it anew: UPDATE_SCHEMA=1 cargo test -p ci-catalog committed_schemas",
            path.display(),
        );
    }
}

#[test]
fn every_key_is_documented() {
    fn walk(schema: &serde_json::Value, path: &str) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            assert!(
                property["description"].is_string(),
                "{path} has no description"
            );
            walk(property, &path);
            walk(&property["items"], &path);
            walk(&property["additionalProperties"], &path);
        }
    }
    walk(&json_schema(SchemaKind::Pipeline), "pipeline");
    walk(&json_schema(SchemaKind::Service), "service");
}

#[test]
fn schemas_have_no_null_and_no_references() {
    for kind in [SchemaKind::Pipeline, SchemaKind::Service] {
        let text = json_schema(kind).to_string();
        assert!(!text.contains("null") && !text.contains("$ref"), "{text}");
    }
}

/// The pattern as a generator of texts takes it.
fn unanchored(pattern: &'static str) -> &'static str {
    pattern.trim_start_matches('^').trim_end_matches('$')
}

proptest! {
    #[test]
    fn what_the_name_pattern_matches_is_a_name(text in unanchored(crate::name::PATTERN)) {
        // Most generated texts are longer than a name may be, which a pattern cannot say as well.
        prop_assert!(crate::name::is_component(&text));
        prop_assert_eq!(text.parse::<Name>().is_ok(), text.len() <= 63);
    }

    #[test]
    fn what_the_platform_pattern_matches_is_a_platform(text in unanchored(crate::platform::PATTERN)) {
        prop_assert!(text.parse::<Platform>().is_ok());
    }
}
