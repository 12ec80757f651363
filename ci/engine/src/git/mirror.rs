//! Bare mirrors: what has been fetched of a remote, kept in the store as a cache volume that no execution can name.

use std::path::Path;
use std::sync::Arc;

use ci_oci::Digest;
use ci_store::CacheLease;
use rustix::fs::Mode;

use super::command::Git;
use super::complaint::Failure;
use super::{Remote, Resolved};
use crate::cache_volume::VolumeId;
use crate::error::Result;
use crate::progress::Step;
use crate::session::Session;

/// How much of a history is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) enum Depth {
    /// This many commits; at least 1.
    Commits(u32),
    /// All of it.
    All,
}

impl Depth {
    /// As git's option. Git takes the largest number for all.
    pub(super) fn option(self) -> String {
        match self {
            Self::Commits(count) => format!("--depth={}", count.max(1)),
            Self::All => format!("--depth={}", i32::MAX),
        }
    }
}

/// A mirror, ours alone until it is dropped.
pub(super) struct Mirror {
    lease: CacheLease,
}

impl Mirror {
    pub(super) fn path(&self) -> &Path {
        self.lease.path()
    }

    /// Makes sure that a commit is there, fetching as little as the remote allows.
    pub(super) async fn fetch(
        &self,
        remote: &Remote,
        wanted: &Resolved,
        depth: Depth,
        step: &Step,
    ) -> Result<()> {
        let local = Git::local(self.path(), remote.address.to_string());
        // Of a longer history it is not known how much of it is there.
        if depth == Depth::Commits(1) && self.has(&local, wanted).await {
            return self.keep(&local, wanted).await;
        }
        self.unlock()?;
        let git = Git::with_remote(self.path(), remote)?;
        let keep = kept(wanted);
        let by_id = format!("+{}:{keep}", wanted.object);
        let mut failure = match fetch(&git, &depth.option(), &[&by_id], step).await {
            Ok(()) => return self.keep(&local, wanted).await,
            Err(failure) => failure,
        };
        if failure.is_unreachable() {
            return Err(failure.into());
        }
        // Some servers give no commit by its id, or nothing but whole histories.
        if let Some(name) = &wanted.name {
            let by_name = format!("+{name}:{keep}");
            match fetch(&git, &depth.option(), &[&by_name], step).await {
                Ok(()) if self.has(&local, wanted).await => return self.keep(&local, wanted).await,
                Ok(()) => {}
                Err(error) => failure = error,
            }
        }
        let everything = [
            "+refs/heads/*:refs/mirror/heads/*",
            "+refs/tags/*:refs/mirror/tags/*",
        ];
        let is_shallow = self.path().join("shallow").exists();
        let whole = if is_shallow {
            "--unshallow"
        } else {
            "--no-tags"
        };
        match fetch(&git, whole, &everything, step).await {
            Ok(()) if self.has(&local, wanted).await => self.keep(&local, wanted).await,
            // What the first way was refused for says more.
            _ => Err(failure.into()),
        }
    }

    /// Names a commit that is there, so that others can be made from the mirror.
    async fn keep(&self, git: &Git, wanted: &Resolved) -> Result<()> {
        let commit = format!("{}^{{commit}}", wanted.commit);
        git.run(&["cat-file", "-e", &commit], None).await?;
        git.run(&["update-ref", &kept(wanted), &wanted.object], None)
            .await?;
        Ok(())
    }

    async fn has(&self, git: &Git, wanted: &Resolved) -> bool {
        for (id, kind) in [(&wanted.object, ""), (&wanted.commit, "^{commit}")] {
            if git
                .run(&["cat-file", "-e", &format!("{id}{kind}")], None)
                .await
                .is_err()
            {
                return false;
            }
        }
        true
    }

    /// Removes the locks of a git that was killed here. Nobody else is at work: the mirror is ours alone.
    fn unlock(&self) -> std::io::Result<()> {
        for dir in ["", "refs/pipeline"] {
            let Ok(entries) = std::fs::read_dir(self.path().join(dir)) else {
                continue;
            };
            for entry in entries {
                let path = entry?.path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == "lock")
                {
                    std::fs::remove_file(path)?;
                }
            }
        }
        Ok(())
    }
}

/// The reference that keeps an object in a mirror.
pub(super) fn kept(wanted: &Resolved) -> String {
    format!("refs/pipeline/{}", wanted.object)
}

async fn fetch(
    git: &Git,
    how_much: &str,
    what: &[&str],
    step: &Step,
) -> std::result::Result<(), Failure> {
    let mut arguments = vec![
        "fetch",
        "--progress",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        how_much,
        "--",
        "origin",
    ];
    arguments.extend(what);
    git.run(&arguments, Some(step)).await.map(drop)
}

/// Makes an empty bare repository: no hooks, no templates.
pub(super) fn make_empty(dir: &Path) -> std::io::Result<()> {
    for name in ["objects", "refs"] {
        std::fs::create_dir(dir.join(name))?;
    }
    std::fs::write(dir.join("HEAD"), "ref: refs/heads/none\n")
}

impl Session {
    /// Takes the mirror of a remote; waits while others use it.
    pub(super) async fn git_mirror(
        self: &Arc<Self>,
        remote: &Remote,
        commit: &str,
    ) -> Result<Mirror> {
        // Objects of the two kinds of ids do not mix.
        let is_sha256 = commit.len() == 64;
        let kind = if is_sha256 { "sha256" } else { "sha1" };
        let id = VolumeId::git(&Digest::of(format!("{kind} {}", remote.address.text())));
        let fill = move |dir: &Path| {
            // It may hold what only this user may see.
            rustix::fs::chmod(dir, Mode::from_raw_mode(0o700))?;
            make_empty(dir)?;
            let format = if is_sha256 {
                "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
            } else {
                "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
            };
            std::fs::write(dir.join("config"), format)
        };
        let lease = self
            .take_volume(id, ci_store::Sharing::Locked, fill)
            .await?;
        Ok(Mirror { lease })
    }
}
