//! The lines that a change of a file is about.

use similar::{ChangeTag, TextDiff};

/// A line that goes or comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChange {
    /// From 1, in the file as it was or as it will be.
    pub line: usize,
    /// Whether it comes.
    pub is_new: bool,
    /// The line, without its end; not safe to print.
    pub text: String,
}

/// The lines by which two contents differ.
pub(super) fn changes(before: &[u8], after: &[u8]) -> Vec<LineChange> {
    let (before, after) = (
        String::from_utf8_lossy(before),
        String::from_utf8_lossy(after),
    );
    let diff = TextDiff::from_lines(&*before, &*after);
    let changes = diff.iter_all_changes().filter_map(|change| {
        let (index, is_new) = match change.tag() {
            ChangeTag::Equal => return None,
            ChangeTag::Delete => (change.old_index(), false),
            ChangeTag::Insert => (change.new_index(), true),
        };
        Some(LineChange {
            line: index? + 1,
            is_new,
            text: change.value().trim_end_matches(['\r', '\n']).to_owned(),
        })
    });
    changes.collect()
}
