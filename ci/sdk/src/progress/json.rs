//! Progress for programs: one JSON object per line. The shape is stable: keys are added, never renamed or removed.
//!
//! | `event` | further keys |
//! |---|---|
//! | `started` | `step`, `group`, `name`, `source`? |
//! | `output` | `step`, `group`, `stream` (`stdout` or `stderr`), `line` (without its end, control characters removed) |
//! | `advanced` | `step`, `group`, `done` and `total` in bytes; of a transfer |
//! | `warning` | `group`, `rule`, `message`, `source`? |
//! | `finished` | `step`, `group`, `outcome` (`done`, `cached`, `failed` or `canceled`), `message`? (of a failure), `elapsed_ms` |
//! | `log` | `line` |
//! | `error` | `message`, `causes`, `hints`, `exit`: the last line of a run that failed |
//!
//! `step` is a number, unique in the run; `source` is `{file, line, text}`; `at_ms`, in the first five, counts from the
//! start of the run.

use std::time::Duration;

use ci_engine::progress::{Outcome, Source, Stream};
use serde::Serialize;

use super::Renderer;
use super::model::{Change, Model};
use crate::error::Failure;

pub(super) struct Json;

/// One line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    Started {
        at_ms: u64,
        step: u64,
        group: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<Place<'a>>,
    },
    Output {
        at_ms: u64,
        step: u64,
        group: &'a str,
        stream: &'static str,
        line: &'a str,
    },
    Advanced {
        at_ms: u64,
        step: u64,
        group: &'a str,
        done: u64,
        total: u64,
    },
    Warning {
        at_ms: u64,
        group: &'a str,
        rule: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<Place<'a>>,
    },
    Finished {
        at_ms: u64,
        step: u64,
        group: &'a str,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
        elapsed_ms: u64,
    },
    Log {
        line: &'a str,
    },
    Error(&'a Failure),
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    text: &'a str,
}

impl Renderer for Json {
    fn change(&mut self, model: &Model, change: &Change, now: Duration, out: &mut String) {
        let at_ms = millis(now);
        let line = match change {
            Change::Started(place) => {
                let step = model.step(*place);
                let (group, source) = (
                    &model.group(*place).name,
                    step.source.as_ref().map(Place::from),
                );
                Line::Started {
                    at_ms,
                    step: step.id.0,
                    group,
                    name: &step.name,
                    source,
                }
            }
            Change::Line {
                place,
                stream,
                text,
            } => {
                let stream = match stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                };
                let (group, step) = (&model.group(*place).name, model.step(*place).id.0);
                Line::Output {
                    at_ms,
                    step,
                    group,
                    stream,
                    line: text,
                }
            }
            Change::Advanced(place) => {
                let (group, step) = (&model.group(*place).name, model.step(*place));
                let (done, total) = step.amount.unwrap_or_default();
                Line::Advanced {
                    at_ms,
                    step: step.id.0,
                    group,
                    done,
                    total,
                }
            }
            Change::Warning {
                group,
                rule,
                message,
                source,
            } => Line::Warning {
                at_ms,
                group,
                rule,
                message,
                source: source.as_ref().map(Place::from),
            },
            Change::Finished(place) => {
                let step = model.step(*place);
                let (outcome, message) = match step.outcome() {
                    Some(Outcome::Cached) => ("cached", None),
                    Some(Outcome::Failed(how)) => ("failed", Some(how.as_str())),
                    Some(Outcome::Canceled) => ("canceled", None),
                    Some(Outcome::Done) | None => ("done", None),
                };
                let (group, elapsed_ms) = (&model.group(*place).name, millis(step.elapsed(now)));
                Line::Finished {
                    at_ms,
                    step: step.id.0,
                    group,
                    outcome,
                    message,
                    elapsed_ms,
                }
            }
        };
        line.write(out);
    }

    fn log(&mut self, line: &str, out: &mut String) {
        Line::Log { line }.write(out);
    }
}

/// The closing event of a run that failed.
pub(super) fn error(failure: &Failure) -> String {
    let mut out = String::new();
    Line::Error(failure).write(&mut out);
    out
}

impl Line<'_> {
    /// JSON may hold DEL and the eight-bit controls as they are; a terminal must not see them.
    fn write(&self, out: &mut String) {
        // Strings and numbers always serialise.
        for c in serde_json::to_string(self).unwrap_or_default().chars() {
            if c.is_control() {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                out.push(c);
            }
        }
        out.push('\n');
    }
}

impl<'a> From<&'a Source> for Place<'a> {
    fn from(source: &'a Source) -> Self {
        Self {
            file: &source.file,
            line: source.line,
            text: &source.text,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
