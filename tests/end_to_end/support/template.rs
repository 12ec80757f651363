//! The repository that checkouts are cloned from: the samples in one commit that is the same on every machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::work;

/// What of this repository the samples' catalog names.
const PARTS: &[&str] = &["pipeline.toml", "pipeline", "tests/services"];

/// When the commit was made.
pub(crate) const COMMIT_TIME: i64 = 1_767_323_045;

/// The same in the form that records and images have.
pub(crate) const COMMIT_DATE: &str = "2026-01-02T03:04:05Z";

/// The repository that checkouts are cloned from.
pub(super) fn template() -> &'static Path {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let template = work::folder("template").keep();
        for part in PARTS {
            copy(&repository.join(part), &template.join(part));
        }
        git(&template, &["init", "--quiet", "--initial-branch=main"]);
        git(&template, &["add", "."]);
        git(&template, &["commit", "--quiet", "--message=Samples"]);
        template
    })
}

/// Copies what git would keep: contents and execute bits.
fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        let mode = fs::metadata(to).unwrap().permissions().mode() | 0o644;
        return fs::set_permissions(to, PermissionsExt::from_mode(mode)).unwrap();
    }
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "target" {
            copy(&from.join(&name), &to.join(&name));
        }
    }
}

/// Runs git in a folder, without anybody's configuration, and always at the same time.
#[track_caller]
pub(super) fn git(folder: &Path, arguments: &[&str]) {
    let date = format!("{COMMIT_TIME} +0100");
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ])
        .envs([
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "C"),
            ("GIT_COMMITTER_EMAIL", "c@example.com"),
        ])
        .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_WORK_TREE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
}
