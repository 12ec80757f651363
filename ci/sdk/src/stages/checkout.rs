//! What git knows of the checkout: commit, time, reference, remote, and whether files differ from the commit.
//!
//! A checkout without git, or git without a repository, is no error: images then carry the zero commit.

use std::path::Path;

use ci_catalog::version::Version;

use super::git;

/// Stands for a commit that is not known.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// What is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// Address of the remote repository, without credentials.
    pub(crate) repository: Option<String>,
    /// Full id of the commit; zeros if it is not known.
    pub(crate) commit: String,
    /// What was checked out, such as `refs/heads/main`.
    pub(crate) reference: Option<String>,
    /// Whether files differ from the commit, or are not in it.
    pub(crate) dirty: bool,
    /// Committer time, in seconds since the epoch.
    pub(crate) commit_time: Option<i64>,
    /// Why the commit is not known, in one line.
    pub(crate) unknown: Option<String>,
    /// The version that is built, where the catalog asks for one and it is known; [`super::version`] finds it.
    pub(crate) version: Option<Version>,
}

impl Checkout {
    /// Asks git about the checkout that `root` is in.
    pub(crate) fn of(root: &Path) -> Self {
        Self::read(root, |name| std::env::var(name).ok()).unwrap_or_else(|reason| Self {
            repository: None,
            commit: NO_COMMIT.to_owned(),
            reference: None,
            dirty: false,
            commit_time: None,
            unknown: Some(reason),
            version: None,
        })
    }

    /// The name of the branch, if one was checked out.
    pub(crate) fn branch(&self) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix("refs/heads/")
    }

    fn read(root: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        // All three are started before the first is waited for: they take a few milliseconds together.
        let status = git::start(
            root,
            &[
                "status",
                "--porcelain=v2",
                "--branch",
                "-z",
                "--untracked-files=normal",
                "--ignore-submodules=dirty",
            ],
        );
        let time = git::start(root, &["log", "-1", "--format=%ct", "--no-show-signature"]);
        let remotes = git::start(
            root,
            &["config", "-z", "--get-regexp", r"^remote\..*\.url$"],
        );
        let status = Status::parse(&git::answer(status)?);
        let (time, remotes) = (git::answer(time), git::answer(remotes));
        let commit = status.commit.ok_or("the repository has no commit yet")?;
        let reference = status
            .branch
            .map(|branch| format!("refs/heads/{branch}"))
            .or_else(|| reference_of_job(&commit, env));
        Ok(Self {
            repository: remote(&remotes.unwrap_or_default()),
            reference,
            dirty: status.dirty,
            commit_time: time.ok().and_then(|text| text.trim().parse().ok()),
            commit,
            unknown: None,
            version: None,
        })
    }
}

/// `git status --porcelain=v2 --branch -z`
#[derive(Debug, Default, PartialEq, Eq)]
struct Status {
    commit: Option<String>,
    branch: Option<String>,
    dirty: bool,
}

impl Status {
    fn parse(output: &str) -> Self {
        let mut status = Self::default();
        for line in output.split_terminator('\0') {
            match line.strip_prefix("# ") {
                None => status.dirty = true,
                Some(header) => match header.split_once(' ') {
                    Some(("branch.oid", id)) => {
                        let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit());
                        status.commit = is_id.then(|| id.to_owned());
                    }
                    Some(("branch.head", head)) => {
                        status.branch = (head != "(detached)").then(|| head.to_owned());
                    }
                    _ => {}
                },
            }
        }
        status
    }
}

/// A job of a CI service checks out a commit, not a branch; GitHub's says beside it which reference that was.
fn reference_of_job(commit: &str, env: impl Fn(&str) -> Option<String>) -> Option<String> {
    let is_of_commit = env("GITHUB_SHA").as_deref() == Some(commit);
    env("GITHUB_REF").filter(|reference| is_of_commit && reference.starts_with("refs/"))
}

/// The address of `origin`, else of the first remote, from `git config -z --get-regexp`.
fn remote(output: &str) -> Option<String> {
    let remotes = || {
        output
            .split_terminator('\0')
            .filter_map(|entry| entry.split_once('\n'))
    };
    let origin = remotes().find(|(key, _)| *key == "remote.origin.url");
    origin
        .or_else(|| remotes().next())
        .map(|(_, url)| without_credentials(url))
}

/// The address without a password, without a user where that may be a token, and without query or fragment.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // `git@host:path`, or a path; neither can hold a password.
        return url.to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if scheme == "ssh" || scheme == "git+ssh" => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{user}@{host}")
        }
        Some((_, host)) => host.to_owned(),
        None => authority.to_owned(),
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests;
