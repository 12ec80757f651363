//! The bytes of a scalar, and how another value is written there.

use std::ops::Range;

use super::find::is_block;
use super::node::{Kind, Node, Style};
use crate::edit::refusal::{Candidate, Refusal, RefusalKind};
use crate::edit::splice::Splice;

/// Writes `value` where `node`, the value of `key`, stands, quoted as it was.
pub(crate) fn replace(
    text: &str,
    node: &Node,
    key: Option<&Node>,
    value: &str,
) -> Result<Splice, Refusal> {
    let refuse = |message: &str| {
        Refusal::new(RefusalKind::Unsuitable, message)
            .candidate(Candidate::at(text, node.span.start))
    };
    if is_block(node) {
        return Err(refuse("the value is a block (`|` or `>`)").help("write it on one line"));
    }
    if node.is_empty() {
        let colon = key
            .filter(|_| node.anchor == 0 && node.tag.is_none())
            .and_then(|key| after_colon(text, key))
            .ok_or_else(|| refuse("there is no value to replace"))?;
        return Ok(Splice::new(colon..colon, format!(" {}", plain(value))));
    }
    let range = token(text, node).ok_or_else(|| refuse("the value cannot be replaced in place"))?;
    let style = match &node.kind {
        Kind::Scalar { style, .. } => *style,
        _ => return Err(refuse("the value cannot be replaced in place")),
    };
    Ok(Splice::new(range, quoted(value, style)))
}

/// `value` in the quotes of `style`. Values need no escapes: see `image::write`.
pub(crate) fn quoted(value: &str, style: Style) -> String {
    match style {
        Style::SingleQuoted => format!("'{value}'"),
        Style::DoubleQuoted => format!("\"{value}\""),
        Style::Plain | Style::Block => plain(value),
    }
}

/// `value` without quotes, if it is a string then. Version 1.1 readers, which Kubernetes' tools are, take more for numbers, truth
/// values and times than 1.2 says.
fn plain(value: &str) -> String {
    const WORDS: [&str; 10] = [
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "none",
    ];
    let is_word = WORDS.contains(&value.to_ascii_lowercase().as_str());
    let starts_with_letter = value.starts_with(|it: char| it.is_ascii_alphabetic());
    let is_name = value.contains('/') || starts_with_letter && !is_word;
    // `[::1]:5000/web` would be a list.
    let is_safe = |it: char| it.is_ascii_alphanumeric() || "._-/:@".contains(it);
    match is_name && !value.ends_with(':') && value.chars().all(is_safe) {
        true => value.to_owned(),
        false => format!("\"{value}\""),
    }
}

/// The bytes of a scalar with its quotes, without anchor and tag. The parser's end of a quoted scalar is behind the comment that
/// follows it, so the closing quote is looked for here.
pub(crate) fn token(text: &str, node: &Node) -> Option<Range<usize>> {
    let Kind::Scalar { style, .. } = &node.kind else {
        return None;
    };
    let has_properties = node.anchor != 0 || node.tag.is_some();
    let start = match has_properties {
        true => after_properties(text, node.span.clone())?,
        false => node.span.start,
    };
    let rest = &text[start..];
    let end = match style {
        Style::Plain => node.span.end,
        Style::SingleQuoted => start + closing(rest, '\'')?,
        Style::DoubleQuoted => start + closing(rest, '"')?,
        Style::Block => return None,
    };
    (start < end).then_some(start..end)
}

/// The byte behind the closing quote of a text that begins with the opening one.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices().peekable();
    characters.next().filter(|(_, first)| *first == quote)?;
    while let Some((at, next)) = characters.next() {
        if next == '\\' && quote == '"' {
            characters.next()?;
        } else if next == quote {
            // A doubled single quote is one quote of the value.
            if quote == '\'' && characters.next_if(|(_, next)| *next == quote).is_some() {
                continue;
            }
            return Some(at + 1);
        }
    }
    None
}

/// The byte of the value behind `&anchor` and `!tag`, if that is on the same line.
fn after_properties(text: &str, span: Range<usize>) -> Option<usize> {
    let mut at = span.start;
    while text[at..].starts_with(['&', '!']) {
        let rest = &text[at..];
        let end = rest.find(char::is_whitespace)?;
        let spaces = rest[end..].len() - rest[end..].trim_start_matches([' ', '\t']).len();
        at += end + spaces;
    }
    (at < span.end && !text[at..].starts_with(['\n', '\r', '#'])).then_some(at)
}

/// The byte behind the colon of `key:`.
fn after_colon(text: &str, key: &Node) -> Option<usize> {
    let end = token(text, key)?.end;
    let rest = &text[end..];
    let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest[spaces..].starts_with(':').then_some(end + spaces + 1)
}
