//! `test`: services are held to their checks and their contract.

use serde_json::json;

use super::{Answer, Format, Selection};
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::report::{self, Cell, Column, Table};
use crate::stages::test::{self, Outcome, Scope, Tested};
use crate::terminal::{Paint, Style};
use crate::units;

/// Test services: their own checks, then the contract of the built image
///
/// The checks of service.toml run first, in parallel; JUnit files go to .pipeline/reports. Then the image is started with its
/// minimal environment: it must come alive and ready, answer on its declared endpoints, and stop within its grace period when
/// asked to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) selection: Selection,

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
    let tested = test::run(ctx, &args.selection.request(), scope).await?;
    let text = match args.selection.output {
        Format::Human => table(&tested, paint),
        Format::Json => report::json(&document(&tested))?,
    };
    let mut failures = tested.failures;
    failures.extend(verdict(&tested.verdicts));
    Ok(Answer { text, failures })
}

fn table(tested: &Tested, paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("SERVICE"),
        Column::left("CHECK"),
        Column::right("TIME"),
        Column::left("RESULT"),
    ]);
    for verdict in &tested.verdicts {
        let result = match &verdict.outcome {
            Outcome::Passed => Cell::styled("ok", Style::Good),
            Outcome::Failed(how) => Cell::styled(format!("FAILED: {how}"), Style::Bad),
            Outcome::Skipped(why) => Cell::styled(format!("skipped: {why}"), Style::Notice),
        };
        let time = units::duration(verdict.elapsed);
        table.row([
            verdict.service.as_str().into(),
            verdict.check.as_str().into(),
            time.into(),
            result,
        ]);
    }
    if table.is_empty() {
        String::new()
    } else {
        table.render(paint)
    }
}

fn document(tested: &Tested) -> serde_json::Value {
    let results = tested.verdicts.iter().map(|verdict| {
        let (outcome, message) = match &verdict.outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Failed(how) => ("failed", Some(how)),
            Outcome::Skipped(why) => ("skipped", Some(why)),
        };
        json!({"service": verdict.service, "check": verdict.check, "outcome": outcome, "message": message,
            "elapsed_ms": u64::try_from(verdict.elapsed.as_millis()).unwrap_or(u64::MAX)})
    });
    json!({"results": results.collect::<Vec<_>>()})
}

/// The closing error, if a check failed.
fn verdict(verdicts: &[test::Verdict]) -> Option<eyre::Report> {
    let failed = verdicts
        .iter()
        .filter(|verdict| matches!(verdict.outcome, Outcome::Failed(_)))
        .count();
    let message = format!("{failed} of {} checks failed", verdicts.len());
    (failed > 0).then(|| UserError::new(Exit::Failed, message).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn tested() -> Tested {
        let verdict = |service: &str, check: &str, outcome| test::Verdict {
            service: service.into(),
            check: check.into(),
            outcome,
            elapsed: Duration::from_millis(1234),
        };
        Tested {
            verdicts: vec![
                verdict("web", "unit", Outcome::Passed),
                verdict(
                    "web",
                    "contract",
                    Outcome::Failed("/readyz still answered 200 after SIGTERM".into()),
                ),
                verdict(
                    "worker",
                    "contract",
                    Outcome::Skipped("none declared".into()),
                ),
            ],
            failures: Vec::new(),
        }
    }

    #[test]
    fn every_check_has_its_line() {
        insta::assert_snapshot!(table(&tested(), Paint::new(false)), @r"
        SERVICE  CHECK     TIME  RESULT
        web      unit      1.2s  ok
        web      contract  1.2s  FAILED: /readyz still answered 200 after SIGTERM
        worker   contract  1.2s  skipped: none declared
        ");
    }

    #[test]
    fn scripts_get_the_same_as_json() {
        let document = document(&tested());
        assert_eq!(document["results"][1]["outcome"], "failed");
        assert_eq!(document["results"][0]["elapsed_ms"], 1234);
    }

    #[test]
    fn a_failed_check_fails_the_command_and_a_skipped_one_does_not() {
        let all = tested().verdicts;
        assert_eq!(verdict(&all).unwrap().to_string(), "1 of 3 checks failed");
        assert!(verdict(&[all[0].clone(), all[2].clone()]).is_none());
    }
}
