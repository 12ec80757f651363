//! What services printed last, kept for those whose contract fails: their steps end well, so progress forgets it.
//!
//! Only the embedded engine reports what services print. A Dagger engine keeps it in its own log.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ci_engine::Progress;
use ci_engine::progress::{Event, EventKind, Step, StepId};

/// How the engine names the step in which a service runs.
const SERVICE: &str = "service ";

/// How many lines are kept of each service.
const LINES: usize = 12;

/// Longest line that is kept whole, in bytes.
const LINE: usize = 1024;

/// The last lines of every service, by the group it belongs to. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<HashMap<Arc<str>, Log>>>);

#[derive(Default)]
struct Log {
    running: Option<StepId>,
    has_ended: bool,
    lines: VecDeque<Vec<u8>>,
    open: Vec<u8>,
}

impl Logs {
    /// A [`Progress`] that reports to `progress`, and what it lets these logs keep.
    pub(crate) fn listen(progress: Progress) -> (Progress, Self) {
        let logs = Self::default();
        let kept = logs.clone();
        let forward = Forward {
            to: progress,
            steps: Mutex::default(),
        };
        let heard = Progress::new(move |event| {
            kept.hear(&event);
            forward.event(event);
        });
        (heard, logs)
    }

    /// The last lines that the service of a group printed, oldest first; empty if nothing is known.
    pub(crate) fn tail(&self, group: &str) -> Vec<String> {
        let logs = self.lock();
        let Some(log) = logs.get(group) else {
            return Vec::new();
        };
        let open = Some(&log.open).filter(|open| !open.is_empty());
        let lines = log.lines.iter().chain(open);
        lines
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect()
    }

    /// Whether the service of a group is known to have ended.
    pub(crate) fn has_ended(&self, group: &str) -> bool {
        self.lock().get(group).is_some_and(|log| log.has_ended)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Log>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: &Event) {
        let mut logs = self.lock();
        match &event.kind {
            EventKind::Started { name, .. } if name.starts_with(SERVICE) => {
                let log = Log {
                    running: Some(event.step),
                    ..Log::default()
                };
                logs.insert(event.group.clone(), log);
            }
            EventKind::Output { bytes, .. } => {
                if let Some(log) = logs.get_mut(&event.group)
                    && log.running == Some(event.step)
                {
                    log.print(bytes);
                }
            }
            EventKind::Finished { .. } => {
                if let Some(log) = logs.get_mut(&event.group)
                    && log.running == Some(event.step)
                {
                    log.has_ended = true;
                }
            }
            EventKind::Started { .. } | EventKind::Advanced { .. } | EventKind::Warning { .. } => {}
        }
    }
}

impl Log {
    fn print(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE.saturating_sub(self.open.len());
            let line = part.strip_suffix(b"\n").unwrap_or(part);
            self.open.extend_from_slice(&line[..line.len().min(room)]);
            if part.ends_with(b"\n") {
                if self.lines.len() == LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(std::mem::take(&mut self.open));
            }
        }
    }
}

/// Repeats events as steps of another [`Progress`], which numbers them itself.
struct Forward {
    to: Progress,
    steps: Mutex<HashMap<StepId, Step>>,
}

impl Forward {
    fn event(&self, event: Event) {
        let steps = || self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match event.kind {
            EventKind::Started { name, source } => {
                let step = self.to.start(&event.group, name, source);
                steps().insert(event.step, step);
            }
            EventKind::Output { stream, bytes } => {
                if let Some(step) = steps().get(&event.step) {
                    step.output(stream, &bytes);
                }
            }
            EventKind::Advanced { done, total } => {
                if let Some(step) = steps().get(&event.step) {
                    step.advance(done, total);
                }
            }
            EventKind::Warning {
                rule,
                message,
                source,
            } => self.to.warn(&event.group, &rule, message, source),
            EventKind::Finished { outcome, .. } => {
                let step = steps().remove(&event.step);
                if let Some(step) = step {
                    step.finish(outcome);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ci_engine::progress::{Outcome, Stream};

    fn group() -> Arc<str> {
        Arc::from("web")
    }

    #[test]
    fn the_last_lines_of_a_service_are_kept_also_after_its_end() {
        let (progress, logs) = Logs::listen(Progress::silent());
        let build = progress.start(&group(), "RUN make", None);
        let service = progress.start(&group(), "service /app/web", None);
        build.output(Stream::Stdout, b"not this\n");
        for i in 0..100 {
            service.output(Stream::Stdout, format!("line {i}\nli").as_bytes());
            service.output(Stream::Stderr, b"ne\n");
        }
        service.output(Stream::Stdout, b"unfinished");
        assert!(!logs.has_ended("web"));
        service.finish(Outcome::Done);
        let tail = logs.tail("web");
        assert_eq!(tail.len(), LINES + 1);
        assert_eq!(tail[LINES - 2..], ["line 99", "line", "unfinished"]);
        assert!(logs.has_ended("web"));
        assert!(logs.tail("worker").is_empty() && !logs.has_ended("worker"));
    }

    #[test]
    fn a_line_without_end_needs_no_endless_memory() {
        let (progress, logs) = Logs::listen(Progress::silent());
        let service = progress.start(&group(), "service x", None);
        for _ in 0..1000 {
            service.output(Stream::Stdout, &[b'x'; 1000]);
        }
        assert_eq!(logs.tail("web"), ["x".repeat(LINE)]);
    }

    #[test]
    fn everything_reaches_the_progress_behind() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let behind = Progress::new(move |event: Event| {
            let what = match event.kind {
                EventKind::Started { name, .. } => name,
                EventKind::Output { bytes, .. } => String::from_utf8(bytes).unwrap(),
                EventKind::Advanced { done, total } => format!("{done}/{total}"),
                EventKind::Warning { rule, message, .. } => format!("{rule}: {message}"),
                EventKind::Finished { outcome, .. } => format!("{outcome:?}"),
            };
            sink.lock()
                .unwrap()
                .push((event.step, event.group.to_string(), what));
        });
        let earlier = behind.start(&group(), "earlier", None);
        let (progress, _) = Logs::listen(behind);
        let step = progress.start(&group(), "RUN make", None);
        step.output(Stream::Stdout, b"cc");
        progress.warn(&group(), "Rule", "careful", None);
        step.finish(Outcome::Failed("exit code: 1".into()));
        let seen = seen.lock().unwrap();
        let told: Vec<_> = seen
            .iter()
            .map(|(_, group, what)| format!("{group} {what}"))
            .collect();
        assert_eq!(
            told,
            [
                "web earlier",
                "web RUN make",
                "web cc",
                "web Rule: careful",
                "web Failed(\"exit code: 1\")"
            ]
        );
        assert_ne!(seen[1].0, earlier.id());
        assert_eq!(seen[1].0, seen[4].0);
    }
}
