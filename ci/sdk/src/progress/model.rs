//! What is known of a run: groups, their steps, and what these last printed. Fed with events, asked by renderers.
//!
//! Everything in here is already safe to show: names, messages and output lines have passed [`crate::text`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ci_engine::progress::{Event, EventKind, Outcome, Source, StepId, Stream};

use crate::text::{self, Colours};

/// How many lines of output are kept of each running or failed step.
pub(super) const TAIL: usize = 20;

/// A line longer than this is shown as several: a step may print without ever ending a line.
const LONGEST_LINE: usize = 4096;

/// All steps of a run, grouped, in the order in which they began.
#[derive(Debug)]
pub(crate) struct Model {
    pub(super) groups: Vec<Group>,
    places: HashMap<StepId, Place>,
    colours: Colours,
}

/// Where a step is in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    group: usize,
    step: usize,
}

/// The steps of one service or stage.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    key: Arc<str>,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) id: StepId,
    pub(super) name: String,
    pub(super) source: Option<Source>,
    pub(super) state: State,
    /// Since the run began.
    pub(super) began: Duration,
    /// The last lines it printed.
    pub(super) tail: VecDeque<String>,
    /// How many lines it printed before those.
    pub(super) dropped: usize,
    /// Bytes done, of how many.
    pub(super) amount: Option<(u64, u64)>,
    /// What it printed since the last line end, per [`Stream`].
    open: [Vec<u8>; 2],
}

/// Where a step is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Ended { outcome: Outcome, elapsed: Duration },
}

/// Something a renderer may want to show when it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Started(Place),
    Line {
        place: Place,
        stream: Stream,
        text: String,
    },
    Advanced(Place),
    Warning {
        group: String,
        rule: String,
        message: String,
        source: Option<Source>,
    },
    Finished(Place),
}

impl Model {
    /// Colours in what steps print are kept or dropped.
    pub(crate) fn new(colours: Colours) -> Self {
        Self {
            groups: Vec::new(),
            places: HashMap::new(),
            colours,
        }
    }

    pub(super) fn group(&self, place: Place) -> &Group {
        &self.groups[place.group]
    }

    pub(super) fn step(&self, place: Place) -> &Step {
        &self.groups[place.group].steps[place.step]
    }

    /// Takes in an event that came `now` after the run began, and says what changed, in order.
    pub(super) fn apply(&mut self, event: Event, now: Duration) -> Vec<Change> {
        match event.kind {
            EventKind::Started { name, source } => {
                vec![self.start(event.step, event.group, &name, source, now)]
            }
            EventKind::Output { stream, bytes } => self.output(event.step, stream, &bytes),
            EventKind::Advanced { done, total } => {
                let Some((place, step)) = self.running(event.step) else {
                    return Vec::new();
                };
                step.amount = Some((done.min(total), total));
                vec![Change::Advanced(place)]
            }
            EventKind::Warning {
                rule,
                message,
                source,
            } => vec![Change::Warning {
                group: text::one_line(&event.group),
                rule: text::one_line(&rule),
                message: text::one_line(&message),
                source: source.map(shown),
            }],
            EventKind::Finished { outcome, elapsed } => self.finish(event.step, outcome, elapsed),
        }
    }

    fn start(
        &mut self,
        id: StepId,
        key: Arc<str>,
        name: &str,
        source: Option<Source>,
        now: Duration,
    ) -> Change {
        let group = self
            .groups
            .iter()
            .position(|group| group.key == key)
            .unwrap_or_else(|| {
                self.groups.push(Group {
                    name: text::one_line(&key),
                    steps: Vec::new(),
                    key,
                });
                self.groups.len() - 1
            });
        let steps = &mut self.groups[group].steps;
        steps.push(Step {
            id,
            name: text::one_line(name),
            source: source.map(shown),
            state: State::Running,
            began: now,
            tail: VecDeque::new(),
            dropped: 0,
            amount: None,
            open: [Vec::new(), Vec::new()],
        });
        let place = Place {
            group,
            step: steps.len() - 1,
        };
        self.places.insert(id, place);
        Change::Started(place)
    }

    fn output(&mut self, id: StepId, stream: Stream, bytes: &[u8]) -> Vec<Change> {
        let colours = self.colours;
        let Some((place, step)) = self.running(id) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            let open = &mut step.open[index(stream)];
            for chunk in part.chunks(LONGEST_LINE) {
                open.extend_from_slice(chunk);
                if open.ends_with(b"\n") || open.len() >= LONGEST_LINE {
                    lines.push(text::clean(open, colours));
                    open.clear();
                }
            }
        }
        lines
            .into_iter()
            .map(|text| step.print(place, stream, text))
            .collect()
    }

    fn finish(&mut self, id: StepId, outcome: Outcome, elapsed: Duration) -> Vec<Change> {
        let colours = self.colours;
        let Some((place, step)) = self.running(id) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let open = std::mem::take(&mut step.open[index(stream)]);
            if !open.is_empty() {
                changes.push(step.print(place, stream, text::clean(&open, colours)));
            }
        }
        let outcome = match outcome {
            Outcome::Failed(message) => Outcome::Failed(text::one_line(&message)),
            // What a step printed is of interest while it runs and when it fails.
            other => {
                step.tail = VecDeque::new();
                other
            }
        };
        step.state = State::Ended { outcome, elapsed };
        changes.push(Change::Finished(place));
        changes
    }

    fn running(&mut self, id: StepId) -> Option<(Place, &mut Step)> {
        let place = *self.places.get(&id)?;
        let step = &mut self.groups[place.group].steps[place.step];
        (step.state == State::Running).then_some((place, step))
    }
}

impl Group {
    /// How long the group has been at work, its pauses included.
    pub(super) fn elapsed(&self, now: Duration) -> Duration {
        let began = self
            .steps
            .iter()
            .map(|step| step.began)
            .min()
            .unwrap_or(now);
        let until = self
            .steps
            .iter()
            .map(|step| step.began + step.elapsed(now))
            .max()
            .unwrap_or(now);
        until.saturating_sub(began)
    }

    pub(super) fn is_running(&self) -> bool {
        self.steps.iter().any(|step| step.state == State::Running)
    }

    /// How many of its steps ended in a way that `wanted` asks for.
    pub(super) fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> usize {
        self.steps
            .iter()
            .filter(|step| step.outcome().is_some_and(&wanted))
            .count()
    }
}

impl Step {
    pub(super) fn elapsed(&self, now: Duration) -> Duration {
        match self.state {
            State::Running => now.saturating_sub(self.began),
            State::Ended { elapsed, .. } => elapsed,
        }
    }

    pub(super) fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Running => None,
            State::Ended { outcome, .. } => Some(outcome),
        }
    }

    fn print(&mut self, place: Place, stream: Stream, text: String) -> Change {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
            self.dropped += 1;
        }
        self.tail.push_back(text.clone());
        Change::Line {
            place,
            stream,
            text,
        }
    }
}

fn index(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

/// The place of a step, safe to show.
fn shown(source: Source) -> Source {
    Source {
        file: text::one_line(&source.file),
        line: source.line,
        text: text::clean(source.text.as_bytes(), Colours::Drop),
    }
}

#[cfg(test)]
mod tests;
