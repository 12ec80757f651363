//! How long a build takes: one workload, built here, by BuildKit and by buildah, in turns, in one run.
//!
//! `cargo bench -p pipeline --bench peers -- --help` says what can be chosen; what is measured, and what is the same for all
//! builders, is in README.md beside this file.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports on the terminal"
)]

mod base;
mod builders;
mod measure;
mod process;
mod report;
mod work;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use builders::Kind;
use test_support::registry::{Registry, Wants};

/// Builds one workload here and with other builders, in turns, and prints medians and ratios
#[derive(Debug, Parser)]
struct Options {
    /// How often everything is repeated; medians are of all rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Who builds; those whose programs are missing are left out
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Kind::ALL)]
    builders: Vec<Kind>,
    /// Writes all figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> eyre::Result<ExitCode> {
    let options = Options::parse();
    if !work::is_ready() {
        return work::run_again();
    }
    let work = work::root()?;
    let (builders, missing): (Vec<_>, Vec<_>) = options
        .builders
        .iter()
        .copied()
        .partition(|kind| kind.missing().is_none());
    for kind in missing {
        let program = kind.missing().unwrap_or_default();
        eprintln!("{kind} is left out: {program} is not installed");
    }
    let wants = Wants {
        folder: Some(&work),
        ..Wants::default()
    };
    let registry = Registry::start(&wants).map_err(eyre::Report::msg)?;
    let base = format!("oci:{}:base", base::layout()?.display());
    registry
        .copy(&base, base::NAME, &[])
        .map_err(eyre::Report::msg)?;
    let mut samples = measure::Samples::default();
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for turn in 0..builders.len() {
            // Everybody goes first at times.
            let kind = builders[(round + turn) % builders.len()];
            measure::round(kind, &work, &registry, round, &mut samples)?;
        }
    }
    let report = report::Report::new(&builders, options.rounds, &samples)?;
    print!("{report}");
    if let Some(path) = options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report.json())?)?;
    }
    Ok(ExitCode::SUCCESS)
}
