//! `.env` files: the value of a variable.
//!
//! The grammar is what Compose, shells and systemd have in common, with Compose's values in quotes over several lines. Such files
//! often hold secrets, so refusals show names, never values.

use std::ops::Range;

use super::refusal::{Candidate, Refusal, RefusalKind, line_of};
use super::splice::{self, Splice};
use super::{Current, value};
use crate::{Form, Image};

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment<'a> {
    pub(crate) name: &'a str,
    /// Byte where the name begins.
    start: usize,
    /// Bytes of the value, without quotes.
    range: Range<usize>,
    /// As it is written.
    pub(crate) value: &'a str,
}

impl Assignment<'_> {
    /// Its line, from 1.
    pub(crate) fn line(&self, text: &str) -> usize {
        line_of(text, self.start)
    }
}

pub(super) fn read(text: &str, variable: &str) -> Result<Current, Refusal> {
    let all = parse(text)?;
    let found = find(text, &all, variable)?;
    Ok(Current::of(line_of(text, found.start), found.value))
}

pub(super) fn edit(
    text: &str,
    variable: &str,
    form: Form,
    image: &Image,
) -> Result<String, Refusal> {
    let before = parse(text)?;
    let found = find(text, &before, variable)?;
    let value = value(form, image, found.value, line_of(text, found.start))?;
    let edited = splice::apply(text, vec![Splice::new(found.range.clone(), &value)]);
    let after = parse(&edited)?;
    let is_same = before.len() == after.len()
        && before.iter().zip(&after).all(|(old, new)| {
            let expected = match old == found {
                true => value.as_str(),
                false => old.value,
            };
            old.name == new.name && new.value == expected
        });
    match is_same {
        true => Ok(edited),
        false => Err(Refusal::new(
            RefusalKind::Unfaithful,
            "the edit would change more of the file than the one variable; the file is left as it is",
        )),
    }
}

fn shown(text: &str, assignment: &Assignment<'_>) -> Candidate {
    Candidate::note(
        line_of(text, assignment.start),
        &format!("{}=…", assignment.name),
    )
}

fn find<'a, 'b>(
    text: &str,
    all: &'b [Assignment<'a>],
    variable: &str,
) -> Result<&'b Assignment<'a>, Refusal> {
    let mut matching = all.iter().filter(|it| it.name == variable);
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Refusal::new(
            RefusalKind::Absent,
            format!("the file does not set `{variable}`"),
        )
        .candidates(all.iter().map(|it| shown(text, it)))
        .help(format!("add a line `{variable}=` once; promotions fill it"))),
        (Some(_), Some(_)) => Err(Refusal::new(
            RefusalKind::Ambiguous,
            format!("the file sets `{variable}` more than once"),
        )
        .candidates(
            all.iter()
                .filter(|it| it.name == variable)
                .map(|it| shown(text, it)),
        )),
    }
}

/// All assignments of a file. What is not one (comments, names alone) is skipped, as readers do.
pub(crate) fn parse(text: &str) -> Result<Vec<Assignment<'_>>, Refusal> {
    let mut all = Vec::new();
    let mut at = match text.starts_with('\u{feff}') {
        true => '\u{feff}'.len_utf8(),
        false => 0,
    };
    while at < text.len() {
        let end = text[at..]
            .find('\n')
            .map_or(text.len(), |newline| at + newline);
        let Some((name, from)) = name(text, at, end) else {
            at = end + 1;
            continue;
        };
        let range = range(text, from, end).ok_or_else(|| {
            Refusal::new(
                RefusalKind::Unreadable,
                "a quoted value does not end, or something follows it",
            )
            .candidate(Candidate::note(
                line_of(text, at),
                &format!("{}=…", &text[name.clone()]),
            ))
        })?;
        // The rest of the line where the value ends.
        at = text[range.end..]
            .find('\n')
            .map_or(text.len(), |newline| range.end + newline + 1);
        all.push(Assignment {
            name: &text[name.clone()],
            start: name.start,
            value: &text[range.clone()],
            range,
        });
    }
    Ok(all)
}

/// The name that the line assigns to, and where its value begins.
fn name(text: &str, start: usize, end: usize) -> Option<(Range<usize>, usize)> {
    let line = &text[start..end];
    let equals = line.find('=')?;
    let left = line[..equals].trim_end_matches(is_blank);
    let bare = left.trim_start_matches(is_blank);
    let bare = match bare.strip_prefix("export") {
        Some(rest) if rest.starts_with(is_blank) => rest.trim_start_matches(is_blank),
        _ => bare,
    };
    let is_name = |it: char| it.is_ascii_alphanumeric() || "_.-".contains(it);
    if bare.is_empty() || !bare.chars().all(is_name) {
        return None;
    }
    let from = start + left.len() - bare.len();
    let value = &line[equals + 1..];
    let blanks = value.len() - value.trim_start_matches(is_blank).len();
    Some((from..from + bare.len(), start + equals + 1 + blanks))
}

/// The bytes of the value that begins at `from`, on a line that ends at `end`.
fn range(text: &str, from: usize, end: usize) -> Option<Range<usize>> {
    let Some(quote) = text[from..end]
        .chars()
        .next()
        .filter(|it| "'\"".contains(*it))
    else {
        return Some(bare(text, from, end));
    };
    let mut characters = text[from + 1..].char_indices();
    while let Some((at, next)) = characters.next() {
        if next == '\\' && quote == '"' {
            characters.next();
        } else if next == quote {
            let inside = from + 1..from + 1 + at;
            let rest = text[inside.end + 1..].lines().next().unwrap_or("");
            let rest = rest.trim_start_matches(is_blank);
            return (rest.is_empty() || rest.starts_with('#')).then_some(inside);
        }
    }
    None
}

/// A value without quotes ends at a comment or with the line.
fn bare(text: &str, from: usize, end: usize) -> Range<usize> {
    let line = &text[from..end];
    let comment = line
        .char_indices()
        .find(|(at, next)| *next == '#' && (*at == 0 || line[..*at].ends_with(is_blank)));
    let value = &line[..comment.map_or(line.len(), |(at, _)| at)];
    from..from + value.trim_end_matches([' ', '\t', '\r']).len()
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}
