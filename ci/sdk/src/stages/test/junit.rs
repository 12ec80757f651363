//! Counts the tests of a JUnit file. There is no standard for it; what all writers have in common is `<testcase>`, with
//! `<failure>`, `<error>` or `<skipped>` inside. Those are counted: the sums in attributes are often missing or wrong.
//!
//! The file comes out of a check, and may be anything. Only the beginnings of elements are looked at, in one pass; entities
//! are not expanded, so a file means no more work than its length.

use serde::Serialize;

/// How many tests there were, and how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) tests: usize,
    /// Of these: did not pass, by failure or error.
    pub(crate) failed: usize,
    /// Of these: were not run.
    pub(crate) skipped: usize,
}

/// Counts; nothing if this is no JUnit file.
pub(crate) fn count(xml: &[u8]) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut is_junit = false;
    let mut rest = xml;
    let mut this = None;
    while let Some((markup, after)) = next(rest) {
        rest = after;
        match markup {
            Markup::Start { name, is_empty } => match name {
                b"testsuites" | b"testsuite" => is_junit = true,
                b"testcase" => {
                    is_junit = true;
                    counts.tests += 1;
                    this = (!is_empty).then_some(Case::default());
                }
                b"failure" | b"error" => {
                    if let Some(case) = this.as_mut().filter(|case| !case.failed) {
                        case.failed = true;
                        counts.failed += 1;
                    }
                }
                b"skipped" => {
                    if let Some(case) = this.as_mut().filter(|case| !case.skipped) {
                        case.skipped = true;
                        counts.skipped += 1;
                    }
                }
                _ => {}
            },
            Markup::End(b"testcase") => this = None,
            Markup::End(_) | Markup::Other => {}
        }
    }
    is_junit.then_some(counts)
}

/// A test case that has begun. Some writers repeat a failure for every attempt.
#[derive(Default)]
struct Case {
    failed: bool,
    skipped: bool,
}

/// What stands between `<` and `>`.
#[derive(Debug, PartialEq, Eq)]
enum Markup<'a> {
    Start {
        name: &'a [u8],
        is_empty: bool,
    },
    End(&'a [u8]),
    /// A comment, CDATA, an instruction, a declaration.
    Other,
}

/// The next markup and what follows it; nothing if there is none that ends.
fn next(xml: &[u8]) -> Option<(Markup<'_>, &[u8])> {
    let begin = xml.iter().position(|byte| *byte == b'<')?;
    let inside = &xml[begin + 1..];
    for (open, close) in [
        (b"!--".as_slice(), b"-->".as_slice()),
        (b"![CDATA[", b"]]>"),
        (b"?", b"?>"),
    ] {
        if let Some(content) = inside.strip_prefix(open) {
            return Some((Markup::Other, after(content, close)?));
        }
    }
    let end = end_of_tag(inside)?;
    let (tag, rest) = (&inside[..end], &inside[end + 1..]);
    let markup = match tag {
        [b'!', ..] => Markup::Other,
        [b'/', name @ ..] => Markup::End(local(name)),
        [name @ .., b'/'] => Markup::Start {
            name: local(name),
            is_empty: true,
        },
        name => Markup::Start {
            name: local(name),
            is_empty: false,
        },
    };
    Some((markup, rest))
}

fn after<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    Some(&bytes[at + mark.len()..])
}

/// Where the `>` is: not in a quoted value.
fn end_of_tag(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    bytes.iter().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), _) if open == *byte => quote = None,
            (None, b'>') => return true,
            _ => {}
        }
        false
    })
}

/// The name of an element, without attributes and without the prefix of a namespace.
fn local(tag: &[u8]) -> &[u8] {
    let end = tag
        .iter()
        .position(|byte| byte.is_ascii_whitespace())
        .unwrap_or(tag.len());
    let name = &tag[..end];
    match name.iter().rposition(|byte| *byte == b':') {
        Some(colon) => &name[colon + 1..],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(tests: usize, failed: usize, skipped: usize) -> Option<Counts> {
        Some(Counts {
            tests,
            failed,
            skipped,
        })
    }

    #[test]
    fn cases_are_counted_whatever_the_sums_in_attributes_say() {
        let xml = br#"<?xml version="1.0"?><testsuites><testsuite tests="99" failures='0'>
            <testcase name="a"/>
            <testcase name="b > c" classname='"'><failure message="x"/><failure>again</failure></testcase>
            <testcase name="d"><error type="panic">thread panicked</error><system-out/></testcase>
            <testcase name="e"><skipped/></testcase></testsuite></testsuites>"#;
        assert_eq!(count(xml), counts(4, 2, 1));
    }

    #[test]
    fn output_of_tests_is_not_taken_for_their_results() {
        let xml = br#"<testsuite><testcase name="a"><system-out><![CDATA[<testcase><failure/>]]></system-out>
            <!-- <testcase/> --></testcase><system-err>&lt;failure&gt;</system-err><error/></testsuite>"#;
        assert_eq!(count(xml), counts(1, 0, 0));
    }

    #[test]
    fn names_with_a_prefix_are_the_same_names() {
        let xml = b"<j:testsuite xmlns:j='x'>\n<j:testcase\n name='a'>\n<j:failure/></j:testcase></j:testsuite>";
        assert_eq!(count(xml), counts(1, 1, 0));
    }

    #[test]
    fn a_suite_without_tests_is_one_and_what_is_no_suite_is_none() {
        assert_eq!(count(b"<testsuites/>"), counts(0, 0, 0));
        for other in [
            b"".as_slice(),
            b"<html><error/></html>",
            b"ok",
            b"<testcase",
            b"\xff\xfe<\0t\0",
        ] {
            assert_eq!(count(other), None, "{other:?}");
        }
    }

    /// Entities that grow without end are not expanded, and elements that never end need no memory.
    #[test]
    fn hostile_files_cost_no_more_than_their_length() {
        let bomb = br#"<!DOCTYPE t [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>"#;
        assert_eq!(count(bomb), counts(1, 0, 0));
        let deep = b"<testcase>".repeat(100_000);
        assert_eq!(count(&deep), counts(100_000, 0, 0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted_or_not(parts in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "/", "\"", "'", "!", "!--", "-->", "![CDATA[", "]]>", "?", "testcase", "testsuite", "failure", "skipped", " ", ":", "é",
        ]), 0..60)) {
            if let Some(counts) = count(parts.concat().as_bytes()) {
                prop_assert!(counts.failed <= counts.tests && counts.skipped <= counts.tests);
            }
        }
    }
}
