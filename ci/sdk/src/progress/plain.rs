//! Progress for logs: one line when a step ends, what steps print, and a sign of life from those that take long.
//!
//! What steps print is prefixed with `#group`, so that it can be told from our own lines, and so that no line of a build
//! begins with what a CI system takes for a command (W1).

use std::collections::HashMap;
use std::time::Duration;

use ci_engine::progress::{Outcome, StepId};

use super::Renderer;
use super::model::{Change, Model, State};
use crate::terminal::{Paint, Size, Style};
use crate::units;

/// How long a step may run before it is said to be running.
const LONG: Duration = Duration::from_secs(10);

/// How often that is said again.
const AGAIN: Duration = Duration::from_secs(60);

pub(super) struct Plain {
    paint: Paint,
    /// When the next sign of life of a step is due, since the step began.
    due: HashMap<StepId, Duration>,
}

impl Plain {
    pub(super) fn new(paint: Paint) -> Self {
        Self {
            paint,
            due: HashMap::new(),
        }
    }
}

impl Renderer for Plain {
    fn change(&mut self, model: &Model, change: &Change, now: Duration, out: &mut String) {
        let paint = self.paint;
        match change {
            Change::Started(_) | Change::Advanced(_) => {}
            Change::Line { place, text, .. } => {
                let prefix = paint.paint(Style::Dim, &format!("#{}", model.group(*place).name));
                out.push_str(format!("{prefix} {text}").trim_end());
                out.push('\n');
            }
            Change::Warning {
                group,
                rule,
                message,
                source,
            } => {
                let label = paint.paint(Style::Notice, "warning:");
                let place = source
                    .as_ref()
                    .map(|s| format!(" ({}:{})", s.file, s.line))
                    .unwrap_or_default();
                out.push_str(&format!("{group}  {label} {rule}: {message}{place}\n"));
            }
            Change::Finished(place) => {
                let step = model.step(*place);
                self.due.remove(&step.id);
                let time = units::duration(step.elapsed(now));
                let end = match step.outcome() {
                    Some(Outcome::Cached) => paint.paint(Style::Dim, "CACHED"),
                    Some(Outcome::Failed(how)) => {
                        format!("{} {how}  {time}", paint.paint(Style::Bad, "FAILED"))
                    }
                    Some(Outcome::Canceled) => {
                        format!("{}  {time}", paint.paint(Style::Notice, "canceled"))
                    }
                    Some(Outcome::Done) | None => time,
                };
                out.push_str(&format!(
                    "{}  {}  {end}\n",
                    model.group(*place).name,
                    step.name
                ));
            }
        }
    }

    fn log(&mut self, line: &str, out: &mut String) {
        out.push_str(line);
        out.push('\n');
    }

    fn interval(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    fn tick(&mut self, model: &Model, now: Duration, _size: Size, out: &mut String) {
        for group in &model.groups {
            for step in group
                .steps
                .iter()
                .filter(|step| step.state == State::Running)
            {
                let elapsed = step.elapsed(now);
                let due = self.due.entry(step.id).or_insert(LONG);
                if elapsed >= *due {
                    *due = elapsed + AGAIN;
                    out.push_str(&format!(
                        "{}  {}  still running, {}\n",
                        group.name,
                        step.name,
                        units::duration(elapsed)
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
