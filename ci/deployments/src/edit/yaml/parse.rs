//! From the parser's events to a tree with byte offsets.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::node::{Document, Kind, Node, Style};
use crate::edit::refusal::{Candidate, Refusal, RefusalKind, line_of};

/// Deeper nesting is no manifest, and the tree is walked by recursion.
const MAX_DEPTH: usize = 96;

/// A YAML file.
#[derive(Debug)]
pub(crate) struct Yaml<'a> {
    pub(crate) text: &'a str,
    pub(crate) documents: Vec<Document>,
}

impl Yaml<'_> {
    /// The line of a node's value, from 1.
    pub(crate) fn line(&self, node: &Node) -> usize {
        line_of(self.text, node.span.start)
    }
}

/// Reads a file.
pub(crate) fn parse(text: &str) -> Result<Yaml<'_>, Refusal> {
    // The parser counts characters.
    let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    offsets.push(text.len());
    let mut builder = Builder {
        offsets: &offsets,
        open: Vec::new(),
        documents: Vec::new(),
        aliases: Vec::new(),
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| broken(text, &offsets, &error))?;
        if builder.open.len() > MAX_DEPTH {
            let message = format!("the file nests deeper than {MAX_DEPTH} levels");
            return Err(Refusal::new(RefusalKind::Unreadable, message));
        }
        builder.event(event, span);
    }
    Ok(Yaml {
        text,
        documents: builder.documents,
    })
}

fn broken(text: &str, offsets: &[usize], error: &ScanError) -> Refusal {
    let at = offsets.get(error.marker().index()).copied();
    Refusal::new(
        RefusalKind::Unreadable,
        format!("the file is not YAML: {}", error.info()),
    )
    .candidate(Candidate::at(text, at.unwrap_or(text.len())))
}

struct Builder<'a> {
    offsets: &'a [usize],
    open: Vec<Open>,
    documents: Vec<Document>,
    aliases: Vec<(usize, usize)>,
}

/// A collection whose end has not been seen.
struct Open {
    node: Node,
    /// The key that waits for its value.
    key: Option<Node>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) {
        let span = self.byte(span.start.index())..self.byte(span.end.index());
        let leaf = |kind, anchor, tag: Option<_>| Node {
            kind,
            span: span.clone(),
            anchor,
            tag,
        };
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let kind = Kind::Scalar {
                    value: value.into_owned(),
                    style: match style {
                        ScalarStyle::Plain => Style::Plain,
                        ScalarStyle::SingleQuoted => Style::SingleQuoted,
                        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    },
                };
                self.add(leaf(kind, anchor, tag.as_deref().map(Tag::to_string)));
            }
            Event::Alias(anchor) => {
                self.aliases.push((anchor, span.start));
                self.add(leaf(Kind::Alias(anchor), 0, None));
            }
            Event::SequenceStart(anchor, tag) => {
                let tag = tag.as_deref().map(Tag::to_string);
                self.start(leaf(Kind::Sequence(Vec::new()), anchor, tag));
            }
            Event::MappingStart(anchor, tag) => {
                let tag = tag.as_deref().map(Tag::to_string);
                self.start(leaf(Kind::Mapping(Vec::new()), anchor, tag));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, .. }) = self.open.pop() {
                    node.span.end = span.end;
                    self.add(node);
                }
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
    }

    fn byte(&self, character: usize) -> usize {
        let last = self.offsets.len() - 1;
        self.offsets[character.min(last)]
    }

    fn start(&mut self, node: Node) {
        self.open.push(Open { node, key: None });
    }

    fn add(&mut self, node: Node) {
        let Some(parent) = self.open.last_mut() else {
            let aliases = std::mem::take(&mut self.aliases);
            self.documents.push(Document {
                root: node,
                aliases,
            });
            return;
        };
        match &mut parent.node.kind {
            Kind::Sequence(items) => items.push(node),
            Kind::Mapping(entries) => match parent.key.take() {
                Some(key) => entries.push((key, node)),
                None => parent.key = Some(node),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}
