//! Progress of a run as a stream of events: what started, what it printed, how it ended.
//!
//! The engine and the stages above it report into one [`Progress`]; whoever shows progress gives it a sink. Rendering is
//! not done here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Identifies one step within one [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub u64);

/// The place in a file that a step or a warning comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path as the user knows it: relative to the project where possible.
    pub file: String,
    /// First line, counted from 1.
    pub line: usize,
    /// The text of that line.
    pub text: String,
}

impl std::fmt::Display for Source {
    /// `FILE:LINE: TEXT`, the text without what only says that the next line belongs to it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.text.trim();
        let text = text.strip_suffix(['\\', '`']).unwrap_or(text).trim_end();
        write!(f, "{}:{}: {text}", self.file, self.line)
    }
}

/// Which of its outputs a step wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and succeeded.
    Done,
    /// Its result was there already; nothing ran.
    Cached,
    /// It failed; the message says how (`exit code: 3`).
    Failed(String),
    /// It was stopped before it ended.
    Canceled,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// The step it happened to.
    pub step: StepId,
    /// What the step belongs to: a service's name, or a stage's.
    pub group: Arc<str>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a step.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// It began.
    Started {
        /// What people read, such as `RUN make`.
        name: String,
        /// The line that asked for it.
        source: Option<Source>,
    },
    /// It printed something; chunks need not end at line ends. Secrets are masked already.
    Output {
        /// Where it printed.
        stream: Stream,
        /// What it printed.
        bytes: Vec<u8>,
    },
    /// A part of a known amount of work is done.
    Advanced {
        /// Bytes done.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Something a person should know, though nothing failed.
    Warning {
        /// Name of the check, such as `SecretsUsedInArgOrEnv`.
        rule: String,
        /// One line.
        message: String,
        /// The line it is about.
        source: Option<Source>,
    },
    /// It ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// After how long.
        elapsed: Duration,
    },
}

type Sink = dyn Fn(Event) + Send + Sync;

/// Where events are reported. Clones share one sink and one numbering.
#[derive(Clone)]
pub struct Progress {
    sink: Arc<Sink>,
    next: Arc<AtomicU64>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

impl Progress {
    /// Reports into `sink`, which must not block for long: steps call it while they work.
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self {
            sink: Arc::new(sink),
            next: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Reports nowhere.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Begins a step. If the returned [`Step`] is dropped without [`Step::finish`], the step is reported as canceled.
    pub fn start(&self, group: &Arc<str>, name: impl Into<String>, source: Option<Source>) -> Step {
        let id = StepId(self.next.fetch_add(1, Ordering::Relaxed));
        let step = Step {
            progress: self.clone(),
            id,
            group: group.clone(),
            began: Instant::now(),
            open: true,
        };
        step.report(EventKind::Started {
            name: name.into(),
            source,
        });
        step
    }

    /// Reports a warning that belongs to no running step.
    pub fn warn(
        &self,
        group: &Arc<str>,
        rule: &str,
        message: impl Into<String>,
        source: Option<Source>,
    ) {
        let id = StepId(self.next.fetch_add(1, Ordering::Relaxed));
        let kind = EventKind::Warning {
            rule: rule.to_owned(),
            message: message.into(),
            source,
        };
        (self.sink)(Event {
            step: id,
            group: group.clone(),
            kind,
        });
    }
}

/// A step that has begun and not yet ended.
#[derive(Debug)]
pub struct Step {
    progress: Progress,
    id: StepId,
    group: Arc<str>,
    began: Instant,
    open: bool,
}

impl Step {
    fn report(&self, kind: EventKind) {
        (self.progress.sink)(Event {
            step: self.id,
            group: self.group.clone(),
            kind,
        });
    }

    /// The step's number.
    pub fn id(&self) -> StepId {
        self.id
    }

    /// Reports what the step printed.
    pub fn output(&self, stream: Stream, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.report(EventKind::Output {
                stream,
                bytes: bytes.to_vec(),
            });
        }
    }

    /// Reports how much of it is done, in bytes.
    pub fn advance(&self, done: u64, total: u64) {
        self.report(EventKind::Advanced { done, total });
    }

    /// Ends the step.
    pub fn finish(mut self, outcome: Outcome) {
        self.open = false;
        self.report(EventKind::Finished {
            outcome,
            elapsed: self.began.elapsed(),
        });
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.open {
            self.report(EventKind::Finished {
                outcome: Outcome::Canceled,
                elapsed: self.began.elapsed(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_step_dropped_without_an_end_is_reported_as_canceled() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let progress = Progress::new(move |event| sink.lock().unwrap().push(event));
        drop(progress.start(&Arc::from("web"), "RUN make", None));
        let events = seen.lock().unwrap();
        assert!(matches!(
            &events[1].kind,
            EventKind::Finished {
                outcome: Outcome::Canceled,
                ..
            }
        ));
    }
}
