//! Running a planned build: every stage as soon as what it stands on is there, all in parallel.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_dockerfile::{Base, Stage, StageId};
use ci_oci::config::{Healthcheck, History, RunConfig};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::externals::oci as oci_platform;
use super::plan::Plan;
use crate::container::Container;
use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::session::Session;

/// A stage that several others may wait for.
pub(super) type Pending = Shared<BoxFuture<'static, Result<Arc<Container>>>>;

/// The stages of a build, by id.
pub(super) type Stages = BTreeMap<StageId, Pending>;

/// Runs the stages that the target needs; the container of the target.
pub(super) async fn run(session: &Arc<Session>, plan: Arc<Plan>) -> Result<Container> {
    let mut stages = Stages::new();
    for id in &plan.order {
        let running = stage(session.clone(), plan.clone(), *id, stages.clone());
        stages.insert(*id, running.boxed().shared());
    }
    let target = plan.file.target();
    // All at once: a stage that others wait for is polled by them too, and the first failure ends the rest.
    futures::future::try_join_all(stages.values().cloned()).await?;
    let container = stages
        .get(&target)
        .ok_or_else(|| Error::new("the target stage is not in the plan"))?
        .clone()
        .await?;
    Ok(Container::clone(&container))
}

async fn stage(
    session: Arc<Session>,
    plan: Arc<Plan>,
    id: StageId,
    stages: Stages,
) -> Result<Arc<Container>> {
    let planned = plan
        .file
        .stage(id)
        .ok_or_else(|| Error::new("a stage is not in the plan"))?;
    let lowered = plan
        .stages
        .get(&id)
        .ok_or_else(|| Error::new("a stage was not lowered"))?;
    let base = match &planned.base {
        Base::Stage(base) => {
            stages
                .get(base)
                .ok_or_else(|| Error::new("a stage stands on a later one"))?
                .clone()
                .await?
        }
        Base::Context(name)
        | Base::Image {
            reference: name, ..
        } => plan.externals.get(name, &planned.platform)?,
        Base::Scratch => Arc::new(Container::scratch(&oci_platform(&planned.platform))),
    };
    if planned.replaced {
        return Ok(base);
    }
    let mut container = Container::clone(&base);
    container.last = None;
    for step in &lowered.steps {
        let layer = super::steps::run(&session, &plan, id, step, &container, &stages).await?;
        if !step.empty_layer {
            // A step that may change files and did not is a layer all the same: history and layers must agree.
            let layer = match layer {
                Some(layer) => layer,
                None => session.write(&Rootfs::default(), Vec::new()).await?,
            };
            container.rootfs = container.rootfs.with(layer);
        }
        if let Some(created_by) = &step.created_by {
            let comment = Some("buildkit.dockerfile.v0".to_owned());
            container.image.history.push(History {
                created_by: Some(created_by.clone()),
                comment,
                empty_layer: step.empty_layer,
                ..History::default()
            });
        }
    }
    apply(&mut container, lowered);
    container.limits.clone_from(&plan.request.limits);
    Ok(Arc::new(container))
}

/// Gives a container the config of a lowered stage.
fn apply(container: &mut Container, stage: &Stage) {
    let config = &stage.config;
    let known = &container.image.config;
    container.image.config = RunConfig {
        user: config.user.clone(),
        exposed_ports: config.exposed_ports.clone(),
        env: config
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        entrypoint: config.entrypoint.clone(),
        cmd: config.cmd.clone(),
        volumes: config.volumes.clone(),
        working_dir: config.working_dir.clone(),
        labels: config.labels.clone(),
        stop_signal: config.stop_signal.clone(),
        args_escaped: config.args_escaped,
        healthcheck: config.healthcheck.as_ref().map(|check| Healthcheck {
            test: check.test.clone(),
            interval: signed(check.interval),
            timeout: signed(check.timeout),
            start_period: signed(check.start_period),
            start_interval: signed(check.start_interval),
            retries: i64::from(check.retries),
        }),
        on_build: config.onbuild.clone(),
        shell: config.shell.clone().unwrap_or_default(),
        other: known.other.clone(),
    };
    container.image.author = config.author.clone();
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
