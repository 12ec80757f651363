//! What the output streams are: terminals or not, how large, coloured or not.
//!
//! Decisions are pure functions of the choice on the command line and the environment; only [`Terminal::detect`] and
//! [`size`] ask the system.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always, also into a pipe.
    Always,
    /// Never.
    Never,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ProgressChoice {
    /// `tty` on a terminal, else `plain`.
    #[default]
    Auto,
    /// A live tree of steps, redrawn in place.
    Tty,
    /// One line per finished step, and what steps print.
    Plain,
    /// Nothing but errors and results.
    Quiet,
    /// One JSON object per line.
    Json,
}

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// What is known of standard output and standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) stdout: Paint,
    pub(crate) stderr: Paint,
    stderr_is_live: bool,
}

impl Terminal {
    /// Looks at the streams and the environment of this process.
    pub(crate) fn detect(choice: ColourChoice) -> Self {
        let env = |name: &str| std::env::var(name).ok();
        Self {
            stdout: Paint::new(coloured(choice, std::io::stdout().is_terminal(), env)),
            stderr: Paint::new(coloured(choice, std::io::stderr().is_terminal(), env)),
            stderr_is_live: std::io::stderr().is_terminal() && !dumb(env),
        }
    }

    /// What `auto` means here.
    pub(crate) fn progress(self, choice: ProgressChoice) -> ProgressChoice {
        match choice {
            ProgressChoice::Auto if self.stderr_is_live => ProgressChoice::Tty,
            ProgressChoice::Auto => ProgressChoice::Plain,
            other => other,
        }
    }
}

fn dumb(env: impl Fn(&str) -> Option<String>) -> bool {
    env("TERM").is_some_and(|term| term == "dumb")
}

/// Whether to colour a stream. `NO_COLOR` counts when present and not empty, as its convention says.
fn coloured(choice: ColourChoice, is_terminal: bool, env: impl Fn(&str) -> Option<String>) -> bool {
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto => {
            is_terminal && !dumb(&env) && env("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// The size of the terminal that standard error is; 80×24 when it does not say.
pub(crate) fn size() -> Size {
    let known = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    let or = |value: Option<u16>, default| value.filter(|v| *v > 0).map_or(default, usize::from);
    Size {
        columns: or(known.map(|s| s.ws_col), 80),
        rows: or(known.map(|s| s.ws_row), 24),
    }
}

/// Colours text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    on: bool,
}

/// How a piece of our own text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    #[default]
    Plain,
    Bold,
    Dim,
    Good,
    Notice,
    Bad,
}

impl Paint {
    pub(crate) const fn new(on: bool) -> Self {
        Self { on }
    }

    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            _ if !self.on || text.is_empty() => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Notice => "33",
            Style::Bad => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

pub(crate) const HIDE_CURSOR: &str = "\x1b[?25l";
pub(crate) const SHOW_CURSOR: &str = "\x1b[?25h";

static CURSOR_HIDDEN: AtomicBool = AtomicBool::new(false);

/// Remembers that the cursor is hidden, for [`restore`].
pub(crate) fn cursor_is_hidden(hidden: bool) {
    CURSOR_HIDDEN.store(hidden, Ordering::SeqCst);
}

/// Shows the cursor again if it is hidden. Takes no lock, so it works from a panic hook and on the way out of an interrupt.
pub(crate) fn restore() {
    if CURSOR_HIDDEN.swap(false, Ordering::SeqCst) {
        // Nothing can be done about a terminal that is gone.
        let _ = rustix::io::write(std::io::stderr(), format!("{SHOW_CURSOR}\r\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn colour_needs_a_terminal_that_can_and_a_user_who_wants() {
        assert!(coloured(
            ColourChoice::Auto,
            true,
            env(&[("TERM", "xterm")])
        ));
        assert!(coloured(ColourChoice::Auto, true, env(&[("NO_COLOR", "")])));
        assert!(!coloured(
            ColourChoice::Auto,
            true,
            env(&[("NO_COLOR", "1")])
        ));
        assert!(!coloured(
            ColourChoice::Auto,
            true,
            env(&[("TERM", "dumb")])
        ));
        assert!(!coloured(ColourChoice::Auto, false, env(&[])));
    }

    #[test]
    fn an_explicit_choice_wins_over_the_environment() {
        assert!(coloured(
            ColourChoice::Always,
            false,
            env(&[("NO_COLOR", "1")])
        ));
        assert!(!coloured(ColourChoice::Never, true, env(&[])));
    }

    #[test]
    fn auto_progress_is_live_only_on_a_terminal() {
        let terminal = |stderr_is_live| Terminal {
            stdout: Paint::new(false),
            stderr: Paint::new(false),
            stderr_is_live,
        };
        assert_eq!(
            terminal(true).progress(ProgressChoice::Auto),
            ProgressChoice::Tty
        );
        assert_eq!(
            terminal(false).progress(ProgressChoice::Auto),
            ProgressChoice::Plain
        );
        assert_eq!(
            terminal(false).progress(ProgressChoice::Json),
            ProgressChoice::Json
        );
    }

    #[test]
    fn paint_that_is_off_changes_nothing() {
        assert_eq!(Paint::new(false).paint(Style::Bad, "x"), "x");
        assert_eq!(
            Paint::new(true).paint(Style::Bad, "x"),
            "\x1b[1;31mx\x1b[0m"
        );
        assert_eq!(Paint::new(true).paint(Style::Plain, "x"), "x");
    }
}
