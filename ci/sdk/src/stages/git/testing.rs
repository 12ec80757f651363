//! Repositories for tests, made by git itself without anybody's configuration.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::is_of_git;

/// When commits are made.
const TIME: &str = "2021-02-03T04:05:06+02:00";

/// Runs git in a folder.
#[track_caller]
pub(crate) fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_git(name)) {
        command.env_remove(name);
    }
    let status = command
        .current_dir(dir)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(["-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .env("GIT_COMMITTER_DATE", TIME)
        .env("GIT_AUTHOR_DATE", TIME)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}

/// A repository without commits.
pub(crate) fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    dir
}

/// Writes files and commits everything there is.
#[track_caller]
pub(crate) fn commit(dir: &Path, message: &str, files: &[(&str, &str)]) {
    for (path, text) in files {
        write(dir, path, text);
    }
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "--allow-empty", "-m", message]);
}

/// Writes a file and the folders it is in.
pub(crate) fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A shallow clone of a repository, in a folder of its own.
#[track_caller]
pub(crate) fn shallow(origin: &Path, options: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}", origin.display());
    let mut args = vec!["clone", "-q", "--depth=1"];
    args.extend(options);
    args.extend([url.as_str(), "."]);
    git(dir.path(), &args);
    dir
}
