//! `doctor`: what this machine can do, and how to get what it lacks.

mod checks;

use ci_sandbox::{Probe, Status};

use super::{Answer, Format};
use crate::error::{Exit, UserError};
use crate::report::{self, Cell, Column, Table};
use crate::terminal::{Paint, Style};

/// Say what this machine can do, and how to get what it lacks
///
/// Every fact is tried, not guessed. Exits with 3 when something is missing without which nothing can be built.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {
    /// How to print the result: human (the default) or json
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
  {bin} doctor
  {bin} doctor --output json | jq '.[] | select(.status != \"ok\")'";

pub(crate) fn run(args: &Doctor, paint: Paint) -> eyre::Result<Answer> {
    let mut probes = ci_sandbox::probe();
    probes.extend(checks::all());
    let text = match args.output {
        Format::Human => human(&probes, paint),
        Format::Json => report::json(&probes)?,
    };
    let failures = missing(&probes)
        .map(eyre::Report::new)
        .into_iter()
        .collect();
    Ok(Answer { text, failures })
}

/// The table, and below it what to do.
fn human(probes: &[Probe], paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("CHECK"),
        Column::left("STATUS"),
        Column::left("FOUND"),
    ]);
    for probe in probes {
        let status = match probe.status {
            Status::Ok => Cell::styled("ok", Style::Good),
            Status::Warn => Cell::styled("limited", Style::Notice),
            Status::Missing => Cell::styled("MISSING", Style::Bad),
        };
        table.row([probe.name.into(), status, probe.found.as_str().into()]);
    }
    let mut out = table.render(paint);
    for probe in probes.iter().filter(|probe| probe.status != Status::Ok) {
        if let Some(fix) = &probe.fix {
            let label = paint.paint(Style::Bold, &format!("{}:", probe.name));
            out.push_str(&format!("\n{label}\n"));
            for line in fix.lines() {
                out.push_str(format!("  {line}").trim_end());
                out.push('\n');
            }
        }
    }
    out
}

/// The error of a machine on which no step can run.
pub(crate) fn missing(probes: &[Probe]) -> Option<UserError> {
    let names: Vec<&str> = probes
        .iter()
        .filter(|probe| probe.status == Status::Missing)
        .map(|probe| probe.name)
        .collect();
    let message = format!(
        "this machine cannot build images; missing: {}",
        names.join(", ")
    );
    (!names.is_empty()).then(|| UserError::new(Exit::Machine, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes() -> Vec<Probe> {
        let probe = |name, status, found: &str, fix: Option<&str>| Probe {
            name,
            status,
            found: found.into(),
            fix: fix.map(str::to_owned),
        };
        vec![
            probe("user namespaces", Status::Ok, "allowed", None),
            probe(
                "pasta",
                Status::Warn,
                "not found",
                Some("apt-get install passt"),
            ),
            probe(
                "C linker",
                Status::Missing,
                "no `cc` in PATH",
                Some("Debian: apt-get install gcc\nFedora: dnf install gcc"),
            ),
        ]
    }

    #[test]
    fn the_table_is_followed_by_the_fixes() {
        insta::assert_snapshot!(human(&probes(), Paint::new(false)), @r"
        CHECK            STATUS   FOUND
        user namespaces  ok       allowed
        pasta            limited  not found
        C linker         MISSING  no `cc` in PATH

        pasta:
          apt-get install passt

        C linker:
          Debian: apt-get install gcc
          Fedora: dnf install gcc
        ");
    }

    #[test]
    fn only_what_is_missing_fails_the_command() {
        let error = eyre::Report::new(missing(&probes()).unwrap());
        assert_eq!(crate::error::Failure::of(&error).exit(), Exit::Machine);
        assert_eq!(
            error.to_string(),
            "this machine cannot build images; missing: C linker"
        );
        assert!(missing(&probes()[..2]).is_none());
    }
}
