//! What queries are refused, and with which words.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use insta::assert_snapshot;
use serde_json::json;

use super::garden::{Garden, SCHEMA, Thing};
use super::{data, refusal, run, run_with};
use crate::Request;

#[tokio::test]
async fn unknown_names_are_answered_with_the_nearest() {
    assert_snapshot!(refusal("{ pott { id } }").await, @r#"Cannot query field "pott" on type "Query". Did you mean "pot" or "pots"?"#);
    assert_snapshot!(refusal("{ pot { zzz } }").await, @r#"Cannot query field "zzz" on type "Pot"."#);
    assert_snapshot!(refusal("{ pot { wiht(plant: \"x\") { id } } }").await, @r#"Cannot query field "wiht" on type "Pot". Did you mean "with"?"#);
    assert_snapshot!(refusal("{ pot { with(plnat: \"x\", plant: \"y\") { id } } }").await, @r#"Unknown argument "plnat" on field "Pot.with". Did you mean "plant"?"#);
    assert_snapshot!(refusal("{ pot(color: BLUE) { id } }").await, @r#"Argument "color" of field "Query.pot": "BLUE" is no Color."#);
    assert_snapshot!(refusal("{ pot(color: GREN) { id } }").await, @r#"Argument "color" of field "Query.pot": "GREN" is no Color. Did you mean "GREEN" or "Green"?"#);
    assert_snapshot!(refusal("{ pot { ...Frag } } fragment Frog on Pot { id }").await, @r#"Unknown fragment "Frag". Did you mean "Frog"?"#);
    assert_snapshot!(refusal("{ ... on Pots { id } }").await, @r#"Fragments can only be on objects and interfaces, and "Pots" is none. Did you mean "Pot"?"#);
    assert_snapshot!(refusal("{ node(id: \"x\") { plants } }").await, @r#"Cannot query field "plants" on type "Node". It is a field of "Pot": write "... on Pot { plants }"."#);
}

#[tokio::test]
async fn nothing_runs_before_the_whole_query_is_valid() {
    let garden = Arc::new(Garden::default());
    let query = "{ pot { grow { grow { grow { nosuch } } } } }";
    let response = SCHEMA
        .execute(garden.clone(), Thing::Root, Request::new(query))
        .await;
    assert_eq!(response.errors().len(), 1);
    assert_eq!(response.to_data(), None);
    assert_eq!(garden.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_error_of_the_query_says_where() {
    let answer = run("{\n  pot {\n    é: plants\n  }\n}").await;
    assert_eq!(
        answer["errors"][0]["locations"],
        json!([{ "line": 3, "column": 5 }])
    );
    let answer = run("{\n  pot {\n    plants nosuch\n  }\n}").await;
    assert_eq!(
        answer["errors"][0]["locations"],
        json!([{ "line": 3, "column": 12 }])
    );
    assert_eq!(answer.get("data"), None);
}

#[tokio::test]
async fn arguments_are_checked_against_the_table() {
    assert_snapshot!(refusal("{ pot { with { id } } }").await, @r#"Argument "plant" of field "Pot.with": a value is required (String!)."#);
    assert_snapshot!(refusal("{ pot { with(plant: null) { id } } }").await, @r#"Argument "plant" of field "Pot.with": a value is required (String!)."#);
    assert_snapshot!(refusal("{ pot { with(plant: rose) { id } } }").await, @r#"Argument "plant" of field "Pot.with": expected String, found a name without quotes."#);
    assert_snapshot!(refusal("{ pot { with(plant: \"a\", plant: \"b\") { id } } }").await, @r#"Argument "plant" is given twice."#);
    assert_snapshot!(refusal("{ pot { with(plant: \"a\", labels: [{name: 1}]) { id } } }").await, @r#"Argument "labels[0].name" of field "Pot.with": expected String, found an Int."#);
    assert_snapshot!(refusal("{ pot { with(plant: \"a\", labels: [{nam: \"x\"}]) { id } } }").await, @r#"Argument "labels[0]" of field "Pot.with": "Label" has no field "nam". Did you mean "name"?"#);
    assert_snapshot!(refusal("{ pot { with(plant: \"a\", labels: [{}]) { id } } }").await, @r#"Argument "labels[0].name" of field "Pot.with": a value is required (String!)."#);
    assert_snapshot!(refusal("{ args(i: 9223372036854775808) }").await, @r#"Argument "i" of field "Query.args": expected Int, found a Float."#);
    assert_snapshot!(refusal("{ args(f: 1e999) }").await, @r#"Argument "f" of field "Query.args": the number is too large."#);
    assert_snapshot!(refusal("{ args(list: [1, null]) }").await, @r#"Argument "list[1]" of field "Query.args": expected Int!, found null."#);
    assert_snapshot!(refusal("{ args(s: $undeclared) }").await, @r#"Argument "s" of field "Query.args": variable "$undeclared" is not declared."#);
    assert_snapshot!(refusal("{ args(label: {name: \"a\", name: \"b\"}) }").await, @r#"Argument "label" of field "Query.args": field "name" is given twice."#);
}

/// S4: what is given for an argument may be a secret, and does not come back in a message.
#[tokio::test]
async fn values_are_not_repeated_in_messages() {
    for query in [
        "{ args(i: \"hunter2\") }",
        "{ args(b: [\"hunter2\"]) }",
        "{ args(label: \"hunter2\") }",
        "{ pot { with(plant: [\"hunter2\"]) { id } } }",
    ] {
        assert!(!run(query).await.to_string().contains("hunter2"), "{query}");
    }
    let answer = run_with(
        "query($v: String!) { args(i: $v) }",
        json!({ "v": "hunter2" }),
    )
    .await;
    assert!(answer["errors"].is_array() && !answer.to_string().contains("hunter2"));
}

/// The arguments as the resolver gets them.
async fn args(list: &str) -> String {
    data(&format!("{{ args({list}) }}")).await["args"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn arguments_are_coerced_to_their_types() {
    assert_snapshot!(args("s: \"x\"").await, @r#"{"d":"a\tdefault","s":"x"}"#);
    assert_snapshot!(args("list: 1, id: 7, f: 3").await, @r#"{"d":"a\tdefault","f":3,"id":"7","list":[1]}"#);
    assert_snapshot!(args("i: -12345678901, b: true, f: -1.5e3").await, @r#"{"b":true,"d":"a\tdefault","f":-1500.0,"i":-12345678901}"#);
    assert_snapshot!(args("c: GREEN, p: \"linux/amd64\"").await, @r#"{"c":"Green","d":"a\tdefault","p":"linux/amd64"}"#);
    assert_snapshot!(args("deep: [[\"a\", null], \"b\"], d: null").await, @r#"{"d":"a\tdefault","deep":[["a",null],["b"]]}"#);
    assert_snapshot!(args("labels: {name: \"a\", inner: {name: \"b\", value: \"c\"}}").await, @r#"{"d":"a\tdefault","labels":[{"inner":{"name":"b","value":"c"},"name":"a","value":"none"}]}"#);
}

/// Clients quote enums, use their aliases, and give arguments in any order: it is all the same call.
#[tokio::test]
async fn equal_calls_have_equal_canonical_arguments() {
    let reference = args("c: Green, i: 1").await;
    for equal in [
        "i: 1, c: GREEN",
        "c: \"GREEN\", i: 1",
        "c: \"Green\", i: 1, s: null",
        "i: 1 c: Green d: \"a\\u0009default\"",
    ] {
        assert_eq!(args(equal).await, reference, "{equal}");
    }
}

#[tokio::test]
async fn variables_are_coerced_where_they_are_used() {
    let query = r#"query($s: String = "d", $c: Color!, $l: Label, $n: [Int!], $unset: ID) {
        args(s: $s, c: $c, label: $l, list: $n, id: $unset, labels: [{name: $s}])
    }"#;
    let answer = run_with(
        query,
        json!({ "c": "RED", "l": { "name": "x", "color": "GREEN" }, "n": 4, "other": 1 }),
    )
    .await;
    assert_snapshot!(answer["data"]["args"].as_str().unwrap_or_default(), @r#"{"c":"crimson","d":"a\tdefault","label":{"color":"Green","name":"x","value":"none"},"labels":[{"name":"d","value":"none"}],"list":[4],"s":"d"}"#);
}

#[tokio::test]
async fn variables_are_refused_that_do_not_fit() {
    let message =
        async |query, variables| run_with(query, variables).await["errors"][0]["message"].clone();
    assert_snapshot!(message("query($c: Color!) { args(c: $c) }", json!({})).await, @r#""Variable \"$c\" of type \"Color!\" is required and was not provided.""#);
    assert_snapshot!(message("query($c: Color!) { args(c: $c) }", json!({ "c": null })).await, @r#""Variable \"$c\" of type \"Color!\" is required and was not provided.""#);
    assert_snapshot!(message("query($c: Color) { args(c: $c) }", json!({ "c": 1 })).await, @r#""Argument \"c\" of field \"Query.args\": expected Color, found an Int.""#);
    assert_snapshot!(message("query($c: Pot) { args }", json!({})).await, @r#""Variable \"$c\" of type \"Pot\" needs an input type.""#);
    assert_snapshot!(message("query($c: Int $c: Int) { args(i: $c) }", json!({})).await, @r#""Variable \"$c\" of type \"Int\" is declared twice.""#);
    assert_snapshot!(message("query($s: String) { pot { with(plant: $s) { id } } }", json!({})).await, @r#""Argument \"plant\" of field \"Pot.with\": a value is required (String!).""#);
}

#[tokio::test]
async fn selections_must_fit_their_types() {
    assert_snapshot!(refusal("{ pot }").await, @r#"Field "pot" of type "Pot" must have a selection of subfields."#);
    assert_snapshot!(refusal("{ pot { plants { id } } }").await, @r#"Field "plants" must not have a selection since type "String" has no subfields."#);
    assert_snapshot!(refusal("{ pot { __typename(x: 1) } }").await, @r#"Unknown argument "x" on field "Pot.__typename"."#);
    assert_snapshot!(refusal("{ a: pot { id } a: maybe { id } }").await, @r#""a" is asked for twice in different ways: use different aliases."#);
    assert_snapshot!(refusal("{ a: pot { id } a: pot(color: RED) { id } }").await, @r#""a" is asked for twice in different ways: use different aliases."#);
    assert_snapshot!(refusal("{ pot @skip { id } }").await, @r#"Directive "@skip": it takes one argument, "if"."#);
    assert_snapshot!(refusal("{ pot @include(if: \"yes\") { id } }").await, @r#"Directive "@include": expected Boolean, found a String."#);
}

#[tokio::test]
async fn fragments_that_contain_themselves_are_refused() {
    assert_snapshot!(refusal("{ pot { ...A } } fragment A on Pot { grow { ...A } }").await, @r#"Fragment "A" contains itself."#);
    let round = "{ pot { ...X } } fragment X on Pot { ...A } fragment A on Pot { ...B id } fragment B on Pot { grow { ...C } } fragment C on Pot { ...B }";
    assert_snapshot!(refusal(round).await, @r#"Fragment "B" contains itself."#);
}

#[tokio::test]
async fn operations_that_are_no_queries_are_refused_politely() {
    assert_snapshot!(refusal("mutation { pot { id } }").await, @"The schema has no mutations: everything is a query.");
    assert_snapshot!(refusal("subscription S { pot { id } }").await, @"The schema has no subscriptions: everything is a query.");
    assert_snapshot!(refusal("query A { pot { id } } query B { pot { id } }").await, @"The query has several operations: say which one to execute.");
    assert_snapshot!(refusal("fragment A on Pot { id }").await, @"syntax error at 1:25: expected a query, found the end of the query");
}

/// A thousand mistakes cost ten.
#[tokio::test]
async fn only_the_first_errors_are_listed() {
    let answer = run(&format!("{{ {} }}", "nosuch ".repeat(1000))).await;
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(10));
}
