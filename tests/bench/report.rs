//! What was measured: medians and ratios, as a table and as JSON.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::builders::Kind;
use crate::measure::{Samples, Situation};

/// The figures of one builder in one situation.
#[derive(Debug)]
struct Figure {
    builder: Kind,
    median: Duration,
    /// What a machine takes that does nothing else.
    fastest: Duration,
    samples: Vec<Duration>,
}

/// One of the figures.
type Pick = fn(&Figure) -> Duration;

const MEDIAN: Pick = |figure| figure.median;

/// All figures.
#[derive(Debug)]
pub(crate) struct Report {
    rounds: usize,
    /// Builders and what they call themselves.
    builders: Vec<(Kind, String)>,
    rows: Vec<(Situation, Vec<Figure>)>,
}

impl Report {
    pub(crate) fn new(builders: &[Kind], rounds: usize, samples: &Samples) -> eyre::Result<Self> {
        let row = |situation| {
            let figure = |builder: &Kind| {
                let mut samples = samples.get(&(situation, *builder))?.clone();
                samples.sort_unstable();
                Some(Figure {
                    builder: *builder,
                    median: median(&samples)?,
                    fastest: *samples.first()?,
                    samples,
                })
            };
            (situation, builders.iter().filter_map(figure).collect())
        };
        let version = |kind: &Kind| Ok((*kind, kind.version()?));
        Ok(Self {
            rounds,
            builders: builders.iter().map(version).collect::<eyre::Result<_>>()?,
            rows: Situation::ALL.into_iter().map(row).collect(),
        })
    }

    /// For programs. Times in milliseconds.
    pub(crate) fn json(&self) -> Value {
        let builders = self.builders.iter().map(|(kind, version)| {
            json!({ "name": kind.key(), "version": version, "output": kind.output() })
        });
        let rows = self.rows.iter().map(|(situation, figures)| {
            let of_builders = figures.iter().map(|figure| {
                let samples: Vec<_> = figure.samples.iter().copied().map(milliseconds).collect();
                let value = json!({
                    "median_ms": milliseconds(figure.median),
                    "fastest_ms": milliseconds(figure.fastest),
                    "samples_ms": samples,
                    "times_ours": times_ours(figures, figure.builder, MEDIAN),
                });
                (figure.builder.key().to_owned(), value)
            });
            json!({
                "situation": situation.key(),
                "aim": situation.aim(),
                "times_faster_than_the_better_peer": better_peer(figures, MEDIAN),
                "builders": of_builders.collect::<serde_json::Map<_, _>>(),
            })
        });
        json!({
            "cpus": std::thread::available_parallelism().map(usize::from).ok(),
            "rounds": self.rounds,
            "builders": builders.collect::<Vec<_>>(),
            "situations": rows.collect::<Vec<_>>(),
        })
    }
}

/// The middle one of sorted samples, or the mean of the middle two.
fn median(sorted: &[Duration]) -> Option<Duration> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some((*upper + *lower) / 2)
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 1e2
}

/// How many times as long as ours a builder takes.
fn times_ours(figures: &[Figure], builder: Kind, pick: Pick) -> Option<f64> {
    let of = |kind| figures.iter().find(|figure| figure.builder == kind);
    let ratio = pick(of(builder)?).as_secs_f64() / pick(of(Kind::Ours)?).as_secs_f64();
    Some((ratio * 100.0).round() / 100.0)
}

/// The same for the fastest of the others.
fn better_peer(figures: &[Figure], pick: Pick) -> Option<f64> {
    let peers = figures.iter().filter(|figure| figure.builder != Kind::Ours);
    let better = peers.min_by_key(|figure| pick(figure))?;
    times_ours(figures, better.builder, pick)
}

impl Report {
    fn table(&self, f: &mut fmt::Formatter<'_>, name: &str, pick: Pick) -> fmt::Result {
        write!(f, "\n{name:<24}")?;
        for (kind, _) in &self.builders {
            write!(f, "{:>18}", kind.key())?;
        }
        writeln!(f, "{:>14}{:>8}", "better peer", "aim")?;
        for (situation, figures) in &self.rows {
            write!(f, "{:<24}", situation.name())?;
            for figure in figures {
                let time = format!("{:.0} ms", pick(figure).as_secs_f64() * 1e3);
                let cell = match times_ours(figures, figure.builder, pick) {
                    Some(times) if figure.builder != Kind::Ours => format!("{time} ({times:.1})"),
                    _ => time,
                };
                write!(f, "{cell:>18}")?;
            }
            let better = better_peer(figures, pick);
            let better = better.map_or(String::new(), |times| format!("{times:.1}×"));
            writeln!(f, "{better:>14}{:>7.0}×", situation.aim())?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, version) in &self.builders {
            writeln!(f, "{:<15} {version}; gives {}", kind.key(), kind.output())?;
        }
        let rounds = self.rounds;
        writeln!(f, "\n{rounds} rounds; in brackets, how many times ours")?;
        self.table(f, "median", MEDIAN)?;
        self.table(f, "fastest", |figure| figure.fastest)
    }
}
