//! Any text as a GraphQL query: it is answered or refused without a panic, errors point into the text, and the answer as text and as
//! data is the same.

#![no_main]

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use ci_graphql::{Backend, Request, Schema, Type, Value, arg, enumeration, field, input, interface, object, ready, signature, value};
use libfuzzer_sys::fuzz_target;

struct Echo;

impl Backend for Echo {
    type Object = bool;

    fn type_name(&self, root: &bool) -> &'static str {
        if *root { "Query" } else { "Pot" }
    }
}

static QUERY: Type<Echo> = object("Query", "", &[], &[
    field("pot", "Pot!", "", &[], ready(|_| Ok(Value::Object(false)))),
    field("node", "Node", "", &[arg("id", "ID!", "")], ready(|_| Ok(Value::Object(false)))),
    field("pots", "[Pot]!", "", &[], ready(|_| Ok(Value::List(vec![Value::Object(false), Value::Null])))),
    field("args", "String!", "", &[
        arg("s", r#"String = "x""#, ""),
        arg("i", "[Int!]", ""),
        arg("f", "[[Float]]", ""),
        arg("c", "Color = RED", ""),
        arg("l", "[Label!]", ""),
    ], ready(|call| Ok(call.args.canonical().to_string().into()))),
]);
static NODE: Type<Echo> = interface("Node", "", &[], &[signature("id", "ID!", "", &[])]);
static POT: Type<Echo> = object("Pot", "", &["Node"], &[
    field("id", "ID!", "", &[], ready(|_| Ok("id".into()))),
    field("with", "Pot!", "", &[arg("s", "String!", "")], ready(|_| Ok(Value::Object(false)))),
    field("null", "Pot!", "", &[], ready(|_| Ok(Value::Null))),
]);
static COLOR: Type<Echo> = enumeration("Color", "", &[value("RED", ""), value("Red", "").means("RED")]);
static LABEL: Type<Echo> = input("Label", "", &[arg("n", "String!", ""), arg("v", "Color = Red", ""), arg("l", "Label", "")]);

static SCHEMA: LazyLock<Schema<Echo>> = LazyLock::new(|| Schema::new(&[&QUERY, &NODE, &POT, &COLOR, &LABEL], &[]));

fuzz_target!(|query: &str| {
    let answer = pin!(SCHEMA.execute(Arc::new(Echo), true, Request::new(query)));
    // No resolver waits, so the first poll is the last.
    let Poll::Ready(response) = answer.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the answer is not there at once");
    };
    let lines = query.matches('\n').count() + 1;
    for error in response.errors() {
        assert!(!error.message.is_empty());
        assert!(error.locations.iter().all(|at| (1..=lines).contains(&at.line) && at.column > 0));
    }
    // What nests deeper than a parser of JSON goes is checked by not overflowing.
    if let Ok(text) = serde_json::from_str::<serde_json::Value>(&response.to_json_string()) {
        assert_eq!(text.get("data").cloned(), response.to_data());
        assert_eq!(text.get("errors").is_some(), !response.errors().is_empty());
    }
});
