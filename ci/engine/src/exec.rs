//! Executions: a program run on a root file system, its output, and the layer of what it changed.
//!
//! An execution is identified by everything it can see: the root file system, arguments, environment, user, mounts. Secret
//! values and the contents of cache volumes are not part of that (C5, S1). A result is recorded only if the program succeeded.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ci_oci::{Digest, Platform};
use ci_rootfs::op::Op;
use ci_sandbox::{Changes, IdMap, Limits, MountSource, Network, Privilege, Root, Secret, Spec};
use ci_store::Refs;
use serde::{Deserialize, Serialize};

use crate::Group;
use crate::cache_volume::Leases;
use crate::error::{Error, ExecFailure, Result};
use crate::layers::{Rootfs, key_of};
use crate::output::{self, Redirects, collect};
use crate::progress::{Outcome, Source, Step, Stream};
use crate::session::Session;
use crate::ssh::{Socket, Talk};

/// The search path where an image sets none, as in Docker.
pub(crate) const DEFAULT_PATH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to run. What is serialised identifies it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Exec {
    /// What it runs on.
    pub(crate) rootfs: Rootfs,
    /// What the programs on it are for; the root file system says so as well.
    #[serde(skip)]
    pub(crate) platform: Platform,
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// Environment.
    pub(crate) env: Vec<(String, String)>,
    /// Environment that does not identify it, such as proxies; it wins.
    #[serde(skip)]
    pub(crate) ambient_env: Vec<(String, String)>,
    /// Environment whose values are secrets.
    pub(crate) secret_env: Vec<SecretEnv>,
    /// As in an image's config.
    pub(crate) user: String,
    /// Working directory; made if missing.
    pub(crate) cwd: String,
    /// Mounts, in order.
    pub(crate) mounts: Vec<Mount>,
    /// No network but its own loopback device.
    pub(crate) isolated: bool,
    /// Written to its standard input.
    pub(crate) stdin: Option<String>,
    /// Files of the root file system in place of its standard streams.
    pub(crate) redirects: Redirects,
    /// What it may use up, where the engine's own limits are not to count.
    #[serde(skip)]
    pub(crate) limits: Limits,
    /// Which exit codes are a success.
    pub(crate) expect: Expect,
}

/// A variable whose value is a secret.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SecretEnv {
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) value: Arc<[u8]>,
}

/// A mount of an execution.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Mount {
    /// Absolute path.
    pub(crate) target: String,
    pub(crate) source: Mounted,
    pub(crate) readonly: bool,
}

/// What is mounted.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum Mounted {
    /// A path of a root file system; writes are thrown away.
    Layers { rootfs: Rootfs, path: String },
    /// A cache volume.
    Cache(CacheMount),
    /// Memory.
    Tmpfs { size: Option<u64> },
    /// A secret, as a file.
    Secret {
        mode: u32,
        uid: u32,
        gid: u32,
        #[serde(skip)]
        value: Arc<[u8]>,
    },
    /// A socket that leads to one of the host.
    Socket {
        mode: u32,
        uid: u32,
        gid: u32,
        #[serde(skip)]
        talk: Talk,
        #[serde(skip)]
        socket: Arc<Socket>,
    },
    /// A file whose content is known.
    File { content: Vec<u8>, mode: u32 },
}

/// How a cache volume is mounted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CacheMount {
    /// Names the volume.
    pub(crate) key: String,
    /// Who else may use it meanwhile.
    #[serde(skip)]
    pub(crate) sharing: Sharing,
    /// What a new volume begins with.
    #[serde(skip)]
    pub(crate) initial: Option<(Rootfs, String)>,
    /// Owner and mode of a new volume's directory.
    #[serde(skip)]
    pub(crate) owner: (u32, u32),
    #[serde(skip)]
    pub(crate) mode: u32,
}

/// Who else may use a cache volume meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Sharing {
    /// Anybody.
    #[default]
    Shared,
    /// Nobody: others get another directory.
    Private,
    /// Nobody: others wait.
    Locked,
}

/// Which exit codes are a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
pub(crate) enum Expect {
    /// 0.
    #[default]
    Success,
    /// 1–127 and 192–255.
    Failure,
    /// Any but death by a signal.
    Any,
}

impl Expect {
    fn accepts(self, code: i32) -> bool {
        match self {
            Self::Success => code == 0,
            Self::Failure => matches!(code, 1..=127 | 192..=255),
            Self::Any => matches!(code, 0..=127 | 192..=255),
        }
    }
}

/// What came of an execution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExecOutcome {
    /// What it changed; `None` if nothing.
    pub(crate) layer: Option<Digest>,
    /// What it exited with.
    pub(crate) code: i32,
    /// What it printed, secrets masked.
    pub(crate) stdout: String,
    /// What it printed, secrets masked.
    pub(crate) stderr: String,
    /// Layers that each have what it printed as their only file, as [`output::FILE`], and where that belongs.
    #[serde(default)]
    pub(crate) redirected: Vec<(String, Digest)>,
}

/// How an execution is shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) group: Group,
    pub(crate) name: String,
    pub(crate) source: Option<Source>,
}

impl Session {
    /// The outcome of an execution: the recorded one, or that of running it now.
    pub(crate) async fn execute(
        self: &Arc<Self>,
        exec: Exec,
        shown: Shown,
    ) -> Result<Arc<ExecOutcome>> {
        let key = key_of("exec", &exec)?;
        let session = self.clone();
        // Who allows less is not to fail those who allow more.
        let flight = key_of("flight", &(&key, &exec.limits))?;
        let work = async move { session.execute_once(key, exec, shown).await };
        self.executions.join(flight, work).await
    }

    async fn execute_once(
        self: &Arc<Self>,
        key: Digest,
        exec: Exec,
        shown: Shown,
    ) -> Result<Arc<ExecOutcome>> {
        if !self.options.no_cache
            && let Some(outcome) = self.store.result::<ExecOutcome>("exec", &key)
        {
            self.options
                .progress
                .start(&shown.group, shown.name, shown.source)
                .finish(Outcome::Cached);
            return Ok(Arc::new(outcome));
        }
        let _permit = self.permit().await?;
        let step =
            self.options
                .progress
                .start(&shown.group, shown.name.clone(), shown.source.clone());
        match self.run(&exec, &step, &shown).await {
            Ok(outcome) => {
                // A failure that was expected is one all the same: it may go away, so it is not kept.
                if outcome.code == 0 {
                    let redirected = outcome.redirected.iter().map(|(_, layer)| *layer);
                    let layers = outcome.layer.into_iter().chain(redirected).collect();
                    self.store.put_result(
                        "exec",
                        &key,
                        &outcome,
                        Refs {
                            layers,
                            blobs: Vec::new(),
                        },
                    )?;
                }
                step.finish(Outcome::Done);
                Ok(Arc::new(outcome))
            }
            Err(error) => {
                let how = match &error {
                    Error::Exec(failure) => ExecFailure {
                        source: None,
                        cmd: Vec::new(),
                        stdout: Vec::new(),
                        stderr: Vec::new(),
                        reason: failure.reason.clone(),
                        code: failure.code,
                    }
                    .message(),
                    other => other.to_string(),
                };
                step.finish(Outcome::Failed(how));
                Err(error)
            }
        }
    }

    async fn run(self: &Arc<Self>, exec: &Exec, step: &Step, shown: &Shown) -> Result<ExecOutcome> {
        self.require_platform(&exec.platform, &exec.rootfs).await?;
        let (staging, layer) = self.stage()?;
        let changes = Changes::Keep {
            upper: staging.fs.clone(),
            work: staging.work.clone(),
        };
        let source = shown.source.clone();
        let (mut spec, leases) = self.spec(exec, changes).await?;
        spec.limits = self.limits(&exec.limits, &shown.group);
        let limits = spec.limits.clone();
        let user = (spec.user.uid, spec.user.gid);
        let mut child = match self.sandbox.spawn(spec).await {
            Ok(child) => child,
            Err(ci_sandbox::Error::Command { message, code }) => {
                step.output(Stream::Stderr, format!("{message}\n").as_bytes());
                return Err(Error::Exec(Arc::new(failure(
                    exec,
                    code,
                    None,
                    Vec::new(),
                    message.into_bytes(),
                    source,
                ))));
            }
            Err(error) => return Err(error.into()),
        };
        let secrets = exec.secrets();
        let mut files = [
            self.redirect(exec.redirects.stdout.as_ref())?,
            self.redirect(exec.redirects.stderr.as_ref())?,
        ];
        let [to_stdout, to_stderr] = &mut files;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr, exit) = tokio::join!(
            collect(stdout, step, Stream::Stdout, &secrets, to_stdout.as_mut()),
            collect(stderr, step, Stream::Stderr, &secrets, to_stderr.as_mut()),
            child.wait(),
        );
        let (stdout, stderr) = (stdout?, stderr?);
        let exit = exit?;
        drop(leases);
        let reason = crate::limits::reason(&exit, &limits);
        let code = exit.code();
        if reason.is_some() || !exec.expect.accepts(code) {
            return Err(Error::Exec(Arc::new(failure(
                exec, code, reason, stdout, stderr, source,
            ))));
        }
        let layer = self.commit_changes(exec, user, staging, layer).await?;
        let mut redirected = Vec::new();
        for file in files.into_iter().flatten() {
            redirected.push(self.finish_redirect(file).await?);
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(ExecOutcome {
            layer,
            code,
            stdout: text(stdout),
            stderr: text(stderr),
            redirected,
        })
    }

    /// The layer of what an execution changed. Nothing changed is no layer.
    async fn commit_changes(
        &self,
        exec: &Exec,
        user: (u32, u32),
        staging: ci_store::Staging,
        layer: ci_rootfs::LayerDir,
    ) -> Result<Option<Digest>> {
        let is_empty =
            std::fs::read_dir(&layer.dir).is_ok_and(|mut entries| entries.next().is_none());
        if is_empty {
            return Ok(None);
        }
        let op = match self.sandbox.privilege() {
            Privilege::Rootless { ids: IdMap::Single } => Op::Adopt {
                below: self.layer_dirs(&exec.rootfs)?,
                layer,
                user,
            },
            _ => Op::Hash { layer },
        };
        Ok(Some(self.commit(staging, op).await?))
    }

    /// What the sandbox is to do for an execution. The leases keep cache volumes while it runs.
    pub(crate) async fn spec(
        self: &Arc<Self>,
        exec: &Exec,
        changes: Changes,
    ) -> Result<(Spec, Leases)> {
        let identity = self.identity(&exec.rootfs, &exec.user).await?;
        let lowers = self.lowers(&exec.rootfs)?;
        let mut spec = Spec::new(Root { lowers, changes }, exec.argv.iter().cloned());
        spec.user = identity.user;
        spec.cwd = PathBuf::from(if exec.cwd.is_empty() { "/" } else { &exec.cwd });
        spec.grace = Duration::from_secs(10);
        spec.network = if exec.isolated {
            Network::None
        } else {
            Network::Host
        };
        spec.stdin = match &exec.redirects.stdin {
            Some(path) => Some(Secret(
                self.read(&exec.rootfs, path, output::STDIN_LIMIT).await?,
            )),
            None => exec.stdin.clone().map(|text| Secret(text.into_bytes())),
        };
        spec.env = exec.env.clone();
        for (name, value) in &exec.ambient_env {
            spec.env.retain(|(known, _)| known != name);
            spec.env.push((name.clone(), value.clone()));
        }
        for (name, value) in [("PATH", DEFAULT_PATH), ("HOME", identity.home.as_str())] {
            if !spec.env.iter().any(|(known, _)| known == name) {
                spec.env.push((name.to_owned(), value.to_owned()));
            }
        }
        for secret in &exec.secret_env {
            spec.env.retain(|(known, _)| *known != secret.name);
            spec.env.push((
                secret.name.clone(),
                String::from_utf8_lossy(&secret.value).into_owned(),
            ));
        }
        let mut leases = self.lease(exec).await?;
        for mount in &exec.mounts {
            let source = match &mount.source {
                Mounted::Layers { rootfs, path } => MountSource::Layers {
                    lowers: self.lowers(rootfs)?,
                    subpath: Some(PathBuf::from(path)),
                },
                Mounted::Tmpfs { size } => MountSource::Tmpfs {
                    size: *size,
                    mode: 0o1777,
                },
                Mounted::Secret {
                    mode,
                    uid,
                    gid,
                    value,
                } => MountSource::Bytes {
                    bytes: Secret(value.to_vec()),
                    mode: *mode,
                    uid: *uid,
                    gid: *gid,
                },
                Mounted::Socket {
                    mode,
                    uid,
                    gid,
                    talk,
                    socket,
                } => {
                    let forward = self.forward(socket, *talk, (*uid, *gid), *mode).await?;
                    let path = forward.path().to_owned();
                    leases.keep(forward);
                    MountSource::Bind {
                        path,
                        subpath: None,
                    }
                }
                Mounted::File { content, mode } => MountSource::Bytes {
                    bytes: Secret(content.clone()),
                    mode: *mode,
                    uid: 0,
                    gid: 0,
                },
                Mounted::Cache(cache) => {
                    let path = leases.path(&cache.key).ok_or_else(|| {
                        Error::new(format!("cache volume {:?} is not in use", cache.key))
                    })?;
                    MountSource::Bind {
                        path,
                        subpath: None,
                    }
                }
            };
            spec.mounts.push(ci_sandbox::Mount {
                source,
                target: PathBuf::from(&mount.target),
                readonly: mount.readonly,
            });
        }
        Ok((spec, leases))
    }

    fn lowers(&self, rootfs: &Rootfs) -> Result<Vec<PathBuf>> {
        Ok(self
            .layer_dirs(rootfs)?
            .into_iter()
            .map(|layer| layer.dir)
            .collect())
    }
}

impl Exec {
    /// The values that must not be shown.
    pub(crate) fn secrets(&self) -> Vec<Arc<[u8]>> {
        let files = self.mounts.iter().filter_map(|mount| match &mount.source {
            Mounted::Secret { value, .. } => Some(value.clone()),
            _ => None,
        });
        self.secret_env
            .iter()
            .map(|secret| secret.value.clone())
            .chain(files)
            .collect()
    }
}

fn failure(
    exec: &Exec,
    code: i32,
    reason: Option<String>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    source: Option<Source>,
) -> ExecFailure {
    ExecFailure {
        cmd: exec.argv.clone(),
        code,
        reason,
        stdout,
        stderr,
        source,
    }
}
