//! Tests of what is read from git, against real repositories.

use super::*;
use crate::stages::git::testing::{self, git as git_in};

fn repository() -> tempfile::TempDir {
    let dir = testing::repository();
    testing::commit(dir.path(), "one", &[("a", "a")]);
    dir
}

fn read(dir: &Path) -> Checkout {
    Checkout::read(dir, |_| None).unwrap()
}

#[test]
fn a_clean_checkout_is_described_by_its_commit() {
    let dir = repository();
    git_in(
        dir.path(),
        &["remote", "add", "fork", "https://example.com/fork.git"],
    );
    git_in(
        dir.path(),
        &[
            "remote",
            "add",
            "origin",
            "https://x:token@example.com/a/b.git",
        ],
    );
    std::fs::create_dir(dir.path().join("below")).unwrap();
    let source = read(&dir.path().join("below"));
    assert_eq!(source.commit.len(), 40);
    assert_ne!(source.commit, NO_COMMIT);
    assert_eq!(source.commit_time, Some(1_612_317_906));
    assert_eq!(source.reference.as_deref(), Some("refs/heads/main"));
    assert_eq!(source.branch(), Some("main"));
    assert_eq!(
        source.repository.as_deref(),
        Some("https://example.com/a/b.git")
    );
    assert!(!source.dirty);
    assert_eq!(source.unknown, None);
}

#[test]
fn changed_staged_and_new_files_make_a_checkout_dirty_and_ignored_ones_do_not() {
    let dir = repository();
    std::fs::write(dir.path().join(".git/info/exclude"), "ignored\n").unwrap();
    std::fs::write(dir.path().join("ignored"), "").unwrap();
    assert!(!read(dir.path()).dirty);
    std::fs::write(dir.path().join("new"), "").unwrap();
    assert!(read(dir.path()).dirty);
    git_in(dir.path(), &["add", "new"]);
    assert!(read(dir.path()).dirty);
    git_in(dir.path(), &["commit", "-q", "-m", "two"]);
    assert!(!read(dir.path()).dirty);
    std::fs::write(dir.path().join("a"), "changed").unwrap();
    assert!(read(dir.path()).dirty);
}

#[test]
fn a_detached_head_has_the_reference_that_the_job_says_if_it_is_of_this_commit() {
    let dir = repository();
    git_in(dir.path(), &["checkout", "-q", "--detach"]);
    let commit = read(dir.path()).commit;
    assert_eq!(read(dir.path()).reference, None);
    let job = |sha: String| {
        move |name: &str| match name {
            "GITHUB_SHA" => Some(sha.clone()),
            "GITHUB_REF" => Some("refs/tags/v1".to_owned()),
            _ => None,
        }
    };
    let tagged = Checkout::read(dir.path(), job(commit)).unwrap();
    assert_eq!(tagged.reference.as_deref(), Some("refs/tags/v1"));
    assert_eq!(tagged.branch(), None);
    let other = Checkout::read(dir.path(), job(NO_COMMIT.to_owned())).unwrap();
    assert_eq!(other.reference, None);
}

#[test]
fn without_a_repository_or_a_commit_there_is_a_reason_and_the_zero_commit() {
    let dir = tempfile::tempdir().unwrap();
    let none = Checkout::of(dir.path());
    assert_eq!(none.commit, NO_COMMIT);
    assert!(none.unknown.unwrap().starts_with("not a git repository"));
    git_in(dir.path(), &["init", "-q"]);
    assert_eq!(
        Checkout::of(dir.path()).unknown.as_deref(),
        Some("the repository has no commit yet")
    );
}

/// P2: what a repository configures is not run.
#[test]
fn commands_configured_in_the_repository_are_not_run() {
    let dir = repository();
    let trace = dir.path().join(".git/ran");
    let command = format!("touch {}", trace.display());
    let script = dir.path().join(".git/hook");
    std::fs::write(&script, format!("#!/bin/sh\n{command}\n")).unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(
        &mut std::fs::metadata(&script).unwrap().permissions(),
        0o755,
    );
    git_in(dir.path(), &["config", "core.fsmonitor", &command]);
    git_in(dir.path(), &["config", "core.pager", &command]);
    git_in(dir.path(), &["config", "core.sshCommand", &command]);
    git_in(dir.path(), &["config", "gpg.program", &command]);
    git_in(dir.path(), &["config", "log.showSignature", "true"]);
    std::fs::write(dir.path().join("a"), "changed").unwrap();
    let index = std::fs::read(dir.path().join(".git/index")).unwrap();
    assert!(read(dir.path()).dirty);
    assert!(!trace.exists());
    assert_eq!(
        std::fs::read(dir.path().join(".git/index")).unwrap(),
        index,
        "the repository was written to"
    );
}

#[test]
fn addresses_lose_what_may_be_a_secret() {
    for (given, kept) in [
        ("https://example.com/a.git", "https://example.com/a.git"),
        ("https://token@example.com/a", "https://example.com/a"),
        (
            "https://u:p@ss@example.com:8443/a",
            "https://example.com:8443/a",
        ),
        ("https://example.com/a?token=x#y", "https://example.com/a"),
        (
            "ssh://git:pw@example.com:22/a",
            "ssh://git@example.com:22/a",
        ),
        ("git@example.com:a/b.git", "git@example.com:a/b.git"),
        ("../b.git", "../b.git"),
        ("https://u:p@example.com", "https://example.com"),
    ] {
        assert_eq!(without_credentials(given), kept);
    }
}

#[test]
fn status_is_parsed_by_its_headers() {
    let clean = "# branch.oid 1a2b\0# branch.head (detached)\0";
    assert_eq!(
        Status::parse(clean),
        Status {
            commit: Some("1a2b".into()),
            branch: None,
            dirty: false
        }
    );
    let odd = "# branch.oid (initial)\0# branch.head x # y\0? # branch.oid 1\0";
    assert_eq!(
        Status::parse(odd),
        Status {
            commit: None,
            branch: Some("x # y".into()),
            dirty: true
        }
    );
}
