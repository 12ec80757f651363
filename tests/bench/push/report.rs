//! What was measured, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::pushers::Pusher;
use crate::release::IMAGES;
use crate::{Figure, Situation};

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Report(BTreeMap<(Situation, Pusher), Figure>);

impl Report {
    /// The figures of a pusher in a situation, to be completed.
    pub(crate) fn figure(&mut self, situation: Situation, pusher: Pusher) -> &mut Figure {
        self.0.entry((situation, pusher)).or_default()
    }

    /// For programs. Times in milliseconds.
    pub(crate) fn json(&self) -> Value {
        let rows = self.0.iter().map(|((situation, pusher), figure)| {
            let times = figure.times.iter().map(Duration::as_secs_f64);
            json!({
                "situation": situation.key(),
                "pusher": pusher.key(),
                "median_ms": milliseconds(median(&figure.times)),
                "samples_ms": times.map(|time| (time * 1e3).round()).collect::<Vec<_>>(),
                "bytes": figure.bytes,
                "requests": figure.requests,
            })
        });
        json!({ "images": IMAGES, "figures": rows.collect::<Vec<_>>() })
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for situation in Situation::ALL {
            writeln!(
                f,
                "\n{:<24}{:>10}{:>10}{:>8}{:>14}{:>20}",
                situation.name(),
                "median",
                "fastest",
                "ratio",
                "sent",
                "requests per image"
            )?;
            let ours = self.0.get(&(situation, Pusher::Ours));
            let ours = ours.map_or(Duration::ZERO, |figure| median(&figure.times));
            let rows = self.0.iter().filter(|((of, _), _)| *of == situation);
            for ((_, pusher), figure) in rows {
                let median = median(&figure.times);
                let fastest = figure.times.iter().min().copied().unwrap_or_default();
                writeln!(
                    f,
                    "{:<24}{:>7.0} ms{:>7.0} ms{:>8.1}{:>11.1} MB{:>20.1}",
                    pusher.key(),
                    milliseconds(median),
                    milliseconds(fastest),
                    median.as_secs_f64() / ours.as_secs_f64(),
                    figure.bytes as f64 / 1e6,
                    figure.requests as f64 / IMAGES as f64,
                )?;
            }
        }
        Ok(())
    }
}
