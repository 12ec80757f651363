//! Finding the one value that a path means, or saying what there is instead.

use super::node::{Document, Kind, Node, Style};
use super::parse::Yaml;
use super::path::Step;
use crate::DocumentFilter;
use crate::edit::refusal::{Candidate, Refusal, RefusalKind, line_of};

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    /// Position of the document in the file.
    pub(crate) document: usize,
    pub(crate) node: &'a Node,
    /// The key that it is the value of.
    pub(crate) key: Option<&'a Node>,
    /// Positions of the children that lead to it.
    pub(crate) trail: Vec<usize>,
}

/// The value at `path` in the only document that passes `filter` and has it.
pub(crate) fn select<'a>(
    yaml: &'a Yaml<'_>,
    path: &[Step],
    filter: &DocumentFilter,
    shared: bool,
) -> Result<Found<'a>, Refusal> {
    let chosen: Vec<_> = yaml
        .documents
        .iter()
        .enumerate()
        .filter(|(_, document)| passes(document, filter))
        .collect();
    if chosen.is_empty() {
        let all = yaml.documents.iter();
        return Err(Refusal::new(
            RefusalKind::Absent,
            match filter.is_empty() {
                true => "the file holds no document".to_owned(),
                false => "no document of the file is of this kind and name".to_owned(),
            },
        )
        .candidates(all.map(|document| Candidate::at(yaml.text, document.root.span.start))));
    }
    let mut found: Vec<Found<'a>> = Vec::new();
    let mut absent = None;
    for (at, document) in chosen {
        match find(yaml.text, document, path, shared) {
            Ok((node, key, trail)) => found.push(Found {
                document: at,
                node,
                key,
                trail,
            }),
            Err(refusal) if refusal.kind == RefusalKind::Absent => {
                absent.get_or_insert(refusal);
            }
            Err(refusal) => return Err(refusal),
        }
    }
    match (found.len(), absent) {
        (0, Some(refusal)) => Err(refusal),
        (2.., _) => Err(Refusal::new(
            RefusalKind::Ambiguous,
            "the path leads to a value in more than one document of the file",
        )
        .candidates(
            found
                .iter()
                .map(|found| Candidate::at(yaml.text, found.node.span.start)),
        )
        .help("name the document by its `kind` and `name`")),
        _ => found
            .pop()
            .ok_or_else(|| Refusal::new(RefusalKind::Absent, "the file holds no document")),
    }
}

fn passes(document: &Document, filter: &DocumentFilter) -> bool {
    let is = |path: &[&str], wanted: &Option<String>| {
        let wanted = match wanted {
            Some(wanted) => wanted,
            None => return true,
        };
        let value = path.iter().try_fold(&document.root, |node, key| {
            let Kind::Mapping(entries) = &node.kind else {
                return None;
            };
            let entry = entries.iter().find(|(name, _)| name.scalar() == Some(key));
            entry.map(|(_, value)| value)
        });
        value.and_then(Node::scalar) == Some(wanted)
    };
    is(&["kind"], &filter.kind) && is(&["metadata", "name"], &filter.name)
}

type Place<'a> = (&'a Node, Option<&'a Node>, Vec<usize>);

/// The value at `path` in one document.
pub(crate) fn find<'a>(
    text: &str,
    document: &'a Document,
    path: &[Step],
    shared: bool,
) -> Result<Place<'a>, Refusal> {
    let mut node = &document.root;
    let mut key = None;
    let mut trail = Vec::new();
    for (depth, step) in path.iter().enumerate() {
        check_shared(text, document, node, shared)?;
        let at = match (step, &node.kind) {
            (Step::Key(name), Kind::Mapping(entries)) => {
                let at = entry(text, entries, name)?;
                match at {
                    Some(at) => {
                        key = Some(&entries[at].0);
                        node = &entries[at].1;
                        at
                    }
                    None => return Err(no_key(text, entries, name, depth)),
                }
            }
            (Step::Item(number), Kind::Sequence(items)) => {
                let missing = || {
                    let message = format!("the list has {} items, none is [{number}]", items.len());
                    Refusal::new(RefusalKind::Absent, message).candidates(numbers(text, items))
                };
                node = items.get(*number).ok_or_else(missing)?;
                key = None;
                *number
            }
            (Step::ItemWith(name, value), Kind::Sequence(items)) => {
                let at = item(text, items, name, value)?;
                node = &items[at];
                key = None;
                at
            }
            (step, _) => {
                let wanted = match step {
                    Step::Key(name) => format!("a mapping with the key `{name}`"),
                    Step::Item(_) | Step::ItemWith(..) => "a list".to_owned(),
                };
                let message = format!("the path expects {wanted}, and something else is there");
                return Err(Refusal::new(RefusalKind::Absent, message)
                    .candidate(Candidate::at(text, node.span.start)));
            }
        };
        trail.push(at);
    }
    check_shared(text, document, node, shared)?;
    Ok((node, key, trail))
}

/// The position of the entry with this key; readers of YAML disagree on which of two counts.
pub(crate) fn entry(
    text: &str,
    entries: &[(Node, Node)],
    name: &str,
) -> Result<Option<usize>, Refusal> {
    let all: Vec<usize> = positions(entries, |(key, _)| key.scalar() == Some(name));
    match all.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => Err(Refusal::new(
            RefusalKind::Ambiguous,
            format!("the key `{name}` stands more than once in one mapping"),
        )
        .candidates(
            many.iter()
                .map(|at| Candidate::at(text, entries[*at].0.span.start)),
        )),
    }
}

fn item(text: &str, items: &[Node], name: &str, value: &str) -> Result<usize, Refusal> {
    let has = |item: &Node| match &item.kind {
        Kind::Mapping(entries) => entries
            .iter()
            .any(|(key, found)| key.scalar() == Some(name) && found.scalar() == Some(value)),
        _ => false,
    };
    match positions(items, has).as_slice() {
        [one] => Ok(*one),
        [] => Err(Refusal::new(
            RefusalKind::Absent,
            format!("no item of the list has `{name}: {value}`"),
        )
        .candidates(items.iter().filter_map(|item| with(text, item, name)))),
        many => Err(Refusal::new(
            RefusalKind::Ambiguous,
            format!("{} items of the list have `{name}: {value}`", many.len()),
        )
        .candidates(
            many.iter()
                .map(|at| Candidate::at(text, items[*at].span.start)),
        )),
    }
}

fn positions<T>(all: &[T], is: impl Fn(&T) -> bool) -> Vec<usize> {
    let matching = all.iter().enumerate().filter(|(_, it)| is(it));
    matching.map(|(at, _)| at).collect()
}

/// The items of a list by number only: what they hold may be secret.
fn numbers(text: &str, items: &[Node]) -> impl Iterator<Item = Candidate> {
    let note = |(at, node): (usize, &Node)| {
        Candidate::note(line_of(text, node.span.start), &format!("[{at}]"))
    };
    items.iter().enumerate().map(note)
}

/// What an item has under the key that the path asks for.
fn with(text: &str, item: &Node, name: &str) -> Option<Candidate> {
    let Kind::Mapping(entries) = &item.kind else {
        return None;
    };
    let (key, value) = entries.iter().find(|(key, _)| key.scalar() == Some(name))?;
    let note = format!("{name}: {}", value.scalar()?);
    Some(Candidate::note(line_of(text, key.span.start), &note))
}

fn no_key(text: &str, entries: &[(Node, Node)], name: &str, depth: usize) -> Refusal {
    let keys = entries.iter().map(|(key, _)| key);
    let refusal = Refusal::new(
        RefusalKind::Absent,
        match depth {
            0 => format!("there is no key `{name}` at the top of the document"),
            _ => format!("there is no key `{name}` where the path expects it"),
        },
    )
    .candidates(keys.filter_map(|key| {
        let line = line_of(text, key.span.start);
        Some(Candidate::note(line, key.scalar()?))
    }));
    let merges = entries.iter().any(|(key, _)| key.scalar() == Some("<<"));
    match merges {
        true => refusal.help(
            "`<<` merges another mapping into this one: name the place where the value is written",
        ),
        false => refusal,
    }
}

/// Refuses what is reached, or is reachable, by other ways than this path: a change would show there, too.
fn check_shared(text: &str, document: &Document, node: &Node, shared: bool) -> Result<(), Refusal> {
    if let Kind::Alias(_) = node.kind {
        return Err(Refusal::new(
            RefusalKind::Shared,
            "the path leads through an alias: the value is written elsewhere",
        )
        .candidate(Candidate::at(text, node.span.start))
        .help("name the place where the value is written"));
    }
    if shared || node.anchor == 0 {
        return Ok(());
    }
    let uses: Vec<usize> = document
        .aliases
        .iter()
        .filter(|(anchor, _)| *anchor == node.anchor)
        .map(|(_, at)| *at)
        .collect();
    if uses.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::Shared,
        "the value stands behind an anchor that other places use",
    )
    .candidate(Candidate::at(text, node.span.start))
    .candidates(uses.into_iter().map(|at| Candidate::at(text, at)))
    .help("if all of them shall follow, declare the place with `shared = true`"))
}

/// Whether a scalar is one that can be replaced in place.
pub(crate) fn is_block(node: &Node) -> bool {
    matches!(
        node.kind,
        Kind::Scalar {
            style: Style::Block,
            ..
        }
    )
}
