//! Edits of files as Docker, people and nobody write them.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn config(text: &str) -> Config {
    Config::parse(text.to_owned()).unwrap()
}

const DOCKER: &str = "{\n\t\"auths\": {\n\t\t\"ghcr.io\": {\n\t\t\t\"auth\": \"YTpi\"\n\t\t}\n\t},\n\t\"HttpHeaders\": {\"b\": 1, \"a\": 1.0},\n\t\"psFormat\": \"\\u0041\"\n}";

#[test]
fn a_new_file_looks_like_docker_s() {
    let new = config("").with("ghcr.io", Some("YTpi")).unwrap();
    assert_snapshot!(new, @r#"
    {
    	"auths": {
    		"ghcr.io": {
    			"auth": "YTpi"
    		}
    	}
    }
    "#);
    for empty in ["{}\n", " \n"] {
        assert_eq!(config(empty).with("ghcr.io", Some("YTpi")).unwrap(), new);
    }
}

#[test]
fn an_entry_is_added_and_every_other_byte_stays() {
    let text = config(DOCKER).with("a.example:5000", Some("eDp5")).unwrap();
    assert_snapshot!(text.replace('\t', "    "), @r#"
    {
        "auths": {
            "ghcr.io": {
                "auth": "YTpi"
            },
            "a.example:5000": {
                "auth": "eDp5"
            }
        },
        "HttpHeaders": {"b": 1, "a": 1.0},
        "psFormat": "\u0041"
    }
    "#);
    assert!(text.starts_with(DOCKER.split_once("\n\t},").unwrap().0));
    assert!(text.ends_with(DOCKER.split_once("\n\t},").unwrap().1));
}

#[test]
fn an_entry_is_replaced_and_removed_where_it_stands() {
    let replaced = config(DOCKER).with("ghcr.io", Some("bmV3")).unwrap();
    assert_eq!(replaced, DOCKER.replace("YTpi", "bmV3"));
    let emptied = config(DOCKER).with("ghcr.io", None).unwrap();
    assert!(emptied.contains("\"ghcr.io\": {}"), "{emptied}");
    let removed = config(DOCKER).without("ghcr.io").unwrap();
    assert!(removed.contains("\"auths\": {},\n"), "{removed}");
    assert_eq!(config(DOCKER).without("other").unwrap(), DOCKER);
}

#[test]
fn the_last_the_first_and_a_doubled_entry_can_be_removed() {
    let text = r#"{"auths": {"a": {}, "b": {"auth": "x"}, "c": {}, "b": {}}}"#;
    assert_eq!(
        config(text).without("a").unwrap(),
        r#"{"auths": { "b": {"auth": "x"}, "c": {}, "b": {}}}"#
    );
    assert_eq!(
        config(text).without("b").unwrap(),
        r#"{"auths": {"a": {}, "c": {}}}"#
    );
    let first = r#"{"auths":{"b":{},"b":{},"c":{}}}"#;
    assert_eq!(config(first).without("b").unwrap(), r#"{"auths":{"c":{}}}"#);
}

#[test]
fn files_without_auths_get_them_in_their_own_style() {
    let text = "{\n  \"credsStore\": \"\",\n  \"x\": []\n}\n";
    assert_snapshot!(config(text).with("ghcr.io", Some("YTpi")).unwrap(), @r#"
    {
      "credsStore": "",
      "x": [],
      "auths": {
        "ghcr.io": {
          "auth": "YTpi"
        }
      }
    }
    "#);
    assert_snapshot!(config("{\"auths\": null}").with("ghcr.io", Some("YTpi")).unwrap(), @r#"
    {"auths": {
    	"ghcr.io": {
    		"auth": "YTpi"
    	}
    }}
    "#);
    assert_snapshot!(config("{\"a\":1}").with("g\"h", None).unwrap(), @r#"
    {"a":1,"auths": {
    	"g\"h": {}
    }}
    "#);
}

#[test]
fn the_helper_of_a_registry_comes_before_that_of_all() {
    let text = r#"{"credsStore": "secretservice", "credHelpers": {"ghcr.io": "pass", "x": ""}}"#;
    let config = config(text);
    assert_eq!(config.helper("ghcr.io"), Some("pass"));
    assert_eq!(config.helper("x"), Some("secretservice"));
    assert_eq!(Config::parse("{}".to_owned()).unwrap().helper("x"), None);
}

#[test]
fn what_docker_would_not_write_is_refused() {
    for text in [
        "[]",
        "{",
        "{\"auths\": []}",
        "{\"credHelpers\": 1}",
        "{} {}",
    ] {
        assert!(Config::parse(text.to_owned()).is_err(), "{text}");
    }
}

proptest! {
    /// Whatever is there: what was stored is found, what was removed is not, and nothing else changes.
    #[test]
    fn edits_are_faithful(
        keys in prop::collection::btree_set("[a-c\"\\\\/.:é]{1,3}", 0..4),
        key in "[a-c\"\\\\/.:é]{1,3}",
        pretty in any::<bool>(),
    ) {
        let auths: serde_json::Map<_, _> = keys.iter().map(|key| (key.clone(), serde_json::json!({"auth": "eA=="}))).collect();
        let value = serde_json::json!({"a": [1, {"b": "},{"}], "auths": auths, "z": {}});
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        let mut expected = value.clone();
        expected["auths"][&key] = serde_json::json!({"auth": "eTp5"});
        let with = config(&text).with(&key, Some("eTp5")).unwrap();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&with).unwrap(), expected.clone());
        expected["auths"].as_object_mut().unwrap().remove(&key);
        let without = config(&with).without(&key).unwrap();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&without).unwrap(), expected);
        if !keys.is_empty() && !keys.contains(&key) {
            prop_assert_eq!(without, text);
        }
    }
}
