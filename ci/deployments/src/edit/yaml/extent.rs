//! Where the bytes of a node end: the parser's own ends are behind the comments that follow.

use super::node::{Kind, Node};
use super::scalar::token;

/// The byte behind a node's own last one.
pub(crate) fn end(text: &str, node: &Node) -> usize {
    match &node.kind {
        Kind::Sequence(items) if !is_flow(text, node) => {
            items.last().map_or(node.span.end, |last| end(text, last))
        }
        Kind::Mapping(entries) if !is_flow(text, node) => {
            entries
                .last()
                .map_or(node.span.end, |(key, value)| match value.is_empty() {
                    true => key.span.end.max(value.span.end),
                    false => end(text, value),
                })
        }
        Kind::Scalar { .. } => token(text, node).map_or(node.span.end, |it| it.end),
        Kind::Sequence(items) => closing(text, node, items.last(), ']'),
        Kind::Mapping(entries) => closing(text, node, entries.last().map(|(_, value)| value), '}'),
        Kind::Alias(_) => node.span.end,
    }
}

/// The byte behind the bracket that closes a collection, whose last child is `last`.
fn closing(text: &str, node: &Node, last: Option<&Node>, bracket: char) -> usize {
    let opening = text[node.span.start..].find(['[', '{']).unwrap_or(0);
    let from = last.map_or(node.span.start + opening + 1, |last| end(text, last));
    let mut is_comment = false;
    for (at, next) in text[from..].char_indices() {
        match next {
            '\n' => is_comment = false,
            '#' => is_comment = true,
            _ if next == bracket && !is_comment => return from + at + 1,
            _ => {}
        }
    }
    node.span.end
}

/// Whether a collection is written in brackets.
pub(crate) fn is_flow(text: &str, node: &Node) -> bool {
    let properties = node.anchor != 0 || node.tag.is_some();
    let own = &text[node.span.clone()];
    let own = match properties {
        true => own.trim_start_matches(|it: char| !"[{\n".contains(it)),
        false => own,
    };
    own.starts_with(['[', '{'])
}
