//! The files of a commit as layers.

use std::path::Path;
use std::sync::Arc;

use ci_oci::Digest;
use ci_rootfs::import::{self, Digests, Filter};
use ci_rootfs::op::Op;
use ci_store::Refs;
use serde::Serialize;

use super::command::Git;
pub(crate) use super::mirror::Depth;
use super::mirror::Mirror;
use super::{Asker, Remote, Resolved};
use crate::error::{Error, Result};
use crate::layers::{Rootfs, key_of};
use crate::progress::Outcome;
use crate::session::Session;

/// How many submodules deep a repository may be.
pub(super) const DEPTH_LIMIT: usize = 16;

/// What of a commit is wanted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Want {
    /// A directory of it, relative.
    pub(crate) subdir: Option<String>,
    /// `.git` with this much history; only of a whole commit.
    pub(crate) git_dir: Option<Depth>,
    /// Its submodules, too.
    pub(crate) submodules: bool,
}

impl Want {
    /// All files and nothing else.
    pub(crate) const FILES: Self = Self {
        subdir: None,
        git_dir: None,
        submodules: true,
    };
}

impl Session {
    /// The files of a commit and of its submodules, at the root of a root file system. Known ones need no network.
    pub(crate) async fn git_tree(
        self: &Arc<Self>,
        remote: &Remote,
        wanted: &Resolved,
        want: &Want,
        asker: &Asker,
    ) -> Result<Rootfs> {
        self.git_tree_at(remote, wanted, want, asker, 0).await
    }

    pub(super) async fn git_tree_at(
        self: &Arc<Self>,
        remote: &Remote,
        wanted: &Resolved,
        want: &Want,
        asker: &Asker,
        level: usize,
    ) -> Result<Rootfs> {
        // By repository too, so that nobody gets the files of one by the name of another. What git keeps of names shows only in `.git`.
        let name = want.git_dir.map(|_| (&wanted.name, &wanted.object));
        let key = key_of("git", &(remote.address.text(), &wanted.commit, name, want))?;
        // A commit is what it is, so this holds whatever `no_cache` says: it saves fetching, not running.
        if let Some(known) = self.store.result::<Rootfs>("git", &key) {
            return Ok(known);
        }
        let flight = remote.access.apart(key);
        let (session, remote, wanted, want, asker) = (
            self.clone(),
            remote.clone(),
            wanted.clone(),
            want.clone(),
            asker.clone(),
        );
        let work = async move {
            let rootfs = session
                .git_fetch(&remote, &wanted, &want, &asker, level)
                .await?;
            let refs = Refs {
                layers: rootfs.layers.clone(),
                blobs: Vec::new(),
            };
            session.store.put_result("git", &key, &rootfs, refs)?;
            Ok(rootfs)
        };
        self.fetches.join(flight, work).await
    }

    async fn git_fetch(
        self: &Arc<Self>,
        remote: &Remote,
        wanted: &Resolved,
        want: &Want,
        asker: &Asker,
        level: usize,
    ) -> Result<Rootfs> {
        let what = wanted.name.as_deref().unwrap_or(&wanted.commit);
        let name = format!("fetch {}#{what}", remote.address);
        let step = self
            .options
            .progress
            .start(&asker.group, name, asker.source.clone());
        let fetched = async {
            let mirror = self.git_mirror(remote, &wanted.commit).await?;
            let depth = want.git_dir.unwrap_or(Depth::Commits(1));
            mirror.fetch(remote, wanted, depth, &step).await?;
            let _permit = self.permit().await?;
            let checkout = Checkout {
                session: self,
                mirror: &mirror,
                remote,
                wanted,
            };
            let modules = if want.submodules {
                checkout.submodules().await?
            } else {
                Vec::new()
            };
            Ok::<_, Error>((checkout.layer(want).await?, modules))
        };
        let fetched = fetched.await;
        step.finish(match &fetched {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        let (layer, modules) = fetched?;
        let rootfs = Rootfs::default().with(layer);
        self.with_submodules(remote, rootfs, modules, want, asker, level)
            .await
    }
}

/// A commit in a mirror that is being brought to disk.
pub(super) struct Checkout<'a> {
    session: &'a Arc<Session>,
    mirror: &'a Mirror,
    remote: &'a Remote,
    pub(super) wanted: &'a Resolved,
}

impl Checkout<'_> {
    /// Git on the mirror.
    pub(super) fn git(&self) -> Git {
        Git::local(self.mirror.path(), self.remote.address.to_string())
    }

    /// The files as a layer. Permission bits are reduced to what git keeps, so no umask shows.
    async fn layer(&self, want: &Want) -> Result<Digest> {
        let subdir = want.subdir.as_deref().unwrap_or_default().trim_matches('/');
        self.check_directory(subdir).await?;
        let (staging, layer) = self.session.stage()?;
        let files = staging.work.join("files");
        std::fs::create_dir(&files)?;
        match want.git_dir {
            // Of a part of a repository it would be of no use.
            Some(depth) if subdir.is_empty() => self.with_git_dir(&files, depth).await?,
            _ => {
                let git = self.git().env("GIT_INDEX_FILE", staging.work.join("index"));
                self.write(git, &files).await?;
            }
        }
        let (from, into) = (files.join(subdir), layer.dir.clone());
        tokio::task::spawn_blocking(move || {
            let tree = import::scan(&from, &Filter::default(), &mut Nothing)?;
            import::materialise(&tree, &from, &into, None)?;
            std::fs::remove_dir_all(&files)?;
            Ok::<_, Error>(())
        })
        .await??;
        self.session.commit(staging, Op::Hash { layer }).await
    }

    /// Looked up among the objects, where a link is a link and `..` is no name: nothing leads out of the repository (E9).
    async fn check_directory(&self, subdir: &str) -> Result<()> {
        if subdir.is_empty() {
            return Ok(());
        }
        let place = format!("{}:{subdir}", self.wanted.commit);
        let kind = self.git().run(&["cat-file", "-t", &place], None).await;
        match kind.as_deref().map(<[u8]>::trim_ascii) {
            Ok(b"tree") => Ok(()),
            Ok(_) => Err(Error::new(format!(
                "git repository {}: {subdir:?} is not a directory; links are not followed",
                self.remote.address
            ))),
            Err(_) => Err(Error::new(format!(
                "git repository {}: commit {} has no directory {subdir:?}",
                self.remote.address, self.wanted.commit
            ))),
        }
    }

    /// Writes the files of the commit to a directory, by an index of their own.
    async fn write(&self, git: Git, files: &Path) -> Result<()> {
        let git = git.env("GIT_WORK_TREE", files);
        git.run(&["read-tree", &self.wanted.commit], None).await?;
        git.run(&["checkout-index", "--all", "--force", "--quiet"], None)
            .await?;
        Ok(())
    }

    /// Writes the files and a repository of their own. The history is packed anew by one thread, and the index knows no times, so the
    /// same commit gives the same bytes; only another version of git may not.
    async fn with_git_dir(&self, files: &Path, depth: Depth) -> Result<()> {
        let dir = files.join(".git");
        std::fs::create_dir(&dir)?;
        super::mirror::make_empty(&dir)?;
        std::fs::write(dir.join("config"), self.config(""))?;
        let shown = self.remote.address.to_string();
        let mut git = Git::local(&dir, &*shown).env("GIT_ALLOW_PROTOCOL", "file");
        // A full transfer, not a copy of the mirror's files with whatever is in them.
        git.config(
            "remote.origin.url",
            &format!("file://{}", self.mirror.path().display()),
        );
        git.config("uploadpack.allowAnySHA1InWant", "true");
        let name = self
            .wanted
            .name
            .as_deref()
            .unwrap_or("refs/pipeline/commit");
        let reference = format!("+{}:{name}", super::mirror::kept(self.wanted));
        let arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            &depth.option(),
            "--",
            "origin",
            &reference,
        ];
        git.run(&arguments, None).await?;
        let git = Git::local(&dir, &*shown);
        let commit = &self.wanted.commit;
        git.run(&["update-ref", "--no-deref", "HEAD", commit], None)
            .await?;
        if self.wanted.name.is_none() {
            git.run(&["update-ref", "-d", name], None).await?;
        }
        let repack = [
            "repack",
            "-a",
            "-d",
            "-F",
            "-q",
            "--window=10",
            "--depth=50",
        ];
        git.run(&repack, None).await?;
        for name in ["logs", "hooks", "objects/info", "info"] {
            match std::fs::remove_dir_all(dir.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        self.write(git, files).await?;
        // Where it came from, without user and password (S1).
        let url = shown.replace('"', "\\\"");
        let origin = format!(
            "[remote \"origin\"]\n\turl = \"{url}\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
        );
        Ok(std::fs::write(dir.join("config"), self.config(&origin))?)
    }

    /// The configuration of the repository in an image.
    fn config(&self, more: &str) -> String {
        let is_sha256 = self.wanted.commit.len() == 64;
        let (version, extensions) = if is_sha256 {
            (1, "[extensions]\n\tobjectFormat = sha256\n")
        } else {
            (0, "")
        };
        format!(
            "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n{extensions}{more}"
        )
    }
}

/// Remembers no digests: what is scanned is gone afterwards.
struct Nothing;

impl Digests for Nothing {
    fn known(&self, _: &rustix::fs::Stat) -> Option<Digest> {
        None
    }

    fn learn(&mut self, _: &rustix::fs::Stat, _: Digest) {}
}
