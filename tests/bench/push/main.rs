//! How long a push takes, and what it sends: one release of 20 images, pushed here and by `skopeo copy`, in turns, in one run.
//!
//! `cargo bench -p pipeline --bench push -- --help` says what can be chosen; what is measured is in README.md beside this folder.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports on the terminal"
)]

mod pushers;
mod release;
mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use eyre::eyre;
use test_support::proxy::Proxy;
use test_support::registry::{Registry, Wants};

use pushers::Pusher;
use release::Release;
use report::Report;

/// Pushes one release here and with skopeo, in turns, and prints times, bytes and requests
#[derive(Debug, Parser)]
struct Options {
    /// How often everything is repeated
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Writes all figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// What the registry has before the push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Situation {
    /// Nothing.
    First,
    /// The same release.
    Again,
}

impl Situation {
    const ALL: [Self; 2] = [Self::First, Self::Again];

    /// For people.
    fn name(self) -> &'static str {
        match self {
            Self::First => "to an empty registry",
            Self::Again => "the same release again",
        }
    }

    /// For programs.
    fn key(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Again => "again",
        }
    }
}

/// What was seen of a pusher in a situation.
#[derive(Debug, Default)]
struct Figure {
    times: Vec<Duration>,
    /// What went to the registry: bytes, requests included.
    bytes: u64,
    requests: usize,
}

fn main() -> eyre::Result<()> {
    let options = Options::parse();
    let work = tempfile::TempDir::with_prefix_in("push-", env!("CARGO_TARGET_TMPDIR"))?;
    eprintln!("building {} images", release::IMAGES);
    let release = Release::build(work.path())?;
    let mut report = Report::default();
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for turn in 0..Pusher::ALL.len() {
            // Everybody goes first at times.
            let pusher = Pusher::ALL[(round + turn) % Pusher::ALL.len()];
            time(pusher, &release, &mut report)?;
        }
    }
    eprintln!("counting");
    for pusher in Pusher::ALL {
        count(pusher, &release, &mut report)?;
    }
    print!("{report}");
    if let Some(path) = options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report.json())?)?;
    }
    Ok(())
}

/// Pushes in each situation, to a registry of its own.
fn time(pusher: Pusher, release: &Release, report: &mut Report) -> eyre::Result<()> {
    let registry = start(release.folder())?;
    let home = tempfile::tempdir_in(release.folder())?;
    for situation in Situation::ALL {
        release.name_registry(&registry.host)?;
        // What was written before must not be flushed at the expense of what is measured.
        rustix::fs::sync();
        let began = Instant::now();
        pusher.push(release, &registry.host, home.path())?;
        report.figure(situation, pusher).times.push(began.elapsed());
    }
    Ok(())
}

/// The same through a proxy, which counts.
fn count(pusher: Pusher, release: &Release, report: &mut Report) -> eyre::Result<()> {
    let registry = start(release.folder())?;
    let proxy = Proxy::start(&registry.host);
    let home = tempfile::tempdir_in(release.folder())?;
    for situation in Situation::ALL {
        release.name_registry(&proxy.host)?;
        proxy.reset(None);
        pusher.push(release, &proxy.host, home.path())?;
        let figure = report.figure(situation, pusher);
        figure.bytes = proxy.bytes();
        figure.requests = proxy.requests().len();
    }
    Ok(())
}

/// A registry with its data on the disk that cargo's `target` is on.
fn start(folder: &Path) -> eyre::Result<Registry> {
    let wants = Wants {
        folder: Some(folder),
        ..Wants::default()
    };
    Registry::start(&wants).map_err(|missing| eyre!(missing))
}
