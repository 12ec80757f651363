//! `test`: services are held to their checks and their contract.

use super::build::NOTHING;
use super::{Answer, Format, Making};
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::report::{self, Cell, Column, Table};
use crate::stages::test::{self, Outcome, Scope, Service, Tested};
use crate::terminal::{Paint, Style};
use crate::text;
use crate::units;

/// Test services: their own checks, then the contract of the built image
///
/// The checks of service.toml run first, in parallel; JUnit files go to .pipeline/reports. Then the image is started with its
/// minimal environment: it must come alive and ready, answer on its declared endpoints, and stop within its grace period when
/// asked to. The results are also in .pipeline/reports/summary.json.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) making: Making,

    /// Only the checks of service.toml; no image is started
    #[arg(long, conflicts_with = "contract_only")]
    checks_only: bool,

    /// Only the contract
    #[arg(long)]
    contract_only: bool,
}

const EXAMPLES: &str = "\
Examples:
  {bin} test                             every default service
  {bin} test web --contract-only         does the image start, answer and stop?
  {bin} test --checks-only -j 8          unit tests and linters, eight at a time
  {bin} test --progress plain            with everything the checks print";

pub(crate) async fn run(args: &Test, ctx: &Context, paint: Paint) -> eyre::Result<Answer> {
    let scope = match (args.checks_only, args.contract_only) {
        (true, _) => Scope::Checks,
        (_, true) => Scope::Contract,
        _ => Scope::Everything,
    };
    let request = args.making.request(ctx.project(), ctx.progress())?;
    let tested = test::run(ctx, &request, scope).await?;
    let text = match args.making.output {
        Format::Human if request.only.is_some() && tested.is_nothing() => NOTHING.to_owned(),
        Format::Human => human(&tested, paint),
        Format::Json => report::json(&tested.document())?,
    };
    let verdict = verdict(&tested);
    let mut failures = tested.failures;
    failures.extend(verdict);
    Ok(Answer { text, failures })
}

/// Everything that was looked at, then one line for each service.
fn human(tested: &Tested, paint: Paint) -> String {
    let mut out = String::new();
    for service in &tested.services {
        details(service, paint, &mut out);
    }
    out + &table(tested, paint)
}

/// `✔ readyz  200, 3 ms after livez`, under the service's name.
fn details(service: &Service, paint: Paint, out: &mut String) {
    let checks = service.checks.iter().map(|check| {
        let mut said = vec![units::duration(check.elapsed)];
        if let Some(junit) = &check.junit {
            said.push(
                junit
                    .counts
                    .map_or_else(|| "no JUnit file".to_owned(), tests),
            );
        }
        match &check.outcome {
            Outcome::Passed => {}
            Outcome::Failed(how) => said.insert(0, how.clone()),
            Outcome::Skipped(why) => said = vec![format!("not run: {why}")],
        }
        (&check.name, Mark::of(&check.outcome), said.join(", "))
    });
    let points = service.contract.points.iter().map(|point| {
        let mark = if point.passed { Mark::Good } else { Mark::Bad };
        (&point.name, mark, point.detail.clone())
    });
    let lines: Vec<_> = checks.chain(points).collect();
    if lines.is_empty() {
        return;
    }
    let width = lines.iter().map(|(name, ..)| text::width(name)).max();
    out.push_str(&paint.paint(Style::Bold, &service.name));
    out.push('\n');
    for (name, mark, said) in lines {
        let (sign, style) = mark.shown();
        let blanks = " ".repeat(width.unwrap_or(0).saturating_sub(text::width(name)));
        let said = text::one_line(&said);
        out.push_str(&format!(
            "  {} {name}{blanks}  {said}\n",
            paint.paint(style, sign)
        ));
    }
    out.push('\n');
}

#[derive(Clone, Copy)]
enum Mark {
    Good,
    Bad,
    None,
}

impl Mark {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Good,
            Outcome::Failed(_) => Self::Bad,
            Outcome::Skipped(_) => Self::None,
        }
    }

    fn shown(self) -> (&'static str, Style) {
        match self {
            Self::Good => ("✔", Style::Good),
            Self::Bad => ("✗", Style::Bad),
            Self::None => ("-", Style::Notice),
        }
    }
}

fn table(tested: &Tested, paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("SERVICE"),
        Column::left("CHECKS"),
        Column::left("CONTRACT"),
        Column::right("TIME"),
    ]);
    for service in &tested.services {
        let contract = match &service.contract.outcome {
            Outcome::Passed => Cell::styled("kept", Style::Good),
            Outcome::Failed(what) => Cell::styled(format!("BROKEN: {what}"), Style::Bad),
            Outcome::Skipped(why) => Cell::styled(format!("not started: {why}"), Style::Notice),
        };
        table.row([
            service.name.as_str().into(),
            checks(service),
            contract,
            units::duration(service.elapsed()).into(),
        ]);
    }
    if table.is_empty() {
        String::new()
    } else {
        table.render(paint)
    }
}

/// `2 passed, 14 tests`.
fn checks(service: &Service) -> Cell {
    let all = service.checks.len();
    let failed = service.count(Outcome::has_failed);
    let passed = service.count(|outcome| *outcome == Outcome::Passed);
    let mut said = match (all, failed) {
        (0, _) => return "none".into(),
        (_, 0) if passed == 0 => return Cell::styled("not run", Style::Notice),
        (_, 0) => format!("{passed} passed"),
        _ => format!("{failed} of {all} FAILED"),
    };
    if let Some(counts) = service.counts() {
        said = format!("{said}, {}", tests(counts));
    }
    Cell::styled(said, if failed > 0 { Style::Bad } else { Style::Good })
}

/// `14 tests, 1 failed`.
fn tests(counts: test::Counts) -> String {
    let test::Counts {
        tests,
        failed,
        skipped,
    } = counts;
    let mut said = format!("{tests} test{}", if tests == 1 { "" } else { "s" });
    for (count, how) in [(failed, "failed"), (skipped, "skipped")] {
        if count > 0 {
            said.push_str(&format!(", {count} {how}"));
        }
    }
    said
}

/// The closing error, if a check or a contract failed.
fn verdict(tested: &Tested) -> Option<eyre::Report> {
    let (failed, all) = tested.failed();
    let message = format!("{failed} of {all} checks and contracts failed");
    (failed > 0).then(|| UserError::new(Exit::Failed, message).into())
}

#[cfg(test)]
mod tests;
