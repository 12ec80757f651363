//! From a Dockerfile to lowered stages: everything about a build that is known before anything runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ci_dockerfile::graph::{CopyFrom, Mount, Op, Source as CopySource};
use ci_dockerfile::{Base, Config, External, Stage, StageId, Warning};

use super::{Request, Text};
use crate::container::Container;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::host::{HostDirectory, read_below};
use crate::progress::Source;
use crate::session::Session;

/// Largest Dockerfile or ignore file, in bytes.
const TEXT_LIMIT: u64 = 1 << 20;

/// A build that is ready to run.
pub(super) struct Plan {
    pub(super) request: Request,
    pub(super) file: ci_dockerfile::Plan,
    pub(super) text: Text,
    /// Lowered stages, each after those it needs.
    pub(super) stages: BTreeMap<StageId, Stage>,
    /// In the order in which they can be started.
    pub(super) order: Vec<StageId>,
    /// What named contexts stand for.
    pub(super) named: BTreeMap<String, Arc<Container>>,
    /// The build context, through its ignore file.
    pub(super) context: Arc<Directory>,
}

impl Plan {
    /// Advice about the Dockerfile, with places.
    pub(super) fn warnings(&self) -> Vec<(Warning, Source)> {
        let all = self
            .file
            .warnings()
            .iter()
            .chain(self.stages.values().flat_map(|stage| &stage.warnings));
        let mut warnings: Vec<_> = all
            .map(|warning| (warning.clone(), self.text.warning_source(warning)))
            .collect();
        warnings.sort_by_key(|(warning, _)| warning.span.start);
        warnings.dedup_by(|a, b| a.0 == b.0);
        warnings
    }
}

/// Reads and lowers a Dockerfile.
pub(super) async fn plan(session: &Arc<Session>, request: &Request) -> Result<Plan> {
    let directory = request.context.state.get(session).await?;
    let text = read(session, &directory, &request.dockerfile).await?;
    let text = text.ok_or_else(|| {
        Error::new(format!(
            "no Dockerfile at {} in the build context",
            request.dockerfile
        ))
    })?;
    let name = shown_name(session, &directory, &request.dockerfile);
    let dockerfile = ci_dockerfile::parse(&name, &text).map_err(Error::dockerfile)?;
    let file = ci_dockerfile::Plan::new(
        &dockerfile,
        &ci_dockerfile::Request {
            target: request.target.clone(),
            build_args: request.args.clone(),
            target_platform: platform(&request.platform),
            build_platform: platform(&ci_oci::Platform::host()),
            named_contexts: request.contexts.keys().cloned().collect(),
        },
    )
    .map_err(Error::dockerfile)?;
    let named = resolve(session, request, file.externals()).await?;
    let mut plan = Plan {
        request: request.clone(),
        file,
        text: Text::new(name, &text),
        stages: BTreeMap::new(),
        order: Vec::new(),
        named,
        context: directory,
    };
    lower(&mut plan)?;
    if plan.file.warnings_are_errors()
        && let Some((warning, source)) = plan.warnings().first()
    {
        return Err(Error::new(format!(
            "{}:{}: {}: {} (the file asks that warnings are errors)",
            source.file, source.line, warning.rule, warning.message
        )));
    }
    plan.context = filtered(session, &plan).await?;
    Ok(plan)
}

/// Lowers the stages that are needed. A trigger of a base image may need more than the file says, so steps are followed.
fn lower(plan: &mut Plan) -> Result<()> {
    let mut todo: Vec<StageId> = plan.file.needed().iter().rev().copied().collect();
    while let Some(id) = todo.pop() {
        if plan.stages.contains_key(&id) {
            continue;
        }
        let planned = plan
            .file
            .stage(id)
            .ok_or_else(|| Error::new(format!("stage {} is not in the plan", id.0)))?;
        if let Base::Stage(base) = planned.base
            && !plan.stages.contains_key(&base)
        {
            todo.extend([id, base]);
            continue;
        }
        let stage = match &planned.base {
            Base::Stage(base) => plan.file.lower(id, &plan.stages[base]),
            Base::Scratch => plan.file.lower(id, &Config::default()),
            Base::Context(name) => plan.file.lower(id, &config(&plan.named[name])),
            Base::Image { reference, .. } => {
                return Err(no_registry(
                    &plan.text.source(planned.span.first_line),
                    reference,
                ));
            }
        };
        let stage = stage.map_err(Error::dockerfile)?;
        todo.extend(
            needs(&stage)
                .into_iter()
                .filter(|needed| !plan.stages.contains_key(needed)),
        );
        plan.stages.insert(id, stage);
        plan.order.push(id);
    }
    Ok(())
}

fn no_registry(source: &Source, reference: &str) -> Error {
    Error::new(format!(
        "{}:{}: cannot pull {reference}: this engine does not reach registries yet (hint: name an image of the catalog or an OCI layout on disk as a named context, [dockerfile.contexts])",
        source.file, source.line
    ))
}

/// Stages whose files a stage's steps use.
fn needs(stage: &Stage) -> Vec<StageId> {
    sources(stage)
        .filter_map(|from| {
            if let CopyFrom::Stage(id) = from {
                Some(*id)
            } else {
                None
            }
        })
        .collect()
}

/// Where a stage's steps take files from.
fn sources(stage: &Stage) -> impl Iterator<Item = &CopyFrom> {
    stage.steps.iter().flat_map(|step| match &step.op {
        Op::Copy(copy) => vec![&copy.from],
        Op::Run(run) => run
            .mounts
            .iter()
            .filter_map(|mount| match mount {
                Mount::Bind(bind) => Some(&bind.from),
                Mount::Cache(cache) => Some(&cache.from),
                Mount::Tmpfs { .. } | Mount::Secret(_) | Mount::Ssh(_) => None,
            })
            .collect(),
        Op::Workdir(_) | Op::None => Vec::new(),
    })
}

/// Brings about what the named contexts stand for; images are refused where they are used.
async fn resolve(
    session: &Arc<Session>,
    request: &Request,
    externals: &[External],
) -> Result<BTreeMap<String, Arc<Container>>> {
    let named = externals.iter().filter_map(|external| match external {
        External::Context(name) => request.contexts.get_key_value(name),
        External::Image { .. } => None,
    });
    let resolving = named.map(|(name, context)| async move {
        let container = context
            .container(session, &request.platform)
            .await
            .map_err(|error| error.context(format!("context {name}")))?;
        Ok::<_, Error>((name.clone(), container))
    });
    Ok(futures::future::try_join_all(resolving)
        .await?
        .into_iter()
        .collect())
}

/// The config of a container as the Dockerfile language knows it.
pub(super) fn config(container: &Container) -> Config {
    let run = container.config();
    let healthcheck = run
        .healthcheck
        .as_ref()
        .map(|check| ci_dockerfile::Healthcheck {
            test: check.test.clone(),
            interval: check.interval.unsigned_abs(),
            timeout: check.timeout.unsigned_abs(),
            start_period: check.start_period.unsigned_abs(),
            start_interval: check.start_interval.unsigned_abs(),
            retries: u32::try_from(check.retries).unwrap_or(0),
        });
    Config {
        env: container.env(),
        entrypoint: run.entrypoint.clone(),
        cmd: run.cmd.clone(),
        args_escaped: run.args_escaped,
        user: run.user.clone(),
        working_dir: run.working_dir.clone(),
        labels: run.labels.clone(),
        exposed_ports: run.exposed_ports.clone(),
        volumes: run.volumes.clone(),
        stop_signal: run.stop_signal.clone(),
        shell: Some(run.shell.clone()).filter(|shell| !shell.is_empty()),
        healthcheck,
        onbuild: run.on_build.clone(),
        author: container.image.author.clone(),
    }
}

fn platform(platform: &ci_oci::Platform) -> ci_dockerfile::Platform {
    ci_dockerfile::Platform::new(
        &platform.os,
        &platform.architecture,
        platform.variant.as_deref(),
    )
}

/// Reads a file of the build context; of a host directory without copying anything.
async fn read(
    session: &Arc<Session>,
    directory: &Directory,
    path: &str,
) -> Result<Option<Vec<u8>>> {
    match directory {
        Directory::Host(host) => {
            let (root, path) = (host.root.clone(), path.to_owned());
            tokio::task::spawn_blocking(move || read_below(&root, &path, TEXT_LIMIT)).await?
        }
        Directory::Layers { rootfs, path: base } => {
            let path = crate::directory::below(base, path);
            let mut contents = session.read_files(rootfs, &[&path], TEXT_LIMIT).await?;
            Ok(contents.pop().flatten())
        }
    }
}

/// The Dockerfile's path as the user knows it.
fn shown_name(session: &Session, directory: &Directory, path: &str) -> String {
    match directory {
        Directory::Host(host) => {
            let whole = host.root.join(path);
            whole
                .strip_prefix(&session.options.workdir)
                .unwrap_or(&whole)
                .display()
                .to_string()
        }
        Directory::Layers { .. } => path.to_owned(),
    }
}

/// The build context through `NAME.dockerignore` or `.dockerignore`, and reduced to what the steps name.
async fn filtered(session: &Arc<Session>, plan: &Plan) -> Result<Arc<Directory>> {
    let mut ignore = None;
    for name in [
        format!("{}.dockerignore", plan.request.dockerfile),
        ".dockerignore".to_owned(),
    ] {
        if let Some(text) = read(session, &plan.context, &name).await? {
            ignore = Some((name, String::from_utf8_lossy(&text).into_owned()));
            break;
        }
    }
    let mut exclude: Vec<String> = Vec::new();
    if let Some((name, text)) = ignore {
        ci_dockerfile::ignore::Patterns::parse(&text)
            .map_err(|error| Error::new(format!("{name}: {error}")))?;
        exclude = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
    }
    let mut roots = context_roots(plan);
    if let Directory::Host(host) = &*plan.context
        && roots.iter().any(|root| has_link(&host.root, root))
    {
        // Where a link leads is only known inside the context, so all of it is read.
        roots.clear();
    }
    match &*plan.context {
        Directory::Host(host) => {
            let mut filter = host.filter.clone();
            filter.exclude.extend(exclude);
            filter.roots = roots;
            Ok(Arc::new(Directory::Host(HostDirectory::new(
                host.root.clone(),
                filter,
                plan.request.group.clone(),
            ))))
        }
        Directory::Layers { rootfs, path } if !exclude.is_empty() => {
            let request = ci_rootfs::copy::Request {
                sources: vec![".".into()],
                root: path.clone(),
                dest: "/".into(),
                exclude,
                ..ci_rootfs::copy::Request::default()
            };
            let layer = session
                .copy(
                    &crate::layers::Rootfs::default(),
                    vec![(rootfs.clone(), request)],
                )
                .await?;
            Ok(Arc::new(Directory::Layers {
                rootfs: crate::layers::Rootfs::default().with(layer),
                path: "/".into(),
            }))
        }
        Directory::Layers { .. } => Ok(plan.context.clone()),
    }
}

/// The paths of the build context that steps name, up to their first wildcard. The whole context is the empty path; a
/// context that nothing uses has a root that is never there.
fn context_roots(plan: &Plan) -> Vec<String> {
    let mut roots = Vec::new();
    for stage in plan.stages.values() {
        for step in &stage.steps {
            match &step.op {
                Op::Copy(copy) if copy.from == CopyFrom::Context => {
                    for source in &copy.sources {
                        roots.extend(source_root(source));
                    }
                }
                Op::Run(run) => roots.extend(run.mounts.iter().filter_map(|mount| match mount {
                    Mount::Bind(bind) if bind.from == CopyFrom::Context => {
                        Some(trimmed(&bind.source))
                    }
                    Mount::Cache(cache) if cache.from == CopyFrom::Context => {
                        Some(trimmed(&cache.source))
                    }
                    _ => None,
                })),
                _ => {}
            }
        }
    }
    if roots.is_empty() {
        // A name that no file has.
        roots.push("\0".to_owned());
    }
    roots
}

/// The path below which a source of a COPY lies; a heredoc has none.
pub(super) fn source_root(source: &CopySource) -> Option<String> {
    match source {
        CopySource::Path(path) => Some(literal_prefix(path)),
        CopySource::Parents { root, pattern, .. } => Some(literal_prefix(&format!(
            "{}/{pattern}",
            root.trim_end_matches('/')
        ))),
        CopySource::Inline { .. } | CopySource::Url { .. } | CopySource::Git(_) => None,
    }
}

fn trimmed(path: &str) -> String {
    path.trim_matches('/').to_owned()
}

/// Whether a path below a directory, or one of its parents there, is a symbolic link.
fn has_link(dir: &Path, path: &str) -> bool {
    Path::new(path).ancestors().any(|path| {
        dir.join(path)
            .symlink_metadata()
            .is_ok_and(|found| found.is_symlink())
            && !path.as_os_str().is_empty()
    })
}

/// The leading components without wildcards.
fn literal_prefix(path: &str) -> String {
    let literal: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .take_while(|part| !ci_dockerfile::glob::has_wildcards(part))
        .collect();
    literal.join("/")
}
