//! The Dockerfile of a service, read as `dockerBuild` reads it, without an engine: which stages are needed, and what they read of the
//! build context.
//!
//! What images bring along (variables, ONBUILD triggers) is not known here unless the caller knows it. A build that could depend on it
//! reads all of the context, as far as can be told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ci_catalog::{DockerfileBuilder, Platform};
use ci_dockerfile::graph::{CopyFrom, Mount, Op, Source, Stage, StageId};
use ci_dockerfile::ignore::{self, Patterns};
use ci_dockerfile::{Base, Config, Plan, PlannedStage, Rule};
use ci_rootfs::import::{literal_prefix, read_below};

use super::bases;
use super::plan::Planned;
use super::recipe::Download;
use crate::error::{Exit, UserError};
use crate::project::Project;

/// Largest file of ignore rules, in bytes.
const IGNORE_LIMIT: u64 = 1 << 20;

/// A Dockerfile, planned for one target and platform.
pub(crate) struct Dockerfile {
    /// From the catalog's root.
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    pub(crate) plan: Plan,
}

/// What a build does with things outside its Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Paths of the context that steps name, up to their first wildcard; `None`: it may read everything.
    pub(crate) paths: Option<BTreeSet<String>>,
    /// Sources on the network that may be something else another time.
    pub(crate) unpinned: BTreeSet<String>,
    /// Those that are held to a digest or name a commit.
    pub(crate) pinned: BTreeSet<Download>,
    /// Labels that the Dockerfile itself sets.
    pub(crate) labels: BTreeMap<String, String>,
}

/// What of the context never reaches a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ignore {
    pub(crate) patterns: Patterns,
    /// The patterns as texts.
    pub(crate) list: Vec<String>,
}

impl Dockerfile {
    /// Reads and plans the Dockerfile of a service.
    ///
    /// # Errors
    /// When it cannot be read or planned, or an argument cannot be rendered.
    pub(crate) fn read(
        project: &Project,
        planned: &Planned<'_>,
        builder: &DockerfileBuilder,
        platform: &Platform,
    ) -> eyre::Result<Self> {
        let name = builder.file.to_string();
        let text = read(&builder.file.under(project.root())).map_err(|error| {
            UserError::new(Exit::Usage, format!("cannot read {name}")).because(error)
        })?;
        let file = ci_dockerfile::parse(&name, &text)?;
        let host = ci_oci::Platform::host();
        let request = ci_dockerfile::Request {
            target: builder.target.clone(),
            build_args: bases::arguments(project, planned, builder)?,
            target_platform: ci_dockerfile::Platform::new(
                platform.os(),
                platform.architecture(),
                platform.variant(),
            ),
            build_platform: ci_dockerfile::Platform::new(
                &host.os,
                &host.architecture,
                host.variant.as_deref(),
            ),
            named_contexts: builder.contexts.keys().cloned().collect(),
        };
        let plan = Plan::new(&file, &request)?;
        Ok(Self { name, text, plan })
    }

    /// What the build reads of a context, as far as the Dockerfile tells.
    pub(crate) fn reads_of(&self, context: &Path) -> Reads {
        let mut reads = self.reads(|_| None);
        let has_link = |path: &String| has_link(context, Path::new(path));
        // Where a link leads is only known inside the context.
        if reads
            .paths
            .as_ref()
            .is_some_and(|paths| paths.iter().any(has_link))
        {
            reads.paths = None;
        }
        reads
    }

    /// What the build reads. `config` gives what is known of the image a stage stands on; of most nothing is.
    pub(crate) fn reads(&self, mut config: impl FnMut(&PlannedStage) -> Option<Config>) -> Reads {
        let mut lowered: BTreeMap<StageId, Stage> = BTreeMap::new();
        let mut reads = Reads {
            paths: Some(BTreeSet::new()),
            ..Reads::default()
        };
        for id in self.plan.needed() {
            let Some(stage) = self.plan.stage(*id) else {
                continue;
            };
            let own = match &stage.base {
                Base::Stage(base) => lowered.get(base).map(|base| self.plan.lower(*id, base)),
                Base::Scratch => Some(self.plan.lower(*id, &Config::scratch())),
                Base::Image { .. } | Base::Context(_) => {
                    let config = config(stage).unwrap_or_else(Config::scratch);
                    Some(self.plan.lower(*id, &config))
                }
            };
            // What cannot be lowered without the image may be fine with it.
            let Some(Ok(own)) = own else {
                reads.paths = None;
                continue;
            };
            reads.add(&own);
            lowered.insert(*id, own);
        }
        if let Some(target) = lowered.get(&self.plan.target()) {
            reads.labels = target.config.labels.clone();
        }
        reads
    }
}

impl Reads {
    /// Whether everything at and below a path is among what the build may read.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let paths = self.paths.as_ref();
        paths.is_none_or(|paths| paths.iter().any(|it| is_below(path, it)))
    }

    /// Whether the build may read a file of the context that the ignore rules leave in it, or one below or above.
    pub(crate) fn includes(&self, path: &str) -> bool {
        self.paths.as_ref().is_none_or(|paths| {
            paths
                .iter()
                .any(|it| is_below(path, it) || is_below(it, path))
        })
    }

    fn add(&mut self, stage: &Stage) {
        // A variable that only the image could set may be in any path.
        if stage
            .warnings
            .iter()
            .any(|warning| warning.rule == Rule::UndefinedVar)
        {
            self.paths = None;
        }
        let mut paths = Vec::new();
        for step in &stage.steps {
            match &step.op {
                Op::Copy(copy) => {
                    self.unpinned
                        .extend(copy.sources.iter().filter_map(unpinned));
                    self.pinned.extend(copy.sources.iter().filter_map(pinned));
                    if copy.from == CopyFrom::Context {
                        paths.extend(copy.sources.iter().filter_map(path));
                    }
                }
                Op::Run(run) => {
                    let mounts = run.mounts.iter().filter_map(|mount| match mount {
                        Mount::Bind(bind) => Some((&bind.from, &bind.source)),
                        Mount::Cache(cache) => Some((&cache.from, &cache.source)),
                        _ => None,
                    });
                    let of_context = mounts.filter(|(from, _)| **from == CopyFrom::Context);
                    paths.extend(of_context.map(|(_, source)| source.trim_matches('/').to_owned()));
                }
                _ => {}
            }
        }
        if let Some(known) = &mut self.paths {
            known.extend(paths);
        }
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where in the context a source of a COPY is.
fn path(source: &Source) -> Option<String> {
    match source {
        Source::Path(path) => Some(literal_prefix(path)),
        Source::Parents { root, pattern, .. } => {
            let root = root.trim_end_matches('/');
            Some(literal_prefix(&format!("{root}/{pattern}")))
        }
        Source::Inline { .. } | Source::Url { .. } | Source::Git(_) => None,
    }
}

/// Whether a path below a folder, or one of its parents there, is a symbolic link.
fn has_link(folder: &Path, path: &Path) -> bool {
    let steps = path.ancestors().filter(|step| !step.as_os_str().is_empty());
    let is_link = |step: &Path| {
        folder
            .join(step)
            .symlink_metadata()
            .is_ok_and(|it| it.is_symlink())
    };
    steps.into_iter().any(is_link)
}

/// The address of a source on the network that may be something else another time.
fn unpinned(source: &Source) -> Option<String> {
    match source {
        Source::Url { url, .. } if pinned(source).is_none() => Some(url.clone()),
        Source::Git(git) if pinned(source).is_none() => Some(git.remote.clone()),
        _ => None,
    }
}

/// A source on the network that is the same at all times.
fn pinned(source: &Source) -> Option<Download> {
    match source {
        Source::Url { url, checksum, .. } => Some(Download::file(url, checksum.as_deref()?)),
        Source::Git(git) => {
            let reference = git.reference.as_deref().filter(|it| names_commit(Some(it)));
            let commit = git.checksum.as_deref().or(reference)?;
            Some(Download::commit(&git.remote, commit))
        }
        _ => None,
    }
}

fn names_commit(reference: Option<&str>) -> bool {
    reference.is_some_and(|it| it.len() == 40 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Ignore {
    /// The rules for the context of a service: `NAME.dockerignore` beside its Dockerfile, else `.dockerignore` in the context.
    ///
    /// # Errors
    /// When the file cannot be read, or a pattern cannot.
    pub(crate) fn read(root: &Path, builder: &DockerfileBuilder) -> eyre::Result<Self> {
        let file = builder.file.from_root();
        let mut own = PathBuf::from(file.file_name().unwrap_or_default()).into_os_string();
        own.push(".dockerignore");
        let folder = builder.file.under(root);
        let folder = folder.parent().unwrap_or(root);
        let context = builder.context.under(root);
        for (folder, name) in [
            (folder, PathBuf::from(own)),
            (&context, ".dockerignore".into()),
        ] {
            if let Some(text) = read_below(folder, &name, IGNORE_LIMIT)? {
                let text = String::from_utf8_lossy(&text);
                return Ok(Self {
                    patterns: Patterns::parse(&text)?,
                    list: ignore::list(&text),
                });
            }
        }
        Ok(Self::default())
    }
}

/// A Dockerfile, or so much of it that parsing refuses it as too large.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = ci_dockerfile::MAX_SIZE as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
