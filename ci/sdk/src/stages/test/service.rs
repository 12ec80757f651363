//! Holds built images to the contract of their service.

use std::path::Path;
use std::time::{Duration, Instant};

use ci_catalog::{Contract as Promised, ContractKind};
use ci_engine::progress::{Outcome as StepOutcome, Stream};
use dagger_sdk::{Container, ContainerWithExecOptsBuilder};
use tokio::time::timeout;

use super::contract::{self, Expected, IMAGE_DIGEST, Point, Terms};
use super::running::{self, Running};
use super::tested::{Contract, Outcome};
use crate::context::Context;
use crate::error::UserError;
use crate::stages::build::failure::of_dagger;
use crate::stages::limits;
use crate::stages::plan::{Planned, group, rfc3339};
use crate::units;

/// A label that no program sees. Two services with the same image are still two.
const LABEL: &str = "pipeline.contract";

/// How many lines of a failed step are repeated when the run is over. What failed comes first, so it has to fit.
const SHOWN: usize = 20;

/// What was found, and the last lines that the program printed.
type Found = (Vec<Point>, Vec<String>);

/// Holds an image to the contract of its service.
pub(super) async fn hold(
    ctx: &Context,
    planned: &Planned<'_>,
    promised: &Promised,
    image: &Container,
    digest: &str,
) -> Result<Contract, UserError> {
    let container = limits::hold(ctx, planned, prepare(planned, promised, image, digest)?);
    let began = Instant::now();
    let step = ctx
        .progress()
        .start(&group(planned.service), "contract", None);
    let (points, log) = match &promised.kind {
        ContractKind::Job => job(ctx, promised, container).await,
        ContractKind::Http {
            port,
            livez,
            readyz,
            version,
        } => {
            let expected = expected(ctx, planned, digest)?;
            let terms = Terms {
                livez: livez.clone(),
                readyz: readyz.clone(),
                version: version.clone().map(|path| (path, expected)),
                start_timeout: promised.start_timeout,
                elapsed: Duration::ZERO,
                grace_period: promised.grace_period,
            };
            let name = planned.service.name.as_str();
            serve(ctx, name, promised, terms, container, *port).await
        }
    };
    let manifest = &planned.service.manifest;
    let points = points.into_iter().map(|point| advise(point, manifest));
    let contract = Contract::of(points.collect(), began.elapsed());
    if contract.outcome.has_failed() {
        step.output(
            Stream::Stderr,
            explanation(&contract.points, &log).as_bytes(),
        );
    }
    step.finish(match &contract.outcome {
        Outcome::Failed(what) => StepOutcome::Failed(format!("broken: {what}")),
        Outcome::Passed | Outcome::Skipped(_) => StepOutcome::Done,
    });
    Ok(contract)
}

/// The image with the minimal environment.
fn prepare(
    planned: &Planned<'_>,
    promised: &Promised,
    image: &Container,
    digest: &str,
) -> Result<Container, UserError> {
    let mut container = image.with_label(LABEL, planned.service.name.as_str());
    for (name, value) in &promised.env {
        let value = planned.render(&format!("contract.env.{name}"), value)?;
        container = container.with_env_variable(name, value);
    }
    Ok(container.with_env_variable(IMAGE_DIGEST, digest))
}

/// A job runs to its end.
async fn job(ctx: &Context, promised: &Promised, container: Container) -> Found {
    const NAME: &str = "exit";
    let mut options = ContainerWithExecOptsBuilder::default();
    options.use_entrypoint(true);
    let run = match options.build() {
        Ok(options) => container.with_exec_opts(promised.args.clone(), options),
        Err(error) => return (vec![Point::failed(NAME, error.to_string())], Vec::new()),
    };
    let began = Instant::now();
    let limit = promised.start_timeout;
    match timeout(limit, run.sync()).await {
        Ok(Ok(_)) => {
            let time = contract::time(began.elapsed());
            (
                vec![Point::passed(NAME, format!("exit code: 0 after {time}"))],
                Vec::new(),
            )
        }
        Ok(Err(error)) => {
            // The embedded engine shows it under the step in which the program ran.
            let log = if ctx.engine().is_embedded() {
                Vec::new()
            } else {
                running::output(&error)
            };
            (vec![Point::failed(NAME, of_dagger(error).to_string())], log)
        }
        Err(_) => {
            let message = format!("still running after {}", units::duration(limit));
            let point = Point::failed(NAME, message);
            (
                vec![point.hint("`start-timeout` of [contract] says how long a job may take")],
                Vec::new(),
            )
        }
    }
}

/// A service runs until it is stopped.
async fn serve(
    ctx: &Context,
    name: &str,
    promised: &Promised,
    terms: Terms,
    container: Container,
    port: u16,
) -> Found {
    let running = match Running::start(&ctx.query(name), promised, container, port).await {
        Ok(running) => running,
        Err(failed) => {
            let heard = ctx.logs().tail(name);
            let log = if heard.is_empty() { failed.log } else { heard };
            return (vec![failed.point], log);
        }
    };
    let service = contract::Service {
        address: running.address,
        has_ended: &|| ctx.logs().has_ended(name),
    };
    let terms = Terms {
        elapsed: running.after,
        ..terms
    };
    let stop = async {
        let stopped = running.service.stop().await;
        stopped
            .map(drop)
            .map_err(|error| of_dagger(error).to_string())
    };
    let points = contract::hold(&service, &terms, stop).await;
    running.end().await;
    (points, ctx.logs().tail(name))
}

/// What the service has to say of itself: the same values as templates have.
fn expected(ctx: &Context, planned: &Planned<'_>, digest: &str) -> Result<Expected, UserError> {
    let project = ctx.project();
    let checkout = project.checkout();
    Ok(Expected {
        sha: checkout.commit.clone(),
        service: planned.service.name.to_string(),
        build_ts: rfc3339(checkout.commit_time.unwrap_or(project.source_date_epoch()))?,
        image_digest: digest.to_owned(),
    })
}

/// Adds to a failed point what only the catalog knows: where to look.
fn advise(point: Point, manifest: &Path) -> Point {
    if point.passed || point.hint.is_some() {
        return point;
    }
    let manifest = manifest.display();
    match point.name.as_str() {
        "version.imageDigest" => point.hint(format!("answer with the variable {IMAGE_DIGEST}")),
        name if name.starts_with("version.") => point.hint(format!(
            "the program has this from its environment: see `env` of [image] in {manifest}"
        )),
        "livez" | "readyz" | "version" => {
            point.hint(format!("the path is from [contract] in {manifest}"))
        }
        _ => point,
    }
}

/// What failed, what to do about it, and what the program printed last: the output of the step that failed.
fn explanation(points: &[Point], log: &[String]) -> String {
    let failed = points.iter().filter(|point| !point.passed);
    let mut lines: Vec<String> = failed
        .clone()
        .map(|point| format!("{}: {}", point.name, point.detail))
        .collect();
    for hint in failed.filter_map(|point| point.hint.as_deref()) {
        let line = format!("hint: {hint}");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if !log.is_empty() {
        lines.push("the last that the program printed:".to_owned());
        let room = SHOWN.saturating_sub(lines.len());
        let last = &log[log.len().saturating_sub(room)..];
        lines.extend(last.iter().map(|line| format!("  {line}")));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_contract_is_explained_with_where_to_look_and_what_was_printed() {
        let points = [
            Point::passed("livez", "200 after 31 ms"),
            Point::failed("version.sha", "expected `0123`, found `abc`"),
            Point::failed("version.service", "expected `web`, found nothing"),
            Point::failed("version.imageDigest", "expected `sha256:aa`, found nothing"),
            Point::failed("drain", "readyz never said that it is not ready").hint("answer 503"),
        ];
        let manifest = Path::new("services/web/service.toml");
        let points = points.map(|point| advise(point, manifest));
        let log = ["listening on 8080".to_owned(), "draining".to_owned()];
        insta::assert_snapshot!(explanation(&points, &log), @r"
        version.sha: expected `0123`, found `abc`
        version.service: expected `web`, found nothing
        version.imageDigest: expected `sha256:aa`, found nothing
        drain: readyz never said that it is not ready
        hint: the program has this from its environment: see `env` of [image] in services/web/service.toml
        hint: answer with the variable IMAGE_DIGEST
        hint: answer 503
        the last that the program printed:
          listening on 8080
          draining
        ");
        let long = vec!["line".to_owned(); 100];
        assert_eq!(explanation(&points, &long).lines().count(), SHOWN);
        assert_eq!(explanation(&points[..1], &[]), "");
    }
}
