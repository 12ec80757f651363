//! Docker's ignore patterns.

use ci_dockerfile::ignore::{self, Patterns};

fn matches(patterns: &str, path: &str) -> bool {
    Patterns::parse(patterns).unwrap().matches(path)
}

#[test]
fn a_pattern_alone() {
    let cases = [
        ("target", "target", true),
        ("target", "target/debug/x", true),
        ("target", "src/target", false),
        ("target", "targets", false),
        ("target/", "target", true),
        ("/target", "target/x", true),
        ("./a/../target", "target", true),
        ("*.log", "a.log", true),
        ("*.log", "d/a.log", false),
        ("*/*.log", "d/a.log", true),
        ("*", "a/b/c", true),
        ("a?c", "abc", true),
        ("a?c", "a/c", false),
        ("a[b-d]e", "ace", true),
        ("a[^b-d]e", "ace", false),
        (r"a\*", "a*", true),
        (r"a\*", "ab", false),
        ("**", "a/b", true),
        ("**/x", "x", true),
        ("**/x", "a/b/x", true),
        ("**/x", "a/b/x/y", true),
        ("**/x", "ax", false),
        ("**x", "ax", true),
        ("**x", "d/ax", true),
        ("a/**", "a", false),
        ("a/**", "a/b/c", true),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b", true),
        ("a/**/b", "ab", false),
        ("**/*.go", "main.go", true),
        ("**/*.go", "d/main.go", true),
        ("**/*.go", "main.go.orig", false),
        ("a**/b", "axx/y/b", true),
        ("a.b", "axb", false),
        ("a+(b)", "a+(b)", true),
        ("../x", "x", false),
        (".", "a", false),
        ("/", "a", false),
        ("é?", "éü", true),
    ];
    for (pattern, path, expected) in cases {
        assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
    }
}

#[test]
fn a_file_as_a_list_is_the_same_patterns() {
    for text in [
        "",
        "# comment\n\n  a  \n#b",
        "\u{feff}/a\n!/a/b\n! c/",
        "/\n.\n..\n/../d",
    ] {
        let list = Patterns::from_list(&ignore::list(text)).unwrap();
        assert_eq!(list, Patterns::parse(text).unwrap(), "{text:?}");
    }
    assert_eq!(ignore::list("# x\n\n/a/\n! /b"), ["a", "!b"]);
}

#[test]
fn the_last_match_decides() {
    let cases = [
        ("*\n!src", "src/main.rs", true, false),
        ("*\n!src", "Cargo.toml", true, true),
        (
            "*.md\n!README*.md\nREADME-secret.md",
            "README-x.md",
            true,
            false,
        ),
        (
            "*.md\n!README*.md\nREADME-secret.md",
            "README-secret.md",
            true,
            true,
        ),
        ("!a\na", "a", true, true),
        ("a\n!a/b\n", "a/b/c", true, false),
        ("a\n!a/b\n", "a/c", true, true),
        (
            "**/node_modules\n!keep/**",
            "keep/node_modules/x",
            true,
            false,
        ),
    ];
    for (patterns, path, _, expected) in cases {
        assert_eq!(matches(patterns, path), expected, "{patterns:?} {path}");
    }
}

#[test]
fn taking_back_a_directory_that_was_never_left_out_does_nothing() {
    // The reference walks: at `a` nothing was left out yet, so `!a` was not looked at, and `a/b` stays out.
    assert!(matches("a/b\n!a", "a/b"));
    assert!(!matches("a/b\n!a/b", "a/b"));
}

#[test]
fn lines_that_are_no_patterns() {
    let text = "\u{feff}# a\n\n  \n #b\nc # d\r\n  e  \n! f \n";
    assert!(
        matches(text, "#b"),
        "only a # at the very beginning is a comment"
    );
    assert!(matches(text, "c # d") && matches(text, "e"));
    assert!(!matches(text, "a") && !matches(text, "f"));
    assert!(Patterns::parse("# only\n").unwrap().is_empty());
}

#[test]
fn what_cannot_be_read_is_said_with_its_line() {
    insta::assert_snapshot!(Patterns::parse("ok\n[a-\n").unwrap_err(), @r#"line 2: a [ is not closed in the pattern "[a-""#);
    insta::assert_snapshot!(Patterns::parse("!\n").unwrap_err(), @r#"line 1: nothing follows the ! in the pattern "!""#);
    insta::assert_snapshot!(Patterns::parse("a\\\n").unwrap_err(), @r#"line 1: nothing follows the last \ in the pattern "a\\""#);
    insta::assert_snapshot!(Patterns::from_list(&["a", "[]"]).unwrap_err(), @r#"line 2: a class in [] has - or ] where a character must be; write \- or \] in the pattern "[]""#);
}

#[test]
fn a_walker_skips_what_nothing_can_bring_back() {
    let patterns = Patterns::parse("*\n!src/**/*.rs\n!docs\nvendor\n").unwrap();
    assert!(patterns.take_back());
    assert!(patterns.could_match_below("src") && patterns.could_match_below("src/a/b"));
    assert!(patterns.could_match_below("docs/x"));
    assert!(!patterns.could_match_below("target") && !patterns.could_match_below("vendor/x"));
    assert!(!Patterns::parse("a\n").unwrap().could_match_below("a"));
    // Walking gives what asking for each path gives.
    let (matched, src) = patterns.root().enter("src");
    assert!(matched && src.may_take_back());
    assert_eq!((src.enter("a.rs").0, src.enter("a.c").0), (false, true));
}

#[test]
fn hostile_patterns_take_no_time() {
    let stars = "*a".repeat(500) + "b";
    assert!(!matches(&stars, &"a".repeat(2_000)));
    let deep = "**/".repeat(500) + "x";
    assert!(!matches(&deep, &"y/".repeat(1_000)));
}
