//! The Dockerfiles of `tests/dockerfiles`, as they are and mutilated: printed and read again they are the same tree.

use std::fs;
use std::path::Path;

use ci_dockerfile::{Dockerfile, parse};
use proptest::prelude::*;
use proptest::sample::Index;

/// The Dockerfiles, with the names of their cases.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/dockerfiles");
    let mut found = Vec::new();
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap();
        if let Ok(text) = fs::read(case.path().join("Dockerfile")) {
            found.push((case.file_name().into_string().unwrap(), text));
        }
    }
    found.sort();
    assert!(found.len() > 100, "{} Dockerfiles", found.len());
    found
}

/// The tree as text, without what printing changes: places, and the comment that keeps the first comments from being directives.
pub(crate) fn tree(file: &Dockerfile) -> String {
    let mut args = file.args.clone();
    let mut stages = file.stages.clone();
    let first = match args.first_mut() {
        Some(first) => first,
        None => &mut stages[0].instruction,
    };
    first.comments.retain(|comment| !comment.is_empty());
    let whole = format!(
        "{:?} {:?} {:?} {args:?} {stages:?}",
        file.syntax, file.escape, file.check
    );
    let mut text = String::new();
    let mut rest = whole.as_str();
    while let Some((before, after)) = rest.split_once("Span { first_line: ") {
        text.push_str(before);
        rest = after.split_once(" }").map_or("", |(_, after)| after);
    }
    text + rest
}

/// The same tree comes of the printed text.
fn is_kept(text: &[u8]) -> Result<(), TestCaseError> {
    let Ok(file) = parse("Dockerfile", text) else {
        return Ok(());
    };
    let printed = file.to_string();
    match parse("Dockerfile", printed.as_bytes()) {
        Ok(again) => {
            prop_assert_eq!(tree(&again), tree(&file), "{}", printed);
            prop_assert_eq!(again.to_string(), printed);
            Ok(())
        }
        Err(error) => Err(TestCaseError::fail(format!("{error}\n{printed}"))),
    }
}

#[test]
fn files_of_the_corpus_are_the_same_tree_when_printed_and_read_again() {
    let mut read = 0;
    for (name, text) in corpus() {
        read += usize::from(parse("Dockerfile", &text).is_ok());
        if let Err(error) = is_kept(&text) {
            panic!("{name}: {error}");
        }
    }
    assert!(read > 100, "{read} can be read");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn mutilated_files_of_the_corpus_are_read_or_refused(
        file in any::<Index>(),
        cuts in prop::collection::vec((any::<Index>(), any::<Index>(), any::<Index>(), 0..3), 1..4),
    ) {
        let corpus = corpus();
        let mut text = file.get(&corpus).1.clone();
        for (from, to, at, kind) in cuts {
            let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
            let range = from.min(to)..from.max(to).min(from.min(to) + 40);
            match kind {
                // Left out, said twice, and put elsewhere.
                0 => drop(text.drain(range)),
                1 => {
                    let piece = text[range.clone()].to_vec();
                    text.splice(range.end..range.end, piece);
                }
                _ => {
                    let piece: Vec<u8> = text.drain(range).collect();
                    let at = at.index(text.len() + 1);
                    text.splice(at..at, piece);
                }
            }
        }
        is_kept(&text)?;
    }
}
