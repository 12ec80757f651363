//! From a Dockerfile to lowered stages: everything about a build that is known before anything runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_dockerfile::graph::{CopyFrom, Mount, Op};
use ci_dockerfile::{Base, Config, Stage, StageId, Warning};

use super::externals::Externals;
use super::{Request, Text, context, named};
use crate::container::Container;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::progress::Source;
use crate::session::Session;

/// A build that is ready to run.
pub(super) struct Plan {
    pub(super) request: Request,
    pub(super) file: ci_dockerfile::Plan,
    pub(super) text: Text,
    /// Lowered stages, each after those it needs.
    pub(super) stages: BTreeMap<StageId, Stage>,
    /// In the order in which they can be started.
    pub(super) order: Vec<StageId>,
    /// Images and named contexts.
    pub(super) externals: Externals,
    /// The build context, through its ignore file.
    pub(super) context: Arc<Directory>,
    /// Advice that takes more than the file: the images it stands on, the ignore file.
    advice: Vec<Warning>,
}

impl Plan {
    /// Advice about the Dockerfile, with places.
    pub(super) fn warnings(&self) -> Vec<(Warning, Source)> {
        let all = self
            .file
            .warnings()
            .iter()
            .chain(self.stages.values().flat_map(|stage| &stage.warnings))
            .chain(&self.advice);
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
    let dockerfiles = match &request.dockerfiles {
        Some(node) => node.state.get(session).await?,
        None => directory.clone(),
    };
    let text = context::read(session, &dockerfiles, &request.dockerfile).await?;
    let text = text.ok_or_else(|| {
        Error::dockerfile(format!(
            "{}: there is no such Dockerfile",
            context::shown_name(session, &dockerfiles, &request.dockerfile)
        ))
    })?;
    let name = context::shown_name(session, &dockerfiles, &request.dockerfile);
    let dockerfile = ci_dockerfile::parse(&name, &text).map_err(Error::dockerfile)?;
    let file = ci_dockerfile::Plan::new(
        &dockerfile,
        &ci_dockerfile::Request {
            target: request.target.clone(),
            build_args: request.args.clone(),
            target_platform: platform(&request.platform),
            build_platform: platform(&ci_oci::Platform::host()),
            named_contexts: named::replacing(&request.contexts),
        },
    )
    .map_err(Error::dockerfile)?;
    let text = Text::new(name, &text);
    let externals = Externals::resolve(session, request, &file, &text).await?;
    let mut plan = Plan {
        request: request.clone(),
        file,
        text,
        stages: BTreeMap::new(),
        order: Vec::new(),
        externals,
        context: directory,
        advice: Vec::new(),
    };
    plan.advice = foreign_bases(&plan);
    lower(&mut plan)?;
    let ignore = context::ignore(session, &dockerfiles, &plan.context, &request.dockerfile).await?;
    let ignored: Vec<_> = plan
        .stages
        .values()
        .flat_map(|stage| plan.file.ignored_sources(stage, &ignore.patterns))
        .collect();
    plan.advice.extend(ignored);
    if plan.file.warnings_are_errors()
        && let Some((warning, source)) = plan.warnings().first()
    {
        return Err(Error::new(format!(
            "{}:{}: {}: {} (the file asks that warnings are errors)",
            source.file, source.line, warning.rule, warning.message
        )));
    }
    plan.context = context::filtered(session, &plan, ignore).await?;
    Ok(plan)
}

/// Warns of base images for other platforms than the stages that stand on them.
fn foreign_bases(plan: &Plan) -> Vec<Warning> {
    let stages = plan
        .file
        .needed()
        .iter()
        .filter_map(|id| plan.file.stage(*id));
    stages
        .filter_map(|stage| {
            let Base::Image { reference, .. } = &stage.base else {
                return None;
            };
            let base = plan.externals.get(reference, &stage.platform).ok()?;
            plan.file
                .foreign_base(stage, &platform(&base.image.platform()))
        })
        .collect()
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
            Base::Scratch => plan.file.lower(id, &Config::scratch()),
            Base::Context(name)
            | Base::Image {
                reference: name, ..
            } => plan
                .file
                .lower(id, &config(&*plan.externals.get(name, &planned.platform)?)),
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

pub(super) fn platform(platform: &ci_oci::Platform) -> ci_dockerfile::Platform {
    ci_dockerfile::Platform::new(
        &platform.os,
        &platform.architecture,
        platform.variant.as_deref(),
    )
}
