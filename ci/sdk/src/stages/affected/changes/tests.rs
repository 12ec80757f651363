//! Differences in real repositories.

use super::*;
use crate::error::Failure;
use crate::stages::git::testing::{commit, git, repository, shallow, write};

fn no_env(_: &str) -> Option<String> {
    None
}

#[track_caller]
fn since(dir: &Path, reference: &str) -> Vec<String> {
    listed(&Changes::since(dir, Some(reference), no_env).unwrap())
}

fn listed(changes: &Changes) -> Vec<String> {
    let paths = changes.paths.iter();
    paths
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

#[track_caller]
fn everything(result: Result<Changes, Unknown>) -> String {
    match result {
        Err(Unknown::Everything(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

/// `main` with one commit, and `work` with one more, checked out.
fn branched() -> tempfile::TempDir {
    let dir = repository();
    commit(dir.path(), "one", &[("a", "1"), ("b", "1"), ("sub/c", "1")]);
    git(dir.path(), &["switch", "-q", "-c", "work"]);
    commit(dir.path(), "two", &[("a", "2"), ("sub/d e", "2")]);
    dir
}

#[test]
fn commits_of_the_branch_and_what_is_not_committed_count() {
    let dir = branched();
    assert_eq!(since(dir.path(), "main"), ["a", "sub/d e"]);
    write(dir.path(), "b", "2");
    write(dir.path(), "new/x", "");
    write(dir.path(), "ignored", "");
    write(dir.path(), ".git/info/exclude", "ignored\n");
    git(dir.path(), &["rm", "-q", "sub/c"]);
    assert_eq!(
        since(dir.path(), "main"),
        ["a", "b", "new/x", "sub/c", "sub/d e"]
    );
}

#[test]
fn commits_of_the_other_branch_do_not_count() {
    let dir = branched();
    git(dir.path(), &["switch", "-q", "main"]);
    commit(dir.path(), "three", &[("b", "3")]);
    git(dir.path(), &["switch", "-q", "work"]);
    assert_eq!(since(dir.path(), "main"), ["a", "sub/d e"]);
}

#[test]
fn what_was_merged_as_one_commit_is_no_difference_any_more() {
    let dir = branched();
    git(dir.path(), &["switch", "-q", "main"]);
    commit(dir.path(), "two, squashed", &[("a", "2"), ("sub/d e", "2")]);
    git(dir.path(), &["switch", "-q", "work"]);
    assert_eq!(since(dir.path(), "main"), [""; 0]);
    commit(dir.path(), "more", &[("b", "2"), ("a", "3")]);
    assert_eq!(since(dir.path(), "main"), ["a", "b"]);
}

#[test]
fn a_moved_file_counts_under_both_names() {
    let dir = branched();
    git(dir.path(), &["mv", "b", "moved"]);
    git(dir.path(), &["commit", "-q", "-m", "move"]);
    assert_eq!(since(dir.path(), "main"), ["a", "b", "moved", "sub/d e"]);
}

#[test]
fn paths_are_relative_to_the_root_of_the_catalog() {
    let dir = branched();
    let below = dir.path().join("sub");
    assert_eq!(since(&below, "main"), ["../a", "d e"]);
    write(dir.path(), "sub/new", "");
    write(dir.path(), "other", "");
    let changes = Changes::since(&below, Some("main"), no_env).unwrap();
    assert_eq!(listed(&changes), ["../a", "../other", "d e", "new"]);
    assert_eq!(changes.before(&below, Path::new("c")), Some(b"1".to_vec()));
    assert_eq!(changes.before(&below, Path::new("d e")), None);
}

#[test]
fn the_default_is_what_a_clone_began_with() {
    let origin = branched();
    let dir = tempfile::tempdir().unwrap();
    git(origin.path(), &["switch", "-q", "main"]);
    let from = origin.path().to_str().unwrap();
    git(dir.path(), &["clone", "-q", from, "."]);
    commit(dir.path(), "mine", &[("b", "mine")]);
    let changes = Changes::since(dir.path(), None, no_env).unwrap();
    assert_eq!(changes.since.reference, "origin/main");
    assert_eq!(listed(&changes), ["b"]);
    git(dir.path(), &["remote", "set-head", "origin", "--delete"]);
    let changes = Changes::since(dir.path(), None, no_env).unwrap();
    assert_eq!(changes.since.reference, "origin/main");
    let alone = branched();
    insta::assert_snapshot!(everything(Changes::since(alone.path(), None, no_env)), @"there is no branch to compare with: name one with `--since REF`");
}

#[test]
fn a_job_compares_with_what_it_was_started_for() {
    let dir = branched();
    let event = dir.path().join(".git/event.json");
    let job = |name: &str, before: &str| {
        let text = format!(
            "{{\"before\": \"{before}\", \"repository\": {{\"default_branch\": \"trunk\"}}}}"
        );
        std::fs::write(&event, text).unwrap();
        let (name, event) = (name.to_owned(), event.to_str().unwrap().to_owned());
        of_job(move |variable| match variable {
            "GITHUB_EVENT_NAME" => Some(name.clone()),
            "GITHUB_EVENT_PATH" => Some(event.clone()),
            _ => None,
        })
    };
    assert_eq!(job("push", "abc").as_deref(), Some("abc"));
    assert_eq!(
        job("push", &"0".repeat(40)).as_deref(),
        Some("origin/trunk")
    );
    assert_eq!(job("schedule", "abc"), None);
    let pull = of_job(|name| (name == "GITHUB_BASE_REF").then(|| "main".to_owned()));
    assert_eq!(pull.as_deref(), Some("origin/main"));
}

#[test]
fn where_the_history_is_cut_off_everything_may_differ() {
    let origin = branched();
    let clone = shallow(origin.path(), &["--no-single-branch"]);
    insta::assert_snapshot!(everything(Changes::since(clone.path(), Some("origin/main"), no_env)), @"no common history with origin/main is here, since the history is cut off; `git fetch --deepen=100 origin main:refs/remotes/origin/main` gets more of it");
    let clone = shallow(origin.path(), &[]);
    insta::assert_snapshot!(everything(Changes::since(clone.path(), Some("origin/main"), no_env)), @"origin/main is not here, since the history is cut off; `git fetch --deepen=100 origin main:refs/remotes/origin/main` gets more of it");
    let nothing = tempfile::tempdir().unwrap();
    assert!(
        everything(Changes::since(nothing.path(), None, no_env))
            .starts_with("not a git repository")
    );
}

#[test]
fn histories_with_nothing_in_common_differ_in_everything() {
    let dir = branched();
    git(dir.path(), &["switch", "-q", "--orphan", "other"]);
    commit(dir.path(), "another beginning", &[("x", "")]);
    insta::assert_snapshot!(everything(Changes::since(dir.path(), Some("main"), no_env)), @"there is no common history with main");
}

/// P1: whatever it looks like, it is the name of a commit or nothing.
#[test]
fn a_reference_that_git_does_not_know_is_a_mistake() {
    let dir = branched();
    for wrong in ["mian", "--output=x", "-h", "", "main..work", "a b"] {
        match Changes::since(dir.path(), Some(wrong), no_env) {
            Err(Unknown::Wrong(error)) => {
                assert_eq!(Failure::of(&error.into()).exit(), Exit::Usage);
            }
            other => panic!("{wrong}: {other:?}"),
        }
    }
    assert!(!dir.path().join("x").exists());
}

/// P2: programs that a repository names for showing differences are not run.
#[test]
fn differences_are_shown_by_nothing_of_the_repository() {
    let dir = branched();
    let trace = dir.path().join(".git/ran");
    let command = format!("touch {}", trace.display());
    git(dir.path(), &["config", "diff.external", &command]);
    git(dir.path(), &["config", "diff.x.textconv", &command]);
    git(dir.path(), &["config", "diff.x.command", &command]);
    write(dir.path(), ".git/info/attributes", "* diff=x\n");
    write(dir.path(), "b", "changed");
    assert_eq!(since(dir.path(), "main"), ["a", "b", "sub/d e"]);
    assert!(!trace.exists());
}
