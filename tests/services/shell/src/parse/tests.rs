//! What the grammar accepts and refuses; what it means is in `tests/*.cases`.

use super::*;
use crate::ast::Target;

fn message(source: &str) -> String {
    parse(source).unwrap_err().to_string()
}

#[test]
fn every_cut_of_every_script_is_read_or_refused() {
    let tables = [
        include_str!("../../tests/language.cases"),
        include_str!("../../tests/ours.cases"),
    ];
    for table in tables {
        for entry in table.split("\n=== ") {
            for (at, _) in entry.char_indices() {
                // It returns, and errors name a line of the script.
                if let Err(error) = parse(&entry[at..]).and(parse(&entry[..at])) {
                    assert!(
                        (1..=entry.lines().count() + 1).contains(&(error.line as usize)),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[test]
fn nesting_is_limited_and_not_the_stack() {
    let deep = |open: &str, close: &str| format!("{}:{}", open.repeat(5_000), close.repeat(5_000));
    for script in [
        deep("( ", " )"),
        deep("$(", ")"),
        deep("echo \"$(", ")\""),
        deep("${x:-", "}"),
        deep("f() ", ""),
    ] {
        assert_eq!(
            message(&script),
            "line 1: syntax error: nested deeper than 100 levels"
        );
    }
    assert!(parse(&format!("{}:{}", "{ ".repeat(99), "; }".repeat(99))).is_ok());
}

#[test]
fn reserved_words_are_reserved_only_where_a_command_begins() {
    let list = parse("echo if then fi; iffy=1; echo \\if; 'if' x").unwrap();
    assert_eq!(list.len(), 4);
    assert_eq!(
        message("echo a | then"),
        "line 1: syntax error: unexpected `then`"
    );
}

#[test]
fn simple_commands_know_their_line() {
    let list = parse("a\n\n# c\nb \\\n c; d").unwrap();
    let lines: Vec<u32> = list
        .iter()
        .map(|and_or| match and_or.first.stages.as_slice() {
            [Command::Simple(simple)] => simple.line,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lines, [1, 4, 5]);
}

#[test]
fn the_text_of_a_here_document_is_filled_in() {
    let list = parse("cat <<A <<'B'\n$x\nA\n$y\nB\n").unwrap();
    let [Command::Simple(simple)] = list[0].first.stages.as_slice() else {
        panic!("{list:?}")
    };
    let texts: Vec<usize> = simple
        .redirects
        .iter()
        .map(|redirect| match &redirect.target {
            Target::Here(text) => text.get().unwrap().len(),
            other => panic!("{other:?}"),
        })
        .collect();
    // A parameter and a line end; one literal text.
    assert_eq!(texts, [2, 1]);
}
