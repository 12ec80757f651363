//! Which files differ, as git knows it: between what a branch began from and the commit that is checked out, and in the checkout
//! beyond that.
//!
//! Trees are compared, not commits. What a branch changed but the other one has by now, as after a squash merge, is no difference.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde::Deserialize;

use crate::error::{Exit, UserError};
use crate::stages::git;

/// What a comparison lists.
const DIFF: [&str; 7] = [
    "diff",
    "--name-only",
    "-z",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
];

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Relative to the catalog's root, each once.
    pub(crate) paths: BTreeSet<PathBuf>,
    /// Since when.
    pub(crate) since: Since,
    /// How the root is called in the repository: empty, or with a final slash.
    prefix: String,
}

/// What was compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Since {
    /// As it was named.
    pub(crate) reference: String,
    /// The commit that both histories have.
    pub(crate) commit: String,
}

/// Why it is not known what differs.
#[derive(Debug)]
pub(crate) enum Unknown {
    /// Everything may.
    Everything(String),
    /// What was asked for makes no sense.
    Wrong(UserError),
}

impl Changes {
    /// What differs since the history of a reference was left; without one, that of the branch that this is for.
    pub(crate) fn since(
        root: &Path,
        reference: Option<&str>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Unknown> {
        let run = |args: &[&str]| git::run(root, args).map(|text| text.trim_end().to_owned());
        let everything = |problem: String| Unknown::Everything(problem);
        let prefix = run(&["rev-parse", "--show-prefix"]).map_err(everything)?;
        let head = commit(root, "HEAD").map_err(everything)?;
        let shallow = run(&["rev-parse", "--is-shallow-repository"]).is_ok_and(|it| it == "true");
        let (name, is_asked_for) = match reference {
            Some(reference) => (Some(reference.to_owned()), true),
            None => (of_job(&env).or_else(|| of_origin(root)), false),
        };
        let Some(name) = name else {
            let message = "there is no branch to compare with: name one with `--since REF`";
            return Err(Unknown::Everything(message.to_owned()));
        };
        let other = match commit(root, &name) {
            Ok(other) => other,
            Err(_) if shallow => return Err(cut_off(format!("{name} is not here"), &name)),
            Err(_) if is_asked_for => {
                let error = UserError::new(Exit::Usage, format!("git knows no commit `{name}`"));
                return Err(Unknown::Wrong(error.hint(
                    "a branch, a tag or a commit: `origin/main`; `git fetch` may have to get it first",
                )));
            }
            Err(_) => {
                let problem = format!("{name} is not here; `git fetch` may get it");
                return Err(Unknown::Everything(problem));
            }
        };
        let base = match run(&["merge-base", &other, &head]) {
            Ok(base) => base,
            Err(_) if shallow => {
                let problem = format!("no common history with {name} is here");
                return Err(cut_off(problem, &name));
            }
            Err(_) => {
                let problem = format!("there is no common history with {name}");
                return Err(Unknown::Everything(problem));
            }
        };
        // All are started before the first is waited for.
        let diff = |range: &[&str]| {
            let mut args = DIFF.to_vec();
            args.extend(range);
            args.push("--");
            git::start(root, &args)
        };
        let on_branch = diff(&[&base, &head]);
        let from_other = (base != other).then(|| diff(&[&other, &head]));
        let uncommitted = diff(&[&head]);
        let new = git::start(
            root,
            &[
                "ls-files",
                "-z",
                "--others",
                "--exclude-standard",
                "--full-name",
                ":/",
            ],
        );
        let list = |child: io::Result<Child>| -> Result<BTreeSet<PathBuf>, Unknown> {
            let listed = git::bytes(child).map_err(everything)?;
            let paths = listed.split(|byte| *byte == 0).filter(|it| !it.is_empty());
            Ok(paths.map(|path| from_root(path, &prefix)).collect())
        };
        let mut paths = list(on_branch)?;
        if let Some(from_other) = from_other {
            let differing = list(from_other)?;
            paths.retain(|path| differing.contains(path));
        }
        paths.extend(list(uncommitted)?);
        paths.extend(list(new)?);
        Ok(Self {
            paths,
            since: Since {
                reference: name,
                commit: base,
            },
            prefix,
        })
    }

    /// What a file held then; `None` if it was not there.
    pub(crate) fn before(&self, root: &Path, path: &Path) -> Option<Vec<u8>> {
        let path = path.to_str()?;
        let object = format!("{}:{}{path}", self.since.commit, self.prefix);
        git::bytes(git::start(root, &["cat-file", "blob", &object])).ok()
    }
}

/// A shallow clone lacks what would tell.
fn cut_off(problem: String, reference: &str) -> Unknown {
    // A clone of one branch follows no other unless it is told to.
    let branch = reference
        .strip_prefix("origin/")
        .map(|branch| format!(" origin {branch}:refs/remotes/origin/{branch}"))
        .unwrap_or_default();
    Unknown::Everything(format!(
        "{problem}, since the history is cut off; `git fetch --deepen=100{branch}` gets more of it"
    ))
}

/// The id of a commit. A name that looks like an option is none (P1).
fn commit(root: &Path, name: &str) -> Result<String, String> {
    let object = format!("{name}^{{commit}}");
    let args = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &object,
    ];
    git::run(root, &args).map(|id| id.trim_end().to_owned())
}

/// A path of the repository as one relative to the catalog's root.
fn from_root(path: &[u8], prefix: &str) -> PathBuf {
    let path = Path::new(OsStr::from_bytes(path));
    let mut up = PathBuf::new();
    for folder in Path::new(prefix).ancestors() {
        if let Ok(inside) = path.strip_prefix(folder) {
            return up.join(inside);
        }
        up.push("..");
    }
    path.to_owned()
}

/// What a job of GitHub's was started for: the branch that a pull request is for, or what a branch was before a push.
fn of_job(env: impl Fn(&str) -> Option<String>) -> Option<String> {
    #[derive(Deserialize)]
    struct Event {
        before: Option<String>,
        repository: Option<Repository>,
    }
    #[derive(Deserialize)]
    struct Repository {
        default_branch: Option<String>,
    }
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(branch) = set("GITHUB_BASE_REF") {
        return Some(format!("origin/{branch}"));
    }
    if set("GITHUB_EVENT_NAME")? != "push" {
        return None;
    }
    let event: Event =
        serde_json::from_slice(&std::fs::read(set("GITHUB_EVENT_PATH")?).ok()?).ok()?;
    // Zeros mean that the branch is new.
    let before = event
        .before
        .filter(|id| id.bytes().any(|byte| byte != b'0'));
    before.or_else(|| Some(format!("origin/{}", event.repository?.default_branch?)))
}

/// The branch that a clone begins with.
fn of_origin(root: &Path) -> Option<String> {
    let head = [
        "symbolic-ref",
        "--quiet",
        "--short",
        "refs/remotes/origin/HEAD",
    ];
    if let Ok(name) = git::run(root, &head) {
        return Some(name.trim_end().to_owned());
    }
    let usual = ["origin/main", "origin/master"];
    let found = usual
        .iter()
        .find(|name| commit(root, &format!("refs/remotes/{name}")).is_ok());
    found.map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests;
