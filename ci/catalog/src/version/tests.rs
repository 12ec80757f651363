//! Which version follows, and what is said about it.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

/// Commits with these messages, newest first, of ids that count up from the oldest.
fn after_messages(last: Option<&str>, messages: &[&str]) -> NextVersion {
    let ids: Vec<String> = (0..messages.len())
        .rev()
        .map(|n| format!("{n:07x}{}", "0".repeat(33)))
        .collect();
    let commits: Vec<Commit<'_>> = ids
        .iter()
        .zip(messages)
        .map(|(id, message)| Commit { id, message })
        .collect();
    let last = last.map(|version| version.parse().unwrap());
    next_version(last.as_ref(), &commits)
}

fn next(last: &str, messages: &[&str]) -> Option<String> {
    let next = after_messages(Some(last), messages).next;
    next.map(|version| version.to_string())
}

fn cause(message: &str) -> Cause {
    after_messages(None, &[message]).reasons.remove(0).cause
}

#[test]
fn the_greatest_reason_decides() {
    assert_eq!(
        next("1.4.2", &["docs: x", "fix: y"]).as_deref(),
        Some("1.4.3")
    );
    assert_eq!(
        next("1.4.2", &["fix: y", "feat: x", "chore: z"]).as_deref(),
        Some("1.5.0")
    );
    assert_eq!(
        next("1.4.2", &["feat!: x", "fix: y"]).as_deref(),
        Some("2.0.0")
    );
    assert_eq!(next("0.4.2", &["feat!: x"]).as_deref(), Some("1.0.0"));
    assert_eq!(next("1.4.2", &["perf: x"]).as_deref(), Some("1.4.3"));
    assert_eq!(next("1.4.2", &["docs: x", "Merge branch 'a'", "wip"]), None);
    assert_eq!(next("1.4.2", &[]), None);
}

#[test]
fn the_first_version_needs_a_reason_too() {
    assert_eq!(
        after_messages(None, &["fix: x"]).next,
        Some(Version::new(1, 0, 0))
    );
    assert_eq!(after_messages(None, &["docs: x"]).next, None);
}

#[test]
fn what_a_pre_release_prepares_is_not_prepared_once_more() {
    assert_eq!(next("1.5.0-rc.1", &["fix: x"]).as_deref(), Some("1.5.0"));
    assert_eq!(next("1.5.0-rc.1", &["feat: x"]).as_deref(), Some("1.5.0"));
    assert_eq!(next("1.5.0-rc.1", &["feat!: x"]).as_deref(), Some("2.0.0"));
    assert_eq!(next("1.5.1-rc.1+7", &["feat: x"]).as_deref(), Some("1.6.0"));
    assert_eq!(next("1.5.1+7", &["fix: x"]).as_deref(), Some("1.5.2"));
}

#[test]
fn the_forms_of_a_message() {
    assert_eq!(cause("feat: x"), Cause::Feature);
    assert_eq!(cause("feat(web): x"), Cause::Feature);
    assert_eq!(cause("Feat(a b/c): x"), Cause::Feature);
    assert_eq!(cause("\nfix: x\r\n\r\nbody\r\n"), Cause::Fix);
    assert_eq!(cause("feat(web)!: x"), Cause::Breaking);
    assert_eq!(cause("chore!: x"), Cause::Breaking);
    assert_eq!(
        cause("build(deps): bump x: y"),
        Cause::OtherType("build".to_owned())
    );
    for breaking in [
        "BREAKING CHANGE: y",
        "BREAKING-CHANGE: y",
        "BREAKING CHANGE #y",
    ] {
        assert_eq!(
            cause(&format!("chore: x\n\nbody\n\n{breaking}")),
            Cause::BreakingFooter
        );
        assert_eq!(
            cause(&format!("anything\n\n{breaking}")),
            Cause::BreakingFooter
        );
    }
    for other in [
        "",
        "feat",
        "feat:",
        "feat:x",
        "feat: ",
        "feat : x",
        "feat(): x",
        "feat(a: x",
        "feat(a)b: x",
        "new feature: x",
        "!: x",
        "Merge pull request #1 from a/feat",
        "x\n\nthis is a BREAKING CHANGE: y",
        "x\n\nBREAKING CHANGES: y",
        "x\n\nbreaking change: y",
    ] {
        assert_eq!(cause(other), Cause::Unconventional, "{other:?}");
    }
}

#[test]
fn a_revert_of_what_is_released_is_a_fix() {
    let git = "Revert \"feat: x\"\n\nThis reverts commit fedcba9876543210fedcba9876543210fedcba98.";
    assert_eq!(cause(git), Cause::Revert);
    assert_eq!(cause("revert: x"), Cause::Revert);
    assert_eq!(next("1.4.2", &[git]).as_deref(), Some("1.4.3"));
}

#[test]
fn a_commit_and_its_revert_are_nothing() {
    let git = "Revert \"feat: x\"\n\nThis reverts commit 00000010.";
    let short = "revert: x\n\nThis reverts commit 0000001.\n";
    for revert in [git, short] {
        assert_eq!(next("1.4.2", &[revert, "feat: x", "docs: y"]), None);
        assert_eq!(
            next("1.4.2", &[revert, "feat: x", "fix: y"]).as_deref(),
            Some("1.4.3")
        );
    }
}

#[test]
fn a_revert_that_was_reverted_takes_nothing_back() {
    let messages = [
        "Revert \"Revert \"feat: x\"\"\n\nThis reverts commit 00000010.",
        "Revert \"feat: x\"\n\nThis reverts commit 00000000.",
        "feat: x",
    ];
    assert_eq!(next("1.4.2", &messages).as_deref(), Some("1.5.0"));
}

#[test]
fn an_id_that_is_too_short_names_no_commit() {
    assert_eq!(
        next(
            "1.4.2",
            &["revert: x\n\nThis reverts commit 000000.", "feat: x"]
        )
        .as_deref(),
        Some("1.5.0")
    );
}

#[test]
fn only_a_revert_takes_back_what_its_message_mentions() {
    let mentions = "fix: y\n\nThis reverts commit 0000000.";
    assert_eq!(
        next("1.4.2", &[mentions, "feat: x"]).as_deref(),
        Some("1.5.0")
    );
}

#[test]
fn tags_name_versions() {
    for tag in ["1.4.2", "v1.4.2", "refs/tags/v1.4.2"] {
        assert_eq!(version_of_tag(tag), Some(Version::new(1, 4, 2)), "{tag}");
    }
    for tag in [
        "",
        "v",
        "1.4",
        "v01.4.2",
        "web-1.4.2",
        "V1.4.2",
        "vv1.4.2",
        "1.4.2\n",
    ] {
        assert_eq!(version_of_tag(tag), None, "{tag:?}");
    }
    let tags = ["v1.9.0", "nightly", "v1.10.0", "v1.2.0", "v2.0.0-rc.1"];
    assert_eq!(
        last_release(tags),
        Some(("v1.10.0", Version::new(1, 10, 0)))
    );
    assert_eq!(last_release(["nightly", "v2.0.0-rc.1"]), None);
}

#[test]
fn the_reasons_are_told() {
    let messages = [
        "chore: drop Node 18\n\nBREAKING CHANGE: Node 20 is needed",
        "Revert \"fix: wrong\"\n\nThis reverts commit 0000003.",
        "fix: right",
        "fix: wrong",
        "feat(web): search",
        "docs: how to search",
        "Merge branch 'main'",
    ];
    assert_snapshot!(after_messages(Some("1.4.2"), &messages), @r#"
    2.0.0 follows 1.4.2
      major  0000006  chore: drop Node 18 (BREAKING CHANGE in its message)
      -      0000005  Revert "fix: wrong" (takes back 0000003)
      patch  0000004  fix: right
      -      0000003  fix: wrong (taken back by 0000005)
      minor  0000002  feat(web): search
      -      0000001  docs: how to search
      -      0000000  Merge branch 'main' (not a conventional commit)
    "#);
    assert_snapshot!(after_messages(Some("1.4.2"), &messages[5..]), @r"
    no release: nothing since 1.4.2 asks for one
      -      0000001  docs: how to search
      -      0000000  Merge branch 'main' (not a conventional commit)
    ");
    assert_snapshot!(after_messages(None, &messages[4..5]), @r"
    1.0.0 is the first version
      minor  0000000  feat(web): search
    ");
    assert_snapshot!(after_messages(None, &[]), @"no release: nothing so far asks for one");
}

/// P6: subjects are anybody's text.
#[test]
fn what_is_told_is_safe_to_print() {
    let message = format!("fix: \u{1b}[2J\u{202e}{}", "x".repeat(200));
    assert_snapshot!(after_messages(Some("1.0.0"), &[&message]), @r"
    1.0.1 follows 1.0.0
      patch  0000000  fix: \u{1b}[2J\u{202e}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    ");
}

proptest! {
    #[test]
    fn no_message_panics(messages in prop::collection::vec("\\PC{0,30}|(feat|fix|Revert \")(\\(a\\))?!?: x\n\n(This reverts commit 000000[0-4]|BREAKING CHANGE: y)?", 0..6)) {
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let told = after_messages(Some("1.2.3"), &messages);
        prop_assert_eq!(told.reasons.len(), messages.len());
        if let Some(next) = told.next {
            prop_assert!(next > Version::new(1, 2, 3));
        }
    }

    #[test]
    fn a_release_is_always_later(major in 0..3u64, minor in 0..3u64, patch in 0..3u64, pre in "(-rc\\.[0-9])?", message in "(feat|fix|feat!): x") {
        let last: Version = format!("{major}.{minor}.{patch}{pre}").parse().unwrap();
        let next = after_messages(Some(&last.to_string()), &[&message]).next.unwrap();
        prop_assert!(next > last && next.pre.is_empty());
    }
}
