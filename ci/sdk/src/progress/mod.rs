//! Shows a run while it happens: receives the engine's events, keeps a [`model`] of them, and lets a renderer show it.
//!
//! Everything goes to standard error; standard output belongs to results. [`Display`] is the only part with a thread and a
//! clock; the model and the renderers are pure, which is how they are tested.

mod display;
mod failures;
#[cfg(test)]
mod fixture;
mod json;
mod model;
mod plain;
mod tty;

use std::time::Duration;

pub(crate) use display::Display;
pub(crate) use failures::report as failure_report;
pub(crate) use model::Model;

use model::Change;

use crate::error::Failure;
use crate::terminal::{Paint, ProgressChoice, Size};

/// Turns changes of the model into text for standard error.
///
/// Text that is due goes into `out`; nothing is written here. `now` is the time since the run began.
trait Renderer: Send {
    /// Something happened; the model has it already.
    fn change(&mut self, model: &Model, change: &Change, now: Duration, out: &mut String);

    /// A line of the program's own log.
    fn log(&mut self, line: &str, out: &mut String);

    /// Time has passed.
    fn tick(&mut self, _model: &Model, _now: Duration, _size: Size, _out: &mut String) {}

    /// How often [`Renderer::tick`] is due; `None` when time alone shows nothing.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// The run is over; its errors are shown after this, in the same form.
    fn close(&mut self, _model: &Model, _now: Duration, _size: Size, _out: &mut String) {}
}

/// Shows nothing; errors are shown at the end all the same.
struct Quiet;

impl Renderer for Quiet {
    fn change(&mut self, _: &Model, _: &Change, _: Duration, _: &mut String) {}

    fn log(&mut self, line: &str, out: &mut String) {
        out.push_str(line);
        out.push('\n');
    }
}

fn renderer(choice: ProgressChoice, paint: Paint) -> Box<dyn Renderer> {
    match choice {
        ProgressChoice::Tty => Box::new(tty::Tty::new(paint)),
        ProgressChoice::Plain | ProgressChoice::Auto => Box::new(plain::Plain::new(paint)),
        ProgressChoice::Json => Box::new(json::Json),
        ProgressChoice::Quiet => Box::new(Quiet),
    }
}

/// An error as the chosen form of progress shows it: for people, or as one more event.
pub(crate) fn show_failure(choice: ProgressChoice, failure: &Failure, paint: Paint) -> String {
    match choice {
        ProgressChoice::Json => json::error(failure),
        _ => failure.render(paint),
    }
}
