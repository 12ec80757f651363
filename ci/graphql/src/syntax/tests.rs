//! The parser on its own.

use std::borrow::Cow;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{Literal, SelectionKind, parse, parse_literal};

fn text(source: &str) -> String {
    match parse_literal(source) {
        Ok(Literal::String(text)) => text.into_owned(),
        other => panic!("{source}: {other:?}"),
    }
}

fn mistake(source: &str) -> String {
    parse(source).expect_err(source).into_error(source).message
}

#[test]
fn numbers_are_read_and_their_malformed_kin_refused() {
    assert_eq!(parse_literal("0"), Ok(Literal::Int(0)));
    assert_eq!(parse_literal("-12"), Ok(Literal::Int(-12)));
    assert_eq!(
        parse_literal("9223372036854775807"),
        Ok(Literal::Int(i64::MAX))
    );
    assert_eq!(
        parse_literal("9223372036854775808"),
        Ok(Literal::Float(9_223_372_036_854_775_808.0))
    );
    assert_eq!(parse_literal("1.5e-3"), Ok(Literal::Float(0.0015)));
    assert_eq!(parse_literal("1E2"), Ok(Literal::Float(100.0)));
    for bad in [
        "01", "-", "-a", "1.", "1.a", ".5", "1e", "1e+", "0x1", "1a", "1.2.3", "00", "-01", "1_000",
    ] {
        assert!(parse_literal(bad).is_err(), "{bad}");
    }
}

#[test]
fn strings_are_read_with_their_escapes() {
    assert_eq!(text(r#""""#), "");
    assert_eq!(
        text(r#""a \"b\" \\ \/ \b\f\n\r\t""#),
        "a \"b\" \\ / \u{8}\u{c}\n\r\t"
    );
    assert_eq!(text(r#""\u00e9 \uD83D\uDE00 \u{1F600} é""#), "é 😀 😀 é");
    assert!(
        matches!(
            parse_literal(r#""plain""#),
            Ok(Literal::String(Cow::Borrowed("plain")))
        ),
        "no copy without escapes"
    );
    for bad in [
        r#"""#,
        r#""a"#,
        "\"a\nb\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\u+123""#,
        r#""\uD800""#,
        r#""\uD800\u0041""#,
        r#""\uDC00""#,
        r#""\u{110000}""#,
        r#""\u{}""#,
        r#""\u{1"#,
        r#""\"#,
        r#""\u00é9""#,
    ] {
        assert!(parse_literal(bad).is_err(), "{bad}");
    }
}

/// The example of the specification, and its corners.
#[test]
fn block_strings_lose_their_indentation() {
    let block = "\"\"\"\n    Hello,\n      World!\r\n\n    Yours,\n      GraphQL.\n  \n\"\"\"";
    assert_eq!(text(block), "Hello,\n  World!\n\nYours,\n  GraphQL.");
    assert_eq!(text("\"\"\"\"\"\""), "");
    assert_eq!(text("\"\"\" \n \n\"\"\""), "");
    assert_eq!(text(r#""""a \""" \n " "" b""""#), "a \"\"\" \\n \" \"\" b");
    assert_eq!(
        text("\"\"\"  first\n    second\n  third\"\"\""),
        "  first\n  second\nthird"
    );
    assert!(parse_literal("\"\"\"open\"\"").is_err());
}

#[test]
fn values_nest_only_so_deep() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse_literal(&nested(64)).is_ok());
    assert!(parse_literal(&nested(100_000)).is_err());
    assert!(parse(&format!("{{ a(b: {}) }}", "{c: [".repeat(100_000))).is_err());
    assert!(parse(&format!("query($v: {}) {{ a }}", "[".repeat(1_000_000))).is_err());
}

#[test]
fn white_space_commas_comments_and_byte_order_marks_mean_nothing() {
    let document = parse("\u{feff}# comment {\r{ ,, a,b\t#}\n\u{feff}c }").expect("a document");
    assert_eq!(document.selections.len(), 3);
}

#[test]
fn selections_are_linked_in_order_and_by_depth() {
    let document =
        parse("{ a { b { c } d } ... on T { e } ...F } fragment F on T @x(y: 1) { g: h(i: $j) }")
            .expect("a document");
    let mut flat = Vec::new();
    let mut stack = vec![(document.operations[0].selections.0, 0)];
    while let Some((id, depth)) = stack.pop() {
        let selection = &document.selections[id];
        stack.extend(selection.next.map(|next| (next, depth)));
        stack.extend(selection.children.map(|set| (set.0, depth + 1)));
        flat.push(match &selection.kind {
            SelectionKind::Field(field) => format!("{}{depth}", field.name),
            SelectionKind::Spread(name) => format!("...{name}{depth}"),
            SelectionKind::Inline { on } => format!("...on {}{depth}", on.unwrap_or_default()),
        });
    }
    assert_eq!(flat, ["a0", "b1", "c2", "d1", "...on T0", "e1", "...F0"]);
}

#[test]
fn a_document_of_any_depth_is_parsed_and_dropped_on_a_small_stack() {
    let deep = || {
        let query = format!("{} x {}", "{ a ".repeat(200_000), "}".repeat(200_000));
        assert_eq!(parse(&query).expect("a document").selections.len(), 200_001);
        assert!(parse(&"{a".repeat(1_000_000)).is_err());
    };
    std::thread::Builder::new()
        .stack_size(128 << 10)
        .spawn(deep)
        .expect("a thread")
        .join()
        .expect("no overflow");
}

#[test]
fn mistakes_are_named_with_line_and_column() {
    assert_snapshot!(mistake(""), @"syntax error at 1:1: expected a query, found the end of the query");
    assert_snapshot!(mistake("{ a"), @"syntax error at 1:4: expected a field, found the end of the query");
    assert_snapshot!(mistake("{ a { } }"), @r#"syntax error at 1:7: expected a field, found "}""#);
    assert_snapshot!(mistake("{\n  é(b: )\n}"), @"syntax error at 2:3: unexpected character 'é'");
    assert_snapshot!(mistake("{ a(b 1) }"), @r#"syntax error at 1:7: expected ":", found a number"#);
    assert_snapshot!(mistake("{ a(b: \"x) }"), @"syntax error at 1:8: a string has no closing quotation mark");
    assert_snapshot!(mistake("{ a } }"), @r#"syntax error at 1:7: expected a query or a fragment, found "}""#);
    assert_snapshot!(mistake("type A { b: C }"), @r#"syntax error at 1:1: expected a query or a fragment, found "type""#);
    assert_snapshot!(mistake("query($a) { b }"), @r#"syntax error at 1:9: expected ":", found ")""#);
    assert_snapshot!(mistake("query($a: [B) { b }"), @r#"syntax error at 1:13: expected "]", found ")""#);
    assert_snapshot!(mistake("query($a: B!!) { b }"), @r#"syntax error at 1:13: expected "$", found "!""#);
    assert_snapshot!(mistake("query($a: B = $c) { b }"), @"syntax error at 1:15: a default value contains a variable");
    assert_snapshot!(mistake("{ ...on }"), @r#"syntax error at 1:9: expected a type name, found "}""#);
    assert_snapshot!(mistake("fragment on on T { a }"), @r#"syntax error at 1:10: expected the name of the fragment, found "on""#);
    assert_snapshot!(mistake("fragment F T { a }"), @r#"syntax error at 1:10: fragment "F" does not say on which type it is"#);
    assert_snapshot!(mistake("{ a } fragment F on T { a } fragment F on T { a }"), @r#"syntax error at 1:38: there are two fragments "F""#);
    assert_snapshot!(mistake("{ a(b: %) }"), @"syntax error at 1:8: unexpected character '%'");
    assert_snapshot!(mistake("{ ..a }"), @"syntax error at 1:3: unexpected character '.'");
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(source in any::<String>()) {
        _ = parse(&source).map_err(|error| error.into_error(&source));
        _ = parse_literal(&source);
    }

    #[test]
    fn any_tokens_are_parsed_or_refused(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..60)) {
        let source = tokens.concat();
        _ = parse(&source).map_err(|error| error.into_error(&source));
    }

    #[test]
    fn any_string_survives_being_quoted(text in any::<String>()) {
        let quoted = serde_json::to_string(&text).expect("JSON");
        prop_assert_eq!(parse_literal(&quoted), Ok(Literal::String(text.into())));
    }
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "!",
    "=",
    "$",
    "@",
    "...",
    " ",
    "\n",
    ",",
    "a",
    "on ",
    "query ",
    "fragment ",
    "mutation ",
    "null ",
    "true ",
    "1",
    "-2.5e3",
    "\"s\"",
    "\"",
    "\"\"\"",
    "\\",
    "\\u00e9",
    "#",
    "é",
    "\u{feff}",
    "skip(if:",
];
