//! What commands print on standard output: aligned tables, and lines that survive a reader who leaves early.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::terminal::{Paint, Style};
use crate::text;

/// A table for people: a header, aligned columns, no rules.
///
/// Alignment counts terminal columns, not bytes. Nothing is cut: a table may be read by `awk`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// One column of a [`Table`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    right: bool,
}

impl Column {
    /// Aligned to the left: names.
    pub(crate) const fn left(title: &'static str) -> Self {
        Self {
            title,
            right: false,
        }
    }

    /// Aligned to the right: quantities.
    pub(crate) const fn right(title: &'static str) -> Self {
        Self { title, right: true }
    }
}

/// One cell of a [`Table`].
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self {
            text: text::one_line(text.as_ref()),
            style,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::Plain)
    }
}

impl Table {
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text; every line ends with a newline and has no trailing blanks.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let header: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell::styled(column.title, Style::Dim))
            .collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                let cells = std::iter::once(&header)
                    .chain(&self.rows)
                    .filter_map(|row| row.get(i));
                cells.map(|cell| text::width(&cell.text)).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for row in std::iter::once(&header).chain(&self.rows) {
            let mut blanks = 0;
            for ((cell, column), width) in row.iter().zip(&self.columns).zip(&widths) {
                let missing = width - text::width(&cell.text);
                let (before, after) = if column.right {
                    (missing, 0)
                } else {
                    (0, missing)
                };
                // Blanks are owed until something follows them, so that no line ends in one.
                if !cell.text.is_empty() {
                    out.extend(std::iter::repeat_n(' ', blanks + before));
                    out.push_str(&paint.paint(cell.style, &cell.text));
                    blanks = after;
                } else {
                    blanks += width;
                }
                blanks += 2;
            }
            out.push('\n');
        }
        out
    }
}

/// `value` as indented JSON with a final newline.
pub(crate) fn json(value: &impl Serialize) -> eyre::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

/// Writes `text` to `out`. A reader that has left (`pipeline … | head -1`) wanted no more: that is success.
pub(crate) fn write(mut out: impl Write, text: &str) -> std::io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            Column::left("SERVICE"),
            Column::left("NOTE"),
            Column::right("SIZE"),
        ]);
        table.row(["web".into(), Cell::from(""), Cell::from("5.2 MB")]);
        table.row([
            Cell::styled("日本", Style::Bad),
            "ok".into(),
            "12 MB".into(),
        ]);
        table.row([Cell::from("no-note"), "".into(), "".into()]);
        table
    }

    #[test]
    fn columns_align_by_terminal_columns_and_lines_have_no_trailing_blanks() {
        insta::assert_snapshot!(table().render(Paint::new(false)), @r"
        SERVICE  NOTE    SIZE
        web            5.2 MB
        日本     ok     12 MB
        no-note
        ");
    }

    #[test]
    fn colour_does_not_change_the_layout() {
        let coloured = table().render(Paint::new(true));
        assert!(coloured.contains("\x1b[1;31m日本\x1b[0m     ok"));
        let stripped: Vec<String> = coloured
            .lines()
            .map(|line| text::clean(line.as_bytes(), text::Colours::Drop))
            .collect();
        assert_eq!(
            stripped.join("\n") + "\n",
            table().render(Paint::new(false))
        );
    }

    #[test]
    fn a_cell_cannot_control_the_terminal_or_break_the_row() {
        let mut table = Table::new([Column::left("A")]);
        table.row([Cell::from("x\n\x1b[2Jy")]);
        assert_eq!(table.render(Paint::new(false)), "A\nx y\n");
    }

    struct Pipe(ErrorKind);

    impl Write for Pipe {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_success_and_a_full_disk_is_not() {
        assert!(write(Pipe(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write(Pipe(ErrorKind::StorageFull), "x").is_err());
    }
}
