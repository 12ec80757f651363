//! Progress for people: a tree of groups and steps, redrawn in place on the terminal that standard error is.
//!
//! Each frame is drawn whole over the one before, inside a synchronised update, so that no terminal shows half of it. It
//! is never wider or higher than the terminal; when the run is over the whole tree stays. Warnings and log lines go above
//! the tree and scroll away with the rest of the session.
//!
//! ANSI is written by hand: a progress-bar library would bring its own threads, clock and drawing target, where a frame is
//! here a pure function of model, time and size.

use std::time::Duration;

use ci_engine::progress::Outcome;

use super::Renderer;
use super::model::{Change, Group, Model, State, Step};
use crate::terminal::{HIDE_CURSOR, Paint, SHOW_CURSOR, Size, Style};
use crate::text::{self, Colours};
use crate::units;

/// Twelve frames a second: smooth for the eye, cheap over a slow connection.
const FRAME: Duration = Duration::from_millis(83);

const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";
const CLEAR_LINE_END: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

pub(super) struct Tty {
    paint: Paint,
    /// Complete lines that go above the tree with the next frame.
    above: String,
    /// Widths of the lines that are on the screen, to find their beginning again after a resize.
    drawn: Vec<usize>,
    hidden: bool,
}

/// A line of the tree, and how gladly it is left out when the terminal is too low.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    rank: Rank,
    text: String,
    columns: usize,
}

/// What is shown first when not everything fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Failed,
    Running,
    Heading,
    Output,
    EndedHeading,
    Ended,
}

impl Tty {
    pub(super) fn new(paint: Paint) -> Self {
        Self {
            paint,
            above: String::new(),
            drawn: Vec::new(),
            hidden: false,
        }
    }

    fn draw(&mut self, rows: &[Row], size: Size, out: &mut String) {
        out.push_str(BEGIN_UPDATE);
        if !self.hidden {
            out.push_str(HIDE_CURSOR);
            self.hidden = true;
        }
        self.rewind(size, out);
        for line in self.above.lines() {
            out.push_str(line);
            out.push_str(CLEAR_LINE_END);
            out.push_str("\r\n");
        }
        self.above.clear();
        self.drawn.clear();
        for row in rows {
            out.push_str(&row.text);
            out.push_str(CLEAR_LINE_END);
            out.push_str("\r\n");
            self.drawn.push(row.columns);
        }
        out.push_str(CLEAR_BELOW);
        out.push_str(END_UPDATE);
    }

    /// Back to the first line of the frame on the screen. Lines that became too wide by a resize take several rows.
    fn rewind(&self, size: Size, out: &mut String) {
        let rows: usize = self
            .drawn
            .iter()
            .map(|columns| columns.div_ceil(size.columns.max(1)).max(1))
            .sum();
        if rows > 0 {
            out.push_str(&format!("\x1b[{}A\r", rows.min(size.rows)));
        }
    }

    /// The tree as it is `now`, a heading per group and its steps below.
    fn rows(&self, model: &Model, now: Duration, columns: usize) -> Vec<Row> {
        // The last column stays free: some terminals wrap as soon as it is written.
        let columns = columns.saturating_sub(1);
        let mut rows = Vec::new();
        for group in &model.groups {
            rows.push(self.heading(group, now, columns));
            if !group.is_running() && group.count(|outcome| *outcome != Outcome::Cached) == 0 {
                continue;
            }
            for step in &group.steps {
                self.step(step, now, columns, &mut rows);
            }
        }
        rows
    }

    fn heading(&self, group: &Group, now: Duration, columns: usize) -> Row {
        let ended = group.count(|_| true);
        let cached = group.count(|outcome| *outcome == Outcome::Cached);
        let failed = group.count(|outcome| matches!(outcome, Outcome::Failed(_))) > 0;
        let running = group.is_running();
        let (mark, style) = match (running, failed) {
            (_, true) => ("✗", Style::Bad),
            (true, false) => ("●", Style::Plain),
            (false, false) => ("✔", Style::Good),
        };
        let mut counts = if running {
            format!("{ended}/{}", group.steps.len())
        } else {
            steps(ended)
        };
        if cached > 0 {
            counts.push_str(&format!(", {cached} cached"));
        }
        let time = if cached == group.steps.len() {
            "CACHED".into()
        } else {
            units::duration(group.elapsed(now))
        };
        let rank = if running || failed {
            Rank::Heading
        } else {
            Rank::EndedHeading
        };
        self.line(
            Line {
                indent: 0,
                mark,
                style,
                name: &format!("{}  {counts}", group.name),
                bold: true,
                end: &time,
            },
            rank,
            columns,
        )
    }

    fn step(&self, step: &Step, now: Duration, columns: usize, rows: &mut Vec<Row>) {
        let time = units::duration(step.elapsed(now));
        let (mark, style, end, rank) = match step.outcome() {
            None => ("●", Style::Plain, time, Rank::Running),
            Some(Outcome::Done) => ("✔", Style::Good, time, Rank::Ended),
            Some(Outcome::Cached) => ("✔", Style::Dim, "CACHED".to_owned(), Rank::Ended),
            Some(Outcome::Failed(_)) => ("✗", Style::Bad, time, Rank::Failed),
            Some(Outcome::Canceled) => ("-", Style::Notice, "canceled".to_owned(), Rank::Ended),
        };
        rows.push(self.line(
            Line {
                indent: 2,
                mark,
                style,
                name: &step.name,
                bold: false,
                end: &end,
            },
            rank,
            columns,
        ));
        let printed = step.tail.iter().rev().find(|line| !line.trim().is_empty());
        let last = match (step.amount, printed) {
            (Some((done, total)), _) => Some(bar(done, total)),
            (None, Some(line)) => Some(text::clean(line.as_bytes(), Colours::Drop)),
            (None, None) => None,
        };
        if let Some(last) = last.filter(|_| step.state == State::Running) {
            let last = text::truncate(last.trim(), columns.saturating_sub(6));
            let columns = 6 + text::width(&last);
            let text = format!("      {}", self.paint.paint(Style::Dim, &last));
            rows.push(Row {
                rank: Rank::Output,
                text,
                columns,
            });
        }
    }

    /// Mark and name on the left, time on the right edge.
    fn line(&self, line: Line<'_>, rank: Rank, columns: usize) -> Row {
        let end_width = text::width(line.end);
        let room = columns.saturating_sub(line.indent + 2 + 2 + end_width);
        let name = text::truncate(line.name, room);
        let gap = 2 + room.saturating_sub(text::width(&name));
        let width = line.indent + 2 + text::width(&name) + gap + end_width;
        if width > columns {
            // Too narrow for a layout; the name alone is better than a broken line.
            let name = text::truncate(line.name, columns);
            let columns = text::width(&name);
            return Row {
                rank,
                text: name,
                columns,
            };
        }
        let text = format!(
            "{:indent$}{} {}{:gap$}{}",
            "",
            self.paint.paint(line.style, line.mark),
            self.paint
                .paint(if line.bold { Style::Bold } else { Style::Plain }, &name),
            "",
            self.paint.paint(Style::Dim, line.end),
            indent = line.indent,
        );
        Row {
            rank,
            text,
            columns: width,
        }
    }
}

struct Line<'a> {
    indent: usize,
    mark: &'a str,
    style: Style,
    name: &'a str,
    bold: bool,
    end: &'a str,
}

/// How much of a transfer is done.
fn bar(done: u64, total: u64) -> String {
    const WIDTH: u64 = 24;
    let full = (done.saturating_mul(WIDTH) / total.max(1)).min(WIDTH);
    let bar: String = (0..WIDTH)
        .map(|at| if at < full { '█' } else { '░' })
        .collect();
    format!("{bar}  {} of {}", units::size(done), units::size(total))
}

fn steps(count: usize) -> String {
    if count == 1 {
        "1 step".into()
    } else {
        format!("{count} steps")
    }
}

/// The most important `limit` rows, in their order; the last of them says how many are missing.
fn fit(rows: Vec<Row>, limit: usize) -> Vec<Row> {
    if rows.len() <= limit || limit == 0 {
        return rows.into_iter().take(limit).collect();
    }
    let mut by_rank: Vec<usize> = (0..rows.len()).collect();
    // Of equal rank the later ones win: they are what happened last.
    by_rank.sort_by_key(|i| (rows[*i].rank, std::cmp::Reverse(*i)));
    let missing = rows.len() - (limit - 1);
    let mut kept: Vec<usize> = by_rank.into_iter().take(limit - 1).collect();
    kept.sort_unstable();
    let mut fitted: Vec<Row> = kept.into_iter().map(|i| rows[i].clone()).collect();
    let text = format!("  … {missing} more");
    let columns = text::width(&text);
    fitted.push(Row {
        rank: Rank::Output,
        text,
        columns,
    });
    fitted
}

impl Renderer for Tty {
    fn change(&mut self, _model: &Model, change: &Change, _now: Duration, _out: &mut String) {
        if let Change::Warning {
            group,
            rule,
            message,
            source,
        } = change
        {
            let label = self.paint.paint(Style::Notice, "warning:");
            let place = source
                .as_ref()
                .map(|s| format!(" ({}:{})", s.file, s.line))
                .unwrap_or_default();
            self.above
                .push_str(&format!("{label} {group}: {message}{place} [{rule}]\n"));
        }
    }

    fn log(&mut self, line: &str, _out: &mut String) {
        self.above.push_str(line);
        self.above.push('\n');
    }

    fn interval(&self) -> Option<Duration> {
        Some(FRAME)
    }

    fn tick(&mut self, model: &Model, now: Duration, size: Size, out: &mut String) {
        // One row stays free for the cursor below the tree.
        let rows = fit(
            self.rows(model, now, size.columns),
            size.rows.saturating_sub(1),
        );
        if !rows.is_empty() || !self.above.is_empty() {
            self.draw(&rows, size, out);
        }
    }

    fn close(&mut self, model: &Model, now: Duration, size: Size, out: &mut String) {
        let rows = self.rows(model, now, size.columns);
        if !rows.is_empty() || !self.above.is_empty() {
            self.draw(&rows, size, out);
        }
        if self.hidden {
            out.push_str(SHOW_CURSOR);
            self.hidden = false;
        }
    }
}

#[cfg(test)]
mod tests;
