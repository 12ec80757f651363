//! `status`: what environments pin, and whether that runs.

use std::time::Duration;

use ci_engine::Progress;
use ci_oci::Digest;
use serde_json::json;

use super::build::short;
use super::{Answer, Format};
use crate::project::Project;
use crate::report::{self, Cell, Column, Table};
use crate::stages::status::{self, Environment, Pinned, Request, Service};
use crate::terminal::{Paint, Style};
use crate::units;

/// Say what environments pin, since when, and whether that is what runs
///
/// Reads the deployments repository of each environment. Where pipeline.toml declares addresses, every instance is asked: its /readyz has to
/// answer with success, and its /version has to report the pinned digest and commit, over HTTPS. Exits with 1 if an instance does not run what
/// is pinned, and with --wait also if one could not be asked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Status {
    /// Services, with those coupled to them; none means all
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Only this environment of pipeline.toml [default: all that have deployments]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Wait until every instance of every service runs what is pinned
    #[arg(long)]
    wait: bool,

    /// With --wait: give up after this long, and show the last answers: 90s, 10m, 1h [default: 5m]
    #[arg(long, value_name = "TIME", default_value = "5m", hide_default_value = true, value_parser = units::parse_age, requires = "wait")]
    timeout: Duration,

    /// How to print the result, on standard output: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  {bin} status                                        every environment
  {bin} status web --env production                   one service there
  {bin} status --env staging --wait --timeout 10m     in CI, once a promotion is merged
  {bin} status --output json | jq .environments       for scripts";

pub(crate) async fn run(
    args: &Status,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let request = Request {
        environment: args.env.clone(),
        services: args.services.clone(),
        patience: args.wait.then_some(args.timeout),
    };
    let status = status::run(project, progress, &request).await?;
    let text = match args.output {
        Format::Human => human(&status.environments, paint),
        Format::Json => report::json(&json!({
            "good": status.failures.is_empty(),
            "environments": status.environments,
        }))?,
    };
    Ok(Answer {
        text,
        failures: status.failures,
    })
}

fn human(environments: &[Environment], paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("ENVIRONMENT"),
        Column::left("SERVICE"),
        Column::left("PINNED"),
        Column::left("COMMIT"),
        Column::left("SINCE"),
        Column::left("INSTANCE"),
        Column::left("ANSWER"),
    ]);
    for environment in environments {
        for (at, service) in environment.services.iter().enumerate() {
            let name = if at == 0 {
                environment.name.as_str()
            } else {
                ""
            };
            rows(&mut table, name, service);
        }
    }
    table.render(paint)
}

/// A row for each instance, with the service in the first.
fn rows(table: &mut Table, environment: &str, service: &Service) {
    let since = service.since.as_ref().map_or_else(String::new, |since| {
        let commit: String = since.commit.chars().take(7).collect();
        format!("{} ({commit})", since.time)
    });
    let first = [
        Cell::from(environment),
        service.name.as_str().into(),
        pinned(&service.pinned),
        commit(&service.pinned),
        since.into(),
    ];
    let instances = service.instances.as_deref().unwrap_or_default();
    let Some((head, rest)) = instances.split_first() else {
        let answer = match service.instances {
            Some(_) => Cell::from(""),
            None => Cell::styled("not asked", Style::Dim),
        };
        let row = first.into_iter().chain(["".into(), answer]);
        return table.row(row.collect::<Vec<_>>());
    };
    let cells = |instance: &status::Instance| {
        let style = if instance.good {
            Style::Good
        } else {
            Style::Bad
        };
        let answer = match instance.good {
            true => format!("runs {}", short(&instance.answer)),
            false => instance.answer.clone(),
        };
        [Cell::from(&instance.address), Cell::styled(answer, style)]
    };
    table.row(first.into_iter().chain(cells(head)).collect::<Vec<_>>());
    for instance in rest {
        let blank = std::iter::repeat_n(Cell::from(""), 5);
        table.row(blank.chain(cells(instance)).collect::<Vec<_>>());
    }
}

fn pinned(pinned: &Pinned) -> Cell {
    let digests: Vec<String> = pinned.digests.iter().map(Digest::to_string).collect();
    match &digests[..] {
        [] => Cell::styled("nothing", Style::Notice),
        [digest] => short(digest).into(),
        several => {
            let several: Vec<String> = several.iter().map(|it| short(it)).collect();
            Cell::styled(several.join(" and "), Style::Bad)
        }
    }
}

fn commit(pinned: &Pinned) -> Cell {
    match &pinned.commit {
        Some(commit) => commit.chars().take(12).collect::<String>().into(),
        None if pinned.by_hand => Cell::styled("changed by hand", Style::Notice),
        None if pinned.digests.is_empty() => "".into(),
        None => Cell::styled("not known", Style::Dim),
    }
}

#[cfg(test)]
mod tests;
