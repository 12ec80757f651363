//! A scripted run with its own clock, for the tests of the model and the renderers.

use std::sync::Arc;
use std::time::Duration;

use ci_engine::progress::{Event, EventKind, Outcome, Source, StepId, Stream};

use super::Renderer;
use super::model::{Change, Model};
use crate::terminal::Size;
use crate::text::Colours;

pub(super) struct Run<R> {
    pub(super) model: Model,
    pub(super) renderer: R,
    pub(super) out: String,
    pub(super) changes: Vec<Change>,
    now: Duration,
    next: u64,
}

impl<R: Renderer> Run<R> {
    pub(super) fn new(renderer: R, colours: Colours) -> Self {
        Self {
            model: Model::new(colours),
            renderer,
            out: String::new(),
            changes: Vec::new(),
            now: Duration::ZERO,
            next: 1,
        }
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn event(&mut self, step: StepId, group: &str, kind: EventKind) {
        let changes = self.model.apply(
            Event {
                step,
                group: Arc::from(group),
                kind,
            },
            self.now,
        );
        for change in changes {
            self.renderer
                .change(&self.model, &change, self.now, &mut self.out);
            self.changes.push(change);
        }
    }

    pub(super) fn start(&mut self, group: &str, name: &str) -> StepId {
        self.start_at(group, name, None)
    }

    pub(super) fn start_at(&mut self, group: &str, name: &str, source: Option<Source>) -> StepId {
        let step = StepId(self.next);
        self.next += 1;
        self.event(
            step,
            group,
            EventKind::Started {
                name: name.into(),
                source,
            },
        );
        step
    }

    pub(super) fn print(&mut self, step: StepId, text: &str) {
        self.bytes(step, text.as_bytes());
    }

    pub(super) fn bytes(&mut self, step: StepId, bytes: &[u8]) {
        self.event(
            step,
            "",
            EventKind::Output {
                stream: Stream::Stdout,
                bytes: bytes.to_vec(),
            },
        );
    }

    pub(super) fn advance(&mut self, step: StepId, done: u64, total: u64) {
        self.event(step, "", EventKind::Advanced { done, total });
    }

    pub(super) fn end(&mut self, step: StepId, outcome: Outcome, millis: u64) {
        self.event(
            step,
            "",
            EventKind::Finished {
                outcome,
                elapsed: Duration::from_millis(millis),
            },
        );
    }

    pub(super) fn warn(&mut self, group: &str, rule: &str, message: &str) {
        let kind = EventKind::Warning {
            rule: rule.into(),
            message: message.into(),
            source: Some(dockerfile(3, "ARG TOKEN")),
        };
        self.event(StepId(0), group, kind);
    }

    /// What the next tick shows on a terminal of this size.
    pub(super) fn tick(&mut self, columns: usize, rows: usize) -> String {
        self.renderer
            .tick(&self.model, self.now, Size { columns, rows }, &mut self.out);
        std::mem::take(&mut self.out)
    }

    pub(super) fn close(&mut self, columns: usize, rows: usize) -> String {
        self.renderer
            .close(&self.model, self.now, Size { columns, rows }, &mut self.out);
        std::mem::take(&mut self.out)
    }

    /// A build with one of everything: finished, cached, failed, running and waiting work, a warning, hostile output.
    pub(super) fn script(&mut self) {
        let base = self.start_at(
            "web",
            "FROM service:shell",
            Some(dockerfile(1, "FROM service:shell")),
        );
        self.wait(10);
        self.end(base, Outcome::Cached, 10);
        self.warn(
            "web",
            "SecretsUsedInArgOrEnv",
            "do not pass secrets by ARG: `TOKEN`",
        );
        let copy = self.start_at("web", "COPY . /src", Some(dockerfile(2, "COPY . /src")));
        let worker = self.start_at("worker", "RUN apt-get install", None);
        self.wait(320);
        self.end(copy, Outcome::Done, 320);
        let make = self.start_at("web", "RUN make -j4", Some(dockerfile(7, "RUN make -j4")));
        self.print(make, "cc -c a.c\ncc -c b.c\n\x1b[2J\x1b[31mb.c:1: err");
        self.wait(1000);
        self.print(make, "or\x1b[0m\n");
        self.print(worker, "Unpacking libc6 …\n");
        self.wait(200);
        self.end(make, Outcome::Failed("exit code: 2".into()), 1200);
    }
}

/// A line of the Dockerfile of the service `web`.
pub(super) fn dockerfile(line: usize, text: &str) -> Source {
    Source {
        file: "services/web/Dockerfile".into(),
        line,
        text: text.into(),
    }
}

/// What a terminal of `columns` shows after `bytes`: enough of one to check frames (cursor up, line and screen clearing).
pub(super) fn screen(bytes: &str) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut chars = bytes.chars();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\x1b' => {
                assert_eq!(
                    chars.next(),
                    Some('['),
                    "only control sequences are expected"
                );
                let mut parameters = String::new();
                let last = loop {
                    match chars.next().unwrap() {
                        c if c.is_ascii_alphabetic() => break c,
                        c => parameters.push(c),
                    }
                };
                match last {
                    'A' => row -= parameters.parse::<usize>().unwrap(),
                    'K' => lines[row].truncate(column),
                    'J' => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    'h' | 'l' | 'm' => {}
                    other => panic!("unexpected control sequence {other}"),
                }
            }
            c => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
    }
    lines
        .into_iter()
        .map(|line| line.into_iter().collect::<String>().trim_end().to_owned())
        .collect()
}
