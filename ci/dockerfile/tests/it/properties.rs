//! Properties that hold for any text (E11); `fuzz/` looks for counterexamples for longer.

use ci_dockerfile::{Config, Dockerfile, Error, Step, parse};
use proptest::prelude::*;

use crate::corpus::tree;
use crate::support::{lower_all, request};

/// Text that is nearly a Dockerfile: pieces of the language in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("FROM a AS b\n"),
        Just("FROM scratch\n"),
        Just("\nRUN "),
        Just("\nCOPY --from=b "),
        Just("\nENV A="),
        Just("\nARG "),
        Just("\nONBUILD "),
        Just("\nHEALTHCHECK --interval=1s CMD "),
        Just("\nEXPOSE "),
        Just("\nLABEL x="),
        Just("--mount=type=cache,target="),
        Just("<<EOF"),
        Just("\nEOF\n"),
        Just("${A:-"),
        Just("${A##*"),
        Just("${A//x/"),
        Just("}"),
        Just("[\"a\", \"b\"]"),
        Just("\\\n"),
        Just("# comment\n"),
        Just("'"),
        Just("\""),
        Just(" "),
        Just("\t"),
        Just("/x/../y "),
        Just("é"),
        Just("1-3/udp"),
        Just("\r\n"),
        Just("\\"),
        Just("\\\\"),
        Just("\u{a0}"),
        Just("$A"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn in_text(error: &Error, text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n').count() as u32;
    (1..=lines).contains(&error.line) && error.column as usize <= error.text.chars().count() + 1
}

fn meaning(text: &str) -> Result<(Vec<Config>, Vec<Step>), String> {
    let (_, stages) =
        lower_all(text, &request(), &Config::default()).map_err(|error| error.message)?;
    let configs = stages.iter().map(|stage| stage.config.clone()).collect();
    let steps = stages.into_iter().flat_map(|stage| stage.steps);
    Ok((
        configs,
        steps
            .map(|step| Step {
                span: Default::default(),
                ..step
            })
            .collect(),
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read_or_refused_with_a_place_in_them(text in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Err(error) = parse("Dockerfile", &text) {
            prop_assert!(in_text(&error, &text), "{error}");
        }
    }

    #[test]
    fn what_is_nearly_a_dockerfile_is_lowered_or_refused_with_a_place_in_it(text in pieces()) {
        let text = format!("FROM scratch{text}");
        if let Err(error) = lower_all(&text, &request(), &Config::default()) {
            prop_assert!(in_text(&error, text.as_bytes()), "{error}");
        }
    }

    #[test]
    fn spans_are_within_the_text_and_in_order(text in pieces()) {
        let text = format!("FROM scratch\n{text}");
        if let Ok(file) = parse("Dockerfile", text.as_bytes()) {
            let mut end = 0;
            for instruction in file.stages.iter().flat_map(|stage| std::iter::once(&stage.instruction).chain(&stage.instructions)) {
                let bytes = instruction.span.bytes();
                prop_assert!(bytes.start >= end && bytes.start < bytes.end && bytes.end <= text.len());
                prop_assert!(text[bytes.clone()].starts_with(&instruction.keyword.value));
                prop_assert_eq!(instruction.span.first_line as usize, text[..bytes.start].matches('\n').count() + 1);
                end = bytes.end;
            }
        }
    }

    #[test]
    fn printed_and_read_again_it_means_the_same(text in pieces()) {
        let text = format!("FROM scratch\n{text}");
        if let Ok(file) = parse("Dockerfile", text.as_bytes()) {
            let printed = file.to_string();
            let again = parse("Dockerfile", printed.as_bytes());
            let shape = |file: &Dockerfile| (tree(file), file.to_string());
            prop_assert_eq!(again.map(|again| shape(&again)).map_err(|error| error.to_string()), Ok((tree(&file), printed.clone())));
            prop_assert_eq!(meaning(&printed), meaning(&text));
        }
    }
}
