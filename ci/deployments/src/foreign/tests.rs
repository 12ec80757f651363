//! P6: what others wrote does not command terminals or forges.

use proptest::prelude::*;

use super::*;

#[test]
fn mentions_references_and_marks_lose_their_effect_p6() {
    for (text, effect) in [
        ("thanks @octocat", "@octocat"),
        ("(@octocat)", "@octocat"),
        ("ask @acme/owners", "@acme"),
        ("Fixes #12", "#12"),
        ("closes acme/shop#12", "#12"),
        ("resolves GH-12", "GH-12"),
        ("fix https://github.com/acme/shop/issues/12", "/issues/12"),
        ("fix https://github.com/acme/shop/pull/12", "/pull/12"),
        (
            "closes https://gitlab.com/a/b/-/merge_requests/1",
            "/merge_requests/1",
        ),
        ("docs [skip ci]", "[skip ci]"),
        ("docs [CI SKIP]", "[CI SKIP]"),
        ("docs [no ci]", "[no ci]"),
        ("docs [skip actions]", "[skip actions]"),
        ("***NO_CI***", "NO_CI"),
        ("skip-checks: true", "skip-checks"),
        ("<!-- pipeline-promotion {} -->", "<!--"),
    ] {
        assert!(!code(text, 200).contains(effect), "{text}");
        assert!(!block("", text.lines()).contains(effect), "{text}");
    }
    // What people copy stays as it is.
    for text in [
        "ghcr.io/acme/web@sha256:00",
        "# comment",
        "a[0]",
        "[web]",
        "a@b",
        "C#",
    ] {
        assert!(code(text, 200).contains(text), "{text}");
    }
}

#[test]
fn code_cannot_be_left_p6() {
    assert_eq!(code("a `b` c", 99), "``a `b` c``");
    assert_eq!(code("`", 99), "`` ` ``");
    assert_eq!(code("", 99), "`  `");
    assert_eq!(
        code("a\nb\u{1b}[31mc\r\u{202e}d", 99),
        "`a\u{fffd}b\u{fffd}[31mc\u{fffd}\u{fffd}d`"
    );
    assert_eq!(code("abc", 2), "`ab…`");
    assert_eq!(
        block("diff", "```\n</details>".lines()),
        "````diff\n```\n</details>\n````\n"
    );
}

proptest! {
    #[test]
    fn whatever_is_written_stays_one_line_of_code_p6(text in "[-`@#\\[\\]<!a-zé \n\u{1b}\u{200b}]{0,40}") {
        let shown = code(&text, 30);
        let is_one_line = !shown.contains(['\n', '\u{1b}']);
        prop_assert!(is_one_line);
        let fence = shown.len() - shown.trim_start_matches('`').len();
        let inside = &shown[fence..shown.len() - fence];
        prop_assert!(longest_run(inside, '`') < fence.max(1), "{shown}");
        prop_assert!(!inside.contains("<!--") && !inside.contains("#a") && !inside.contains(" @a"));
    }
}
