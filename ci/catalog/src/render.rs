//! How diagnostics read on a terminal: place, line, caret, help. Without colours, and safe to print whatever the
//! catalog files hold.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::{CatalogErrors, Diagnostic, Location, Severity};

impl Display for CatalogErrors {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for diagnostic in self.warnings.iter().chain(&self.errors) {
            writeln!(f, "{diagnostic}\n")?;
        }
        let count = self.errors.len() + self.omitted;
        write!(
            f,
            "{} has {count} error{}",
            self.subject,
            if count == 1 { "" } else { "s" }
        )?;
        if self.omitted > 0 {
            write!(f, ", the first {} of which are shown", self.errors.len())?;
        }
        Ok(())
    }
}

impl Display for Severity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// `file:line:column`
impl Display for Location {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            Safe(&self.path.to_string_lossy()),
            self.line,
            self.column
        )
    }
}

impl Display for Diagnostic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let lines = self
            .related
            .iter()
            .map(|related| related.location.line)
            .chain([self.location.line]);
        let gutter = lines.max().unwrap_or(1).to_string().len();
        write!(f, "{}: {}", self.severity, Safe(&self.message))?;
        excerpt(f, gutter, "-->", &self.location, '^', "")?;
        for related in &self.related {
            excerpt(f, gutter, ":::", &related.location, '-', &related.note)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{:gutter$} = help: {}", "", Safe(help))?;
        }
        Ok(())
    }
}

/// A place, its line, and a mark under what is meant.
fn excerpt(
    f: &mut Formatter<'_>,
    gutter: usize,
    arrow: &str,
    location: &Location,
    mark: char,
    note: &str,
) -> fmt::Result {
    write!(f, "\n{:gutter$}{arrow} {location}", "")?;
    if location.source_line.is_empty() {
        return Ok(());
    }
    let mark = mark.to_string().repeat(location.width);
    let space = if note.is_empty() { "" } else { " " };
    write!(f, "\n{:gutter$} |", "")?;
    write!(
        f,
        "\n{:gutter$} | {}",
        location.line,
        OneColumn(&location.source_line)
    )?;
    write!(
        f,
        "\n{:gutter$} | {:caret$}{mark}{space}{}",
        "",
        "",
        Safe(note),
        caret = location.caret
    )
}

/// Text whose control and direction characters are written as escapes: a file must not drive the terminal.
pub(crate) struct Safe<'a>(pub(crate) &'a str);

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_unsafe(character) {
                write!(f, "{}", character.escape_default())?
            } else {
                f.write_char(character)?
            }
        }
        Ok(())
    }
}

/// The same for source lines, where every character must stay one column so that the mark below fits.
struct OneColumn<'a>(&'a str);

impl Display for OneColumn<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.trim_end().chars() {
            f.write_char(match character {
                '\t' => ' ',
                other if is_unsafe(other) => char::REPLACEMENT_CHARACTER,
                other => other,
            })?;
        }
        Ok(())
    }
}

fn is_unsafe(character: char) -> bool {
    // The second group reorders what follows it on the screen (Unicode bidirectional controls, "Trojan Source").
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
