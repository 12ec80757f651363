//! YAML: any scalar by path.
//!
//! The parser gives events with places; nothing is ever printed from the tree, so comments, order, quoting and line ends stay.

mod extent;
mod find;
mod node;
mod parse;
mod path;
mod scalar;

pub(super) use extent::{end, is_flow};
pub(super) use find::{entry, find, select};
pub(super) use node::{Document, Style};
pub(crate) use node::{Kind, Node};
pub(crate) use parse::{Yaml, parse};
pub(super) use path::Step;
pub use path::{InvalidYamlPath, YamlPath};
pub(super) use scalar::{quoted, replace, token};

use super::refusal::{Candidate, Refusal, RefusalKind};
use super::{Current, splice};
use crate::{DocumentFilter, Form, Image};

/// What the scalar at `path` holds.
pub(super) fn read(
    text: &str,
    path: &YamlPath,
    filter: &DocumentFilter,
    shared: bool,
) -> Result<Current, Refusal> {
    let yaml = parse(text)?;
    let found = select(&yaml, path.steps(), filter, shared)?;
    let value = found
        .node
        .scalar()
        .ok_or_else(|| not_a_scalar(text, found.node))?;
    Ok(Current::of(yaml.line(found.node), value))
}

/// The text with the scalar at `path` naming `image`.
pub(super) fn edit(
    text: &str,
    path: &YamlPath,
    filter: &DocumentFilter,
    shared: bool,
    form: Form,
    image: &Image,
) -> Result<String, Refusal> {
    let yaml = parse(text)?;
    let found = select(&yaml, path.steps(), filter, shared)?;
    let before = found
        .node
        .scalar()
        .ok_or_else(|| not_a_scalar(text, found.node))?;
    let value = super::value(form, image, before, yaml.line(found.node))?;
    if value == before {
        return Ok(text.to_owned());
    }
    let splice = replace(text, found.node, found.key, &value)?;
    let edited = splice::apply(text, vec![splice]);
    let mut expected = yaml.documents.clone();
    let changed = expected.get_mut(found.document);
    if let Some(node) = changed.and_then(|document| document.at_mut(&found.trail)) {
        node.set_scalar(&value);
    }
    same(&edited, expected)?;
    Ok(edited)
}

/// Reads `edited` again: it must be `expected`, whatever the places of its parts.
pub(super) fn same(edited: &str, mut expected: Vec<Document>) -> Result<(), Refusal> {
    let unfaithful = || {
        Refusal::new(
            RefusalKind::Unfaithful,
            "the edit would change more of the file than the one value; the file is left as it is",
        )
    };
    let mut found = parse(edited).map_err(|_| unfaithful())?.documents;
    found.iter_mut().for_each(Document::forget_places);
    expected.iter_mut().for_each(Document::forget_places);
    match found == expected {
        true => Ok(()),
        false => Err(unfaithful()),
    }
}

fn not_a_scalar(text: &str, node: &Node) -> Refusal {
    Refusal::new(
        RefusalKind::Unsuitable,
        "the path leads to a list or a mapping, not to one value",
    )
    .candidate(Candidate::at(text, node.span.start))
}
