//! The bytes of an entry of `images:`.

use super::{Entry, Fields, State};
use crate::edit::refusal::{Candidate, Refusal, RefusalKind};
use crate::edit::splice::{Splice, newline};
use crate::edit::yaml::{self, Kind, Node, Style, Yaml, end, is_flow};

/// Makes an entry say `wanted`.
pub(super) fn entry(
    text: &str,
    entry: &Entry<'_>,
    wanted: &Fields,
) -> Result<Vec<Splice>, Refusal> {
    let mut splices = Vec::new();
    // Lines that are added follow the name, in the order given.
    let mut added = Vec::new();
    for (key, value) in wanted {
        let there = yaml::entry(text, entry.entries, key)?;
        let takes_over = there.or(entry.new_tag.filter(|_| *key == "digest"));
        let Some(at) = takes_over else {
            added.push((*key, value));
            continue;
        };
        let (name, node) = &entry.entries[at];
        if node.scalar() != Some(value) || there.is_none() {
            splices.push(yaml::replace(text, node, Some(name), value)?);
        }
        if there.is_none() {
            splices.push(yaml::replace(text, name, None, key)?);
        }
    }
    if !added.is_empty() {
        splices.push(add(text, entry, &added)?);
    }
    Ok(splices)
}

/// Adds keys behind `newName`, or else `name`.
fn add(text: &str, entry: &Entry<'_>, added: &[(&str, &String)]) -> Result<Splice, Refusal> {
    let after = match entry.new_name {
        Some(_) => yaml::entry(text, entry.entries, "newName")?,
        None => yaml::entry(text, entry.entries, "name")?,
    };
    let refuse = || {
        Refusal::new(
            RefusalKind::Unsuitable,
            "nothing can be added to this entry in place",
        )
        .candidate(Candidate::at(text, entry.node.span.start))
        .help("write the entry with one key on each line")
    };
    let value = after.map(|at| &entry.entries[at].1).ok_or_else(refuse)?;
    let end = yaml::token(text, value).ok_or_else(refuse)?.end;
    let fields = added
        .iter()
        .map(|(key, value)| format!("{key}: {}", yaml::quoted(value, Style::Plain)));
    if is_flow(text, entry.node) {
        let fields: String = fields.map(|field| format!(", {field}")).collect();
        return Ok(Splice::new(end..end, fields));
    }
    let column = column(text, entry.entries[0].0.span.start);
    let end = end + rest_of_line(&text[end..]);
    let lines: String = fields
        .map(|field| format!("{}{}{field}", newline(text), " ".repeat(column)))
        .collect();
    Ok(Splice::new(end..end, lines))
}

/// Makes an entry where there is none.
pub(super) fn new_entry(
    yaml: &Yaml<'_>,
    state: &State<'_>,
    fields: &Fields,
) -> Result<Splice, Refusal> {
    let text = yaml.text;
    let flow = || {
        let fields: Vec<String> = shown(fields).collect();
        format!("{{{}}}", fields.join(", "))
    };
    let root = &yaml.documents[0].root;
    match state {
        State::NoList if is_flow(text, root) => Err(Refusal::new(
            RefusalKind::Unsuitable,
            "the kustomization is written on one line and has no `images`",
        )
        .candidate(Candidate::at(text, root.span.start))
        .help("add `images: []` to it")),
        State::NoList => {
            let indent = column(text, root.span.start);
            let block = block(text, fields, indent + item_indent(text, root));
            let at = end_of_document(text, root);
            let line = newline(text);
            let before = match text[..at].ends_with('\n') {
                true => "",
                false => line,
            };
            let images = format!("{}images:", " ".repeat(indent));
            // A file that ended without a line end still does.
            let whole = match before {
                "" => format!("{images}{block}{line}"),
                _ => format!("{before}{images}{block}"),
            };
            Ok(Splice::new(at..at, whole))
        }
        State::NoItems { key, list, .. } if list.is_empty() => {
            let end = list.span.end.max(key.span.end);
            let end = end + rest_of_line(&text[end..]);
            let indent = column(text, root.span.start) + item_indent(text, root);
            Ok(Splice::new(end..end, block(text, fields, indent)))
        }
        State::NoItems { list, .. } => {
            let range = match is_flow(text, list) {
                true => list.span.start..end(text, list),
                false => yaml::token(text, list).unwrap_or(list.span.clone()),
            };
            Ok(Splice::new(range, format!("[{}]", flow())))
        }
        State::NoEntry { list, items, .. } if is_flow(text, list) => {
            let end = items
                .last()
                .map_or(list.span.start + 1, |last| end(text, last));
            Ok(Splice::new(end..end, format!(", {}", flow())))
        }
        State::NoEntry { items, list, .. } => {
            let end = items.last().map_or(list.span.start, |last| end(text, last));
            let end = end + rest_of_line(&text[end..]);
            let first = items
                .first()
                .map_or(list.span.start, |item| item.span.start);
            let line = &text[..first];
            let dash = line.rfind('-').unwrap_or(line.len());
            Ok(Splice::new(
                end..end,
                block(text, fields, column(text, dash)),
            ))
        }
        State::Entry(..) => Ok(Splice::new(0..0, "")),
    }
}

fn shown(fields: &Fields) -> impl Iterator<Item = String> {
    fields
        .iter()
        .map(|(key, value)| format!("{key}: {}", yaml::quoted(value, Style::Plain)))
}

/// An item of a block list, from the end of the line before it to the end of its last line.
fn block(text: &str, fields: &Fields, indent: usize) -> String {
    let line = newline(text);
    let spaces = " ".repeat(indent);
    let marks = std::iter::once("- ").chain(std::iter::repeat("  "));
    marks
        .zip(shown(fields))
        .map(|(mark, field)| format!("{line}{spaces}{mark}{field}"))
        .collect()
}

/// How far the items of the file's lists are indented from their keys.
fn item_indent(text: &str, root: &Node) -> usize {
    let Kind::Mapping(entries) = &root.kind else {
        return 0;
    };
    let indents = entries.iter().filter_map(|(key, value)| match &value.kind {
        Kind::Sequence(items) if !is_flow(text, value) => {
            let before = &text[..items.first()?.span.start];
            let dash = before.rfind('-')?;
            column(text, dash).checked_sub(column(text, key.span.start))
        }
        _ => None,
    });
    indents.take(1).next().unwrap_or(0)
}

/// Behind all that the document holds, comments too, before `...`.
fn end_of_document(text: &str, root: &Node) -> usize {
    let content = end(text, root);
    let rest = &text[content..];
    let mut at = content;
    for line in rest.split_inclusive('\n') {
        if at > content && line.starts_with("...") {
            return at;
        }
        at += line.len();
    }
    text.len()
}

/// Bytes up to the end of the line.
fn rest_of_line(rest: &str) -> usize {
    let end = rest.find('\n').unwrap_or(rest.len());
    end - usize::from(rest[..end].ends_with('\r'))
}

/// Characters before a byte on its line.
fn column(text: &str, at: usize) -> usize {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    before[start..]
        .trim_start_matches('\u{feff}')
        .chars()
        .count()
}

/// Makes the tree of an entry what it should be after [`entry`].
pub(super) fn expect(node: &mut Node, wanted: &Fields) {
    let Kind::Mapping(entries) = &mut node.kind else {
        return;
    };
    let mut after = None;
    for (key, value) in wanted {
        let find = |entries: &[(Node, Node)], key: &str| {
            entries
                .iter()
                .position(|(name, _)| name.scalar() == Some(key))
        };
        let at =
            find(entries, key).or_else(|| find(entries, "newTag").filter(|_| *key == "digest"));
        match at {
            Some(at) => {
                entries[at].0.set_scalar(key);
                entries[at].1.set_scalar(value);
            }
            None => {
                let behind = after.or(find(entries, "newName").or(find(entries, "name")));
                let at = behind.map_or(entries.len(), |at| at + 1);
                entries.insert(at, (Node::new_scalar(key), Node::new_scalar(value)));
                after = Some(at);
            }
        }
    }
}

/// Adds to the tree what [`new_entry`] adds to the text.
pub(super) fn expect_new(root: &mut Node, state: &State<'_>, fields: &Fields) {
    let scalars = fields
        .iter()
        .map(|(key, value)| (Node::new_scalar(key), Node::new_scalar(value)));
    let mut item = Node::new_scalar("");
    item.kind = Kind::Mapping(scalars.collect());
    let Kind::Mapping(entries) = &mut root.kind else {
        return;
    };
    match state {
        State::NoList => {
            let mut list = Node::new_scalar("");
            list.kind = Kind::Sequence(vec![item]);
            entries.push((Node::new_scalar("images"), list));
        }
        State::NoItems { at, .. } | State::NoEntry { at, .. } => match &mut entries[*at].1.kind {
            Kind::Sequence(items) => items.push(item),
            other => *other = Kind::Sequence(vec![item]),
        },
        State::Entry(..) => {}
    }
}
