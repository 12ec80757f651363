//! One step of a stage: its result as a root file system.

use std::sync::Arc;

use ci_dockerfile::StageId;
use ci_dockerfile::graph::{
    Cache, Copy, CopyFrom, Git, Mount as RunMount, Network, Op, Run, Sharing as RunSharing,
    Source as CopySource, Step, Workdir,
};
use ci_oci::{Digest, Platform};
use ci_rootfs::copy;
use ci_rootfs::write::Change;

use super::context::{self, source_root};
use super::plan::Plan;
use super::stages::Stages;
use crate::container::Container;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::exec::{CacheMount, Exec, Expect, Mount, Mounted, SecretEnv, Sharing, Shown};
use crate::git::{Access, Address, Asker, Depth, Name, Remote, Want};
use crate::http::{self, Download};
use crate::layers::Rootfs;
use crate::output::Redirects;
use crate::progress::{Outcome, Source};
use crate::session::Session;
use crate::ssh::Talk;

/// What a step needs to know of the build it is in.
struct Scope<'a> {
    session: &'a Arc<Session>,
    plan: &'a Plan,
    stages: &'a Stages,
    platform: Platform,
    shown: Shown,
}

/// Does what a step says in a container; the layer of what it changed, if it changed anything.
pub(super) async fn run(
    session: &Arc<Session>,
    plan: &Arc<Plan>,
    stage: StageId,
    step: &Step,
    container: &Container,
    stages: &Stages,
) -> Result<Option<Digest>> {
    let below = &container.rootfs;
    let source = plan.text.source(step.span.first_line);
    let name = match plan.file.stage(stage) {
        Some(planned) if plan.order.len() > 1 => {
            format!("[{}] {}", planned.name, one_line(&step.display))
        }
        _ => one_line(&step.display),
    };
    let shown = Shown {
        group: plan.request.group.clone(),
        name,
        source: Some(source.clone()),
    };
    let scope = Scope {
        session,
        plan,
        stages,
        platform: container.image.platform(),
        shown,
    };
    match &step.op {
        Op::None => Ok(None),
        Op::Run(run) => scope.run(run, below).await,
        Op::Copy(copy) => scope
            .copy(copy, below)
            .await
            .map(Some)
            .map_err(|error| match context::meant(&plan.context, copy) {
                Some(name) => Error::new(format!("{error} (did you mean {name:?}?)")),
                None => error,
            })
            .map_err(|error| located(error, &source)),
        Op::Workdir(workdir) => scope
            .workdir(workdir, below)
            .await
            .map_err(|error| located(error, &source)),
    }
}

/// Puts the place in front of an error that does not have it.
fn located(error: Error, source: &Source) -> Error {
    error.context(source)
}

impl Scope<'_> {
    async fn run(&self, run: &Run, below: &Rootfs) -> Result<Option<Digest>> {
        let place = self.shown.source.clone();
        let placed = |error| match &place {
            Some(source) => located(error, source),
            None => error,
        };
        let exec = self.exec(run, below).await.map_err(placed)?;
        let outcome = self.session.execute(exec, self.shown.clone()).await;
        Ok(outcome.map_err(placed)?.layer)
    }

    async fn exec(&self, run: &Run, below: &Rootfs) -> Result<Exec> {
        let mut mounts = Vec::new();
        let mut secret_env = Vec::new();
        let mut env = run.env.clone();
        for mount in &run.mounts {
            match mount {
                RunMount::Bind(bind) => {
                    let (rootfs, path) = self.place(&bind.from, &bind.source).await?;
                    // Writes through a bind mount that may be written to are thrown away.
                    mounts.push(Mount {
                        target: bind.target.clone(),
                        source: Mounted::Layers { rootfs, path },
                        readonly: bind.read_only,
                    });
                }
                RunMount::Cache(cache) => mounts.push(self.cache(cache).await?),
                RunMount::Tmpfs { target, size } => mounts.push(Mount {
                    target: target.clone(),
                    source: Mounted::Tmpfs { size: *size },
                    readonly: false,
                }),
                RunMount::Secret(secret) => {
                    let Some(given) = self.plan.request.secrets.get(&secret.id) else {
                        if secret.required {
                            return Err(Error::new(format!(
                                "secret {:?} is required, but the build was given none of that name",
                                secret.id
                            )));
                        }
                        continue;
                    };
                    let value = given.value().await?;
                    if let Some(name) = &secret.env {
                        secret_env.push(SecretEnv {
                            name: name.clone(),
                            value: value.clone(),
                        });
                    }
                    if let Some(target) = &secret.target {
                        let source = Mounted::Secret {
                            mode: secret.mode,
                            uid: secret.uid,
                            gid: secret.gid,
                            value,
                        };
                        mounts.push(Mount {
                            target: target.clone(),
                            source,
                            readonly: true,
                        });
                    }
                }
                RunMount::Ssh(ssh) => {
                    let Some(socket) = &self.plan.request.ssh else {
                        if ssh.required {
                            return Err(Error::new(
                                "an SSH agent is required, but the build was given none",
                            ));
                        }
                        continue;
                    };
                    // The first agent is the one that programs find.
                    if !env.iter().any(|(name, _)| name == "SSH_AUTH_SOCK") {
                        env.push(("SSH_AUTH_SOCK".to_owned(), ssh.target.clone()));
                    }
                    mounts.push(Mount {
                        target: ssh.target.clone(),
                        source: Mounted::Socket {
                            mode: ssh.mode,
                            uid: ssh.uid,
                            gid: ssh.gid,
                            talk: Talk::Agent,
                            socket: socket.clone(),
                        },
                        readonly: false,
                    });
                }
            }
        }
        for file in &run.files {
            let source = Mounted::File {
                content: file.contents.clone(),
                mode: file.mode,
            };
            mounts.push(Mount {
                target: file.path.clone(),
                source,
                readonly: true,
            });
        }
        Ok(Exec {
            rootfs: below.clone(),
            platform: self.platform.clone(),
            argv: run.argv.clone(),
            env,
            ambient_env: run.proxy.clone(),
            secret_env,
            user: run.user.clone(),
            cwd: run.working_dir.clone(),
            mounts,
            isolated: run.network == Network::None,
            stdin: None,
            redirects: Redirects::default(),
            limits: self.plan.request.limits.clone(),
            expect: Expect::Success,
        })
    }

    async fn cache(&self, cache: &Cache) -> Result<Mount> {
        let initial = match &cache.from {
            CopyFrom::Scratch => None,
            from => Some(self.place(from, &cache.source).await?),
        };
        let sharing = match cache.sharing {
            RunSharing::Shared => Sharing::Shared,
            RunSharing::Private => Sharing::Private,
            RunSharing::Locked => Sharing::Locked,
        };
        let mount = CacheMount {
            key: cache.id.clone(),
            sharing,
            initial,
            owner: (cache.uid, cache.gid),
            mode: cache.mode,
        };
        Ok(Mount {
            target: cache.target.clone(),
            source: Mounted::Cache(mount),
            readonly: cache.read_only,
        })
    }

    async fn copy(&self, request: &Copy, below: &Rootfs) -> Result<Digest> {
        let owner = match &request.chown {
            Some(owner) => Some(self.session.owner(below, owner).await?),
            None => None,
        };
        // A layer that knows nothing of what is below: it follows no links there, and stays when what is below changes.
        let nothing = Rootfs::default();
        let below = if request.link { &nothing } else { below };
        let mut items = Vec::new();
        let mut identity = Vec::new();
        for source in &request.sources {
            let mut item = copy::Request {
                dest: request.dest.clone(),
                owner,
                mode: request.chmod.as_ref().map(ToString::to_string),
                exclude: request.exclude.clone(),
                unpack: request.unpack,
                ..copy::Request::default()
            };
            let from = match source {
                CopySource::Path(path) => {
                    item.sources = vec![path.clone()];
                    item.root = "/".into();
                    // Of patterns only, as in the reference: `COPY *.md /docs/` where there are none copies nothing.
                    item.allow_empty = true;
                    self.files(&request.from).await?
                }
                CopySource::Parents {
                    root,
                    pattern,
                    required,
                } => {
                    item.root.clone_from(root);
                    item.sources = vec![".".into()];
                    item.include = vec![pattern.clone()];
                    item.allow_empty = !required;
                    item.dest = format!("{}/", request.dest.trim_end_matches('/'));
                    self.files(&request.from).await?
                }
                CopySource::Inline { name, contents } => {
                    let path = format!("/{name}");
                    let change = Change::File {
                        path: path.clone(),
                        content: contents.clone(),
                        mode: 0o644,
                        owner: (0, 0),
                    };
                    item.sources = vec![path];
                    item.root = "/".into();
                    Files::Rootfs(
                        Rootfs::default()
                            .with(self.session.write(&Rootfs::default(), vec![change]).await?),
                    )
                }
                CopySource::Url {
                    url,
                    name,
                    unpack,
                    checksum,
                } => {
                    item.sources = vec![name.clone()];
                    item.root = "/".into();
                    item.unpack = *unpack;
                    self.download(url, name, checksum.as_deref()).await?
                }
                CopySource::Git(git) => {
                    item.sources = vec![".".into()];
                    item.root = "/".into();
                    item.unpack = false;
                    self.repository(git).await?
                }
            };
            identity.push(from.identity(self.session, source).await?);
            items.push((from, item));
        }
        let key = Digest::of(format!("{identity:?}"));
        let described: Vec<_> = items.iter().map(|(_, item)| item).collect();
        let key = crate::layers::key_of("copy-step", &(below.key(), key, described))?;
        if let Some(layer) = self.session.recorded_layer("copy", &key) {
            self.session
                .options
                .progress
                .start(
                    &self.shown.group,
                    self.shown.name.clone(),
                    self.shown.source.clone(),
                )
                .finish(Outcome::Cached);
            return Ok(layer);
        }
        let (session, shown, below) = (self.session.clone(), self.shown.clone(), below.clone());
        let work = async move { copy_now(&session, &below, items, key, shown).await };
        self.session.copies.join(key, work).await
    }

    /// A file of the web, at the root of nothing else.
    async fn download(&self, url: &str, name: &str, checksum: Option<&str>) -> Result<Files> {
        let download = Download::new(url, checksum, None)?;
        let asker = self.asker();
        let fetched = self
            .session
            .download(&download, name, http::MODE, &asker)
            .await?;
        Ok(Files::Rootfs(fetched))
    }

    /// The files of a git repository.
    async fn repository(&self, git: &Git) -> Result<Files> {
        let build = &self.plan.request;
        let address = Address::parse(&git.remote, self.session.options.fetch.local_git)?;
        let mut access = Access::of_secrets(&address, &build.secrets).await?;
        access.agent = build.ssh.as_ref().map(|socket| socket.path.clone());
        let remote = Remote { address, access };
        let name = Name::of(git.reference.as_deref());
        let asker = self.asker();
        let resolved = self.session.git_resolve(&remote, &name, &asker).await?;
        if let Some(checksum) = &git.checksum {
            resolved.check(checksum)?;
        }
        let want = Want {
            subdir: git.subdir.clone(),
            git_dir: git
                .keep_git_dir
                .unwrap_or(false)
                .then_some(Depth::Commits(1)),
            submodules: git.submodules,
        };
        let tree = self
            .session
            .git_tree(&remote, &resolved, &want, &asker)
            .await?;
        Ok(Files::Rootfs(tree))
    }

    fn asker(&self) -> Asker {
        Asker {
            group: self.shown.group.clone(),
            source: self.shown.source.clone(),
        }
    }

    /// A directory that is missing is made, in a layer of its own.
    async fn workdir(&self, workdir: &Workdir, below: &Rootfs) -> Result<Option<Digest>> {
        if self
            .session
            .stat(below, &workdir.path, true)
            .await?
            .is_some_and(|status| status.kind == "directory")
        {
            return Ok(None);
        }
        let owner = if workdir.user.is_empty() {
            (0, 0)
        } else {
            self.session.owner(below, &workdir.user).await?
        };
        let change = Change::Directory {
            path: workdir.path.clone(),
            mode: 0o755,
            owner,
        };
        Ok(Some(self.session.write(below, vec![change]).await?))
    }

    /// A path of what a step takes files from.
    async fn place(&self, from: &CopyFrom, path: &str) -> Result<(Rootfs, String)> {
        Ok((
            self.files(from).await?.rootfs(self.session).await?,
            path.to_owned(),
        ))
    }

    async fn files(&self, from: &CopyFrom) -> Result<Files> {
        match from {
            CopyFrom::Context => Ok(Files::Context(self.plan.context.clone())),
            CopyFrom::Scratch => Ok(Files::Rootfs(Rootfs::default())),
            CopyFrom::Stage(id) => {
                let stage = self
                    .stages
                    .get(id)
                    .ok_or_else(|| Error::new("files are taken from a later stage"))?;
                Ok(Files::Rootfs(stage.clone().await?.rootfs.clone()))
            }
            CopyFrom::Named(name) | CopyFrom::Image(name) => {
                let found = self
                    .plan
                    .externals
                    .get_or_pull(self.session, &self.plan.request, name)
                    .await?;
                Ok(Files::Rootfs(found.rootfs.clone()))
            }
        }
    }
}

/// Copies and shows it.
async fn copy_now(
    session: &Arc<Session>,
    below: &Rootfs,
    items: Vec<(Files, copy::Request)>,
    key: Digest,
    shown: Shown,
) -> Result<Digest> {
    let mut opened = Vec::new();
    for (from, item) in items {
        opened.push((from.rootfs(session).await?, item));
    }
    let step = session
        .options
        .progress
        .start(&shown.group, shown.name, shown.source);
    let copied = session.copy_as(below, opened, key).await;
    step.finish(match &copied {
        Ok(_) => Outcome::Done,
        Err(error) => Outcome::Failed(error.to_string()),
    });
    copied
}

/// An instruction on one line, of bounded length.
fn one_line(text: &str) -> String {
    const LENGTH: usize = 160;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LENGTH) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// Where a step takes files from; the build context is copied into the store only if something needs its files.
enum Files {
    Context(Arc<Directory>),
    Rootfs(Rootfs),
}

impl Files {
    /// What the result of copying `source` from here depends on.
    async fn identity(&self, session: &Arc<Session>, source: &CopySource) -> Result<Digest> {
        match self {
            Self::Rootfs(rootfs) => Ok(rootfs.key()),
            Self::Context(directory) => match &**directory {
                Directory::Host(host) => {
                    let tree = host.tree(session).await?;
                    let root = source_root(source).unwrap_or_default();
                    // A link among the parents leads elsewhere in the context: then all of it counts.
                    Ok(if tree.has_link_above(&root) {
                        tree.digest()
                    } else {
                        tree.digest_below(&[&root])
                    })
                }
                Directory::Layers { .. } => directory.digest(session).await,
            },
        }
    }

    async fn rootfs(&self, session: &Arc<Session>) -> Result<Rootfs> {
        match self {
            Self::Rootfs(rootfs) => Ok(rootfs.clone()),
            Self::Context(directory) => directory.as_root(session).await,
        }
    }
}
