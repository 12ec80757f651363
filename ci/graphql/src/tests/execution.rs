//! What queries are answered.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::garden::{Garden, SCHEMA, Thing};
use super::{data, read, respond, run, run_with};
use crate::Request;

/// A query of `depth` calls in a chain.
fn chain(start: &str, call: &str, depth: usize, end: &str) -> String {
    let open = call.matches('{').count() - call.matches('}').count() + 1;
    let calls = format!("{call} {{ ").repeat(depth);
    format!(
        "{{ {start} {{ {calls} {end} {} }} }}",
        "} ".repeat(depth * open)
    )
}

/// Runs a test on a stack that twenty thousand levels of recursion would overflow, had each level but a dozen bytes of it.
fn on_a_small_stack(test: impl AsyncFnOnce() + Send + 'static) {
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(test())
    };
    let thread = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .expect("a thread");
    thread.join().expect("no overflow");
}

#[tokio::test]
async fn a_chain_is_answered_as_it_is_nested() {
    let answer = data(r#"query { pot { with(plant: "rose") { with(labels: [{name: "n"}], plant: "fern") { plants } } } }"#).await;
    assert_eq!(
        answer,
        json!({ "pot": { "with": { "with": { "plants": ["rose", "fern", "n=none"] } } } })
    );
}

#[test]
fn a_chain_of_any_depth_needs_only_heap() {
    on_a_small_stack(async || {
        let calls = [
            "plantsAs(other: \"x\")",
            "grow",
            "a: grow",
            "lid { id } color grow",
            "... on Pot { grow",
            "... @include(if: true) { b: grow { lid { id } } color grow",
        ];
        for call in calls {
            let query = chain("pot", call, 20_000, "plants");
            let response = respond(Request::new(&query)).await;
            assert_eq!(response.errors(), [], "{call}");
            let text = response.to_json_string();
            assert!(
                text.starts_with(r#"{"data":{"pot":{"#) && text.contains(r#""plants":["#),
                "{}",
                &text[..100]
            );
            assert!(text.matches('{').count() > 20_000, "{call}");
        }
    });
}

/// An error at the far end of a chain of non-null fields takes the whole answer with it, without recursion either.
#[test]
fn an_error_at_the_end_of_a_deep_chain_has_its_path() {
    on_a_small_stack(async || {
        let query = chain("pots(count: 1)", "grow", 20_000, "color");
        let response = respond(Request::new(&query)).await;
        assert_eq!(response.to_data(), Some(json!(null)));
        assert_eq!(response.errors()[0].path.len(), 20_003);
        assert!(
            response
                .to_json_string()
                .ends_with(r#""color"]}],"data":null}"#)
        );
    });
}

#[tokio::test]
async fn answers_come_under_aliases() {
    let answer =
        data("{ first: pot { list: plants } second: pot(color: RED) { color c: color } }").await;
    assert_eq!(
        answer,
        json!({ "first": { "list": [] }, "second": { "color": "RED", "c": "RED" } })
    );
}

#[tokio::test]
async fn keys_keep_the_order_of_the_query() {
    let text = respond(Request::new(
        "{ z: maybe { id } a: pot { lid { id } color plants } m: maybe { id } }",
    ))
    .await
    .to_json_string();
    assert_eq!(
        text,
        r#"{"data":{"z":null,"a":{"lid":{"id":"Lid"},"color":"Green","plants":[]},"m":null}}"#
    );
}

/// Three fields that each wait for the other two.
#[tokio::test]
async fn siblings_run_at_the_same_time() {
    let both = data("{ a: meet pot { grow { grow { plants } } } b: meet c: meet }");
    let answer = tokio::time::timeout(Duration::from_secs(10), both)
        .await
        .expect("they met");
    assert_eq!(
        answer,
        json!({ "a": "met", "pot": { "grow": { "grow": { "plants": ["++"] } } }, "b": "met", "c": "met" })
    );
}

#[tokio::test]
async fn what_runs_for_a_request_ends_with_it() {
    let garden = Arc::new(Garden::default());
    let mut request = Box::pin(SCHEMA.execute(
        garden.clone(),
        Thing::Root,
        Request::new("{ a: meet b: meet }"),
    ));
    assert!(futures::poll!(&mut request).is_pending());
    assert_eq!(garden.waiting.load(Ordering::SeqCst), 2);
    drop(request);
    assert_eq!(garden.waiting.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn lists_of_objects_are_asked_item_by_item() {
    let answer =
        data("{ pots(count: 3) { plants grow { plants } } none: pots(count: 0) { id } }").await;
    let pot = |n: &str| json!({ "plants": [n], "grow": { "plants": [format!("{n}+")] } });
    assert_eq!(
        answer,
        json!({ "pots": [pot("0"), pot("1"), pot("2")], "none": [] })
    );
}

#[tokio::test]
async fn an_interface_is_asked_through_the_object_behind_it() {
    let answer =
        data(r#"{ node(id: "x") { __typename ... on Pot { plants } ... on Lid { lid: id } } }"#)
            .await;
    assert_eq!(
        answer,
        json!({ "node": { "__typename": "Pot", "plants": ["x"] } })
    );
    let answer = data(r#"{ node(id: "lid") { id ... on Node { id } ... on Pot { plants } ... on Lid { lid: id } } }"#).await;
    assert_eq!(answer, json!({ "node": { "id": "Lid", "lid": "Lid" } }));
}

#[tokio::test]
async fn fragments_merge_with_what_stands_beside_them() {
    let query = r"
        query Merge { ...Root pot { ... { color } } }
        fragment Root on Query { pot { ...Both grow { __typename } } }
        fragment Both on Pot { plants grow { plants } ...Again }
        fragment Again on Pot { plants }";
    let answer = data(query).await;
    assert_eq!(
        answer,
        json!({ "pot": { "plants": [], "grow": { "plants": ["+"], "__typename": "Pot" }, "color": "Green" } })
    );
}

#[tokio::test]
async fn skip_and_include_decide_what_is_asked() {
    let query = r"query($yes: Boolean!, $no: Boolean = false) {
        a: pot @include(if: $yes) { plants color @skip(if: $yes) }
        b: failHard @include(if: $no)
        ... @skip(if: true) { c: failHard }
        ...F @include(if: false)
        d: pot @other(x: [1, {y: 2}]) @include(if: true) @skip(if: false) { plants }
    }
    fragment F on Query { e: failHard }";
    let answer = run_with(query, json!({ "yes": true })).await;
    assert_eq!(
        answer,
        json!({ "data": { "a": { "plants": [] }, "d": { "plants": [] } } })
    );
}

#[tokio::test]
async fn one_operation_of_several_is_chosen_by_name() {
    let query = "query A { pot { color } } query B { pot { plants } }";
    let chosen = respond(Request {
        operation: Some("B"),
        ..Request::new(query)
    })
    .await;
    assert_eq!(chosen.to_json_string(), r#"{"data":{"pot":{"plants":[]}}}"#);
}

#[tokio::test]
async fn an_error_is_null_where_null_may_be_and_the_rest_is_answered() {
    let answer = run("{\n  x: fail\n  pot { plants }\n}").await;
    assert_eq!(
        answer,
        json!({
            "errors": [{
                "message": "exit code: 3",
                "path": ["x"],
                "locations": [{ "line": 2, "column": 3 }],
                "extensions": { "_type": "EXEC_ERROR", "exitCode": 3 },
            }],
            "data": { "x": null, "pot": { "plants": [] } },
        })
    );
}

#[tokio::test]
async fn an_error_where_null_may_not_be_takes_the_parent_with_it() {
    let answer = run("{ pot { plants } failHard }").await;
    assert_eq!(answer["data"], json!(null));
    assert_eq!(answer["errors"][0]["path"], json!(["failHard"]));
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn extensions_are_there_only_when_a_resolver_gave_some() {
    let answer = run("{ slow(turns: 0) }").await;
    assert_eq!(answer["errors"][0].get("extensions"), None);
    assert_eq!(answer["errors"][0]["message"], "slow 0");
}

/// Which of several errors is first must not depend on which came first.
#[tokio::test]
async fn errors_come_in_the_order_of_the_answer() {
    let answer = run("{ pot { plants } a: slow(turns: 9) b: slow(turns: 5) pots(count: 2) { color } c: slow(turns: 0) }").await;
    let messages: Vec<_> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| error["message"].clone())
        .collect();
    let color = "Pot.color: the resolver answered a value that is no Color";
    assert_eq!(messages, ["slow 9", "slow 5", color, color, "slow 0"]);
    assert_eq!(answer["errors"][3]["path"], json!(["pots", 1, "color"]));
}

#[tokio::test]
async fn resolvers_are_held_to_the_table() {
    let answer = run("{ wrong }").await;
    assert_eq!(
        answer["errors"][0]["message"],
        "Query.wrong: the resolver answered a String where Int is declared"
    );
    let answer = run("{ absent }").await;
    assert_eq!(
        answer["errors"][0]["message"],
        "Cannot return null for non-nullable field Query.absent."
    );
    let answer = run(r#"{ node(id: "root") { id } }"#).await;
    assert_eq!(
        answer["errors"][0]["message"],
        r#"Query.node: the resolver answered a "Query" where Node is declared"#
    );
}

#[tokio::test]
async fn enum_values_are_answered_by_name_whether_a_resolver_gives_name_or_meaning() {
    assert_eq!(
        data("{ colors }").await,
        json!({ "colors": ["GREEN", "Green", "RED", null] })
    );
}

/// Fragments that double from level to level: 2^60 fields are asked for in 4 KB.
#[tokio::test]
async fn a_query_that_explodes_is_refused() {
    let mut query = String::from("{ pot { ...F0 } }");
    for level in 0..60 {
        let next = level + 1;
        query += &format!(
            "fragment F{level} on Pot {{ a: with(plant: \"\") {{ ...F{next} }} b: with(plant: \"\") {{ ...F{next} }} }}"
        );
    }
    query += "fragment F60 on Pot { color }";
    let answer = run(&query).await;
    assert_eq!(
        answer["errors"][0]["message"],
        "The query asks for too much: its answer takes more than 1000000 steps."
    );
    assert_eq!(answer.get("data"), None);
}

/// Valid selections on a pot, and how many fields each adds to the answer.
fn on_a_pot() -> impl Strategy<Value = (String, usize)> {
    let leaf = prop::sample::select(
        &[
            "plants ",
            "c: plants ",
            "__typename ",
            "x: id ",
            "...F ",
            "l: lid { id } ",
        ][..],
    );
    leaf.prop_map(|leaf| (leaf.to_owned(), 1))
        .prop_recursive(20, 60, 4, |inner| {
            let opener = prop::sample::select(
                &[
                    "grow",
                    "a: grow",
                    "plantsAs(other: \"x\")",
                    "... on Pot",
                    "...",
                    "... @include(if: true)",
                    "... @skip(if: $yes)",
                    "... @include(if: $no)",
                ][..],
            );
            (opener, prop::collection::vec(inner, 1..4)).prop_map(|(opener, inner)| {
                let (texts, counts): (Vec<_>, Vec<_>) = inner.into_iter().unzip();
                let count = match opener {
                    "... @skip(if: $yes)" | "... @include(if: $no)" => 0,
                    fragment if fragment.starts_with("...") => counts.into_iter().sum(),
                    _ => 1,
                };
                (format!("{opener} {{ {}}} ", texts.concat()), count)
            })
        })
}

proptest! {
    /// Fields, aliases and fragments in any nesting, on one object, on several, and through an interface.
    #[test]
    fn any_valid_query_is_answered((selection, count) in on_a_pot()) {
        let root = "pot { %} pots(count: 2) { %} node(id: \"x\") { ... on Pot { %} } ".replace('%', &selection);
        let query = format!("query($yes: Boolean = true, $no: Boolean = false) {{ {root} }} fragment F on Node {{ f: id ... on Pot {{ x: id }} }}");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let response = runtime.block_on(respond(Request::new(&query)));
        prop_assert_eq!(response.errors(), []);
        let answer = read(&response);
        prop_assert_eq!(answer["data"]["pots"].as_array().map(Vec::len), Some(2));
        let answered = answer["data"]["pot"].as_object().is_some_and(|pot| !pot.is_empty());
        prop_assert_eq!(answered, count > 0);
    }
}
