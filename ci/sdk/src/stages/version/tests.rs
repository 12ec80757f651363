//! Versions of real repositories.

use super::*;
use crate::error::Failure;
use crate::stages::git::testing::{self, git, shallow};

/// A repository with a commit for each message, oldest first.
fn repository(messages: &[&str]) -> tempfile::TempDir {
    let dir = testing::repository();
    commit(dir.path(), messages);
    dir
}

fn commit(dir: &Path, messages: &[&str]) {
    for message in messages {
        testing::commit(dir, message, &[]);
    }
}

fn next(dir: &Path) -> (Option<String>, Option<String>) {
    let found = of(dir).unwrap();
    let Origin::Commits { since, .. } = found.origin else {
        panic!("a tag is here")
    };
    (found.version.map(|it| it.to_string()), since)
}

#[test]
fn a_tag_at_the_commit_is_the_version_and_the_highest_of_several() {
    let dir = repository(&["feat: a"]);
    for tag in ["v1.2.0-rc.1", "v1.2.0", "nightly", "v1.1.0"] {
        git(dir.path(), &["tag", tag]);
    }
    git(dir.path(), &["tag", "-a", "-m", "x", "v1.2.1-rc.1"]);
    let found = of(dir.path()).unwrap();
    assert_eq!(found.version, Some("1.2.1-rc.1".parse().unwrap()));
    assert_eq!(found.origin, Origin::Tag("v1.2.1-rc.1".to_owned()));
}

#[test]
fn without_one_the_commits_since_the_last_release_decide() {
    let dir = repository(&["feat: a"]);
    assert_eq!(next(dir.path()), (Some("1.0.0".to_owned()), None));
    git(dir.path(), &["tag", "v1.4.2"]);
    commit(dir.path(), &["docs: b"]);
    assert_eq!(next(dir.path()), (None, Some("v1.4.2".to_owned())));
    commit(dir.path(), &["fix: c\n\nbody\n", "chore: d"]);
    git(dir.path(), &["tag", "v1.4.3-rc.1", "HEAD~1"]);
    assert_eq!(
        next(dir.path()),
        (Some("1.4.3".to_owned()), Some("v1.4.2".to_owned()))
    );
}

#[test]
fn releases_of_other_branches_do_not_count() {
    let dir = repository(&["feat: a"]);
    git(dir.path(), &["tag", "v1.0.0"]);
    git(dir.path(), &["switch", "-q", "-c", "next"]);
    commit(dir.path(), &["feat!: b"]);
    git(dir.path(), &["tag", "v2.0.0"]);
    git(dir.path(), &["switch", "-q", "main"]);
    commit(dir.path(), &["fix: c"]);
    assert_eq!(next(dir.path()).0.as_deref(), Some("1.0.1"));
}

#[test]
fn nothing_is_guessed_where_the_history_is_cut_off() {
    let origin = repository(&["feat: a", "fix: b"]);
    let clone = shallow(origin.path(), &[]);
    let clone = clone.path();
    let failure = Failure::of(&of(clone).unwrap_err().into());
    assert_eq!(failure.exit(), Exit::Usage);
    insta::assert_snapshot!(format!("{}\n{}", failure.message, failure.hints.concat()), @r"
    the version is not known: the history is cut off (a shallow clone), and releases may be beyond
    `git fetch --unshallow --tags` gets all of it; in GitHub Actions, `fetch-depth: 0` of actions/checkout does
    ");
    // What is tagged is known all the same.
    git(clone, &["tag", "v3.0.0"]);
    assert_eq!(of(clone).unwrap().version, Some("3.0.0".parse().unwrap()));
}

#[test]
fn a_folder_without_commits_has_no_version() {
    let dir = tempfile::tempdir().unwrap();
    assert!(of(dir.path()).is_err());
    git(dir.path(), &["init", "-q"]);
    assert!(of(dir.path()).is_err());
}

/// P1: a tag can be named like an option, and like a file.
#[test]
fn names_of_tags_are_never_options() {
    let dir = repository(&["feat: a"]);
    git(dir.path(), &["update-ref", "refs/tags/--output=x", "HEAD"]);
    git(dir.path(), &["tag", "1.0.0"]);
    std::fs::write(dir.path().join("HEAD"), "").unwrap();
    commit(dir.path(), &["fix: b"]);
    assert_eq!(next(dir.path()).0.as_deref(), Some("1.0.1"));
    assert!(!dir.path().join("x").exists());
}
