//! The tree of a YAML file: what is needed to find a value and its bytes.

use std::ops::Range;

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) root: Node,
    /// Anchors that aliases refer to, with the byte where each alias stands.
    pub(crate) aliases: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Bytes from the first of the node (its anchor and tag included) to where the parser saw its end, which for quoted scalars
    /// and block collections is behind their own.
    pub(crate) span: Range<usize>,
    /// Number of its anchor; 0: none.
    pub(crate) anchor: usize,
    /// Its tag, resolved.
    pub(crate) tag: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar {
        value: String,
        style: Style,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// Of the anchor of this number.
    Alias(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` and `>`.
    Block,
}

impl Node {
    /// The value of a scalar.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether it is nothing at all, not even `null`: `key:`.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { value, style: Style::Plain } if value.is_empty())
    }

    pub(crate) fn set_scalar(&mut self, to: &str) {
        if let Kind::Scalar { value, .. } = &mut self.kind {
            to.clone_into(value);
        }
    }

    /// A scalar that has no place.
    pub(crate) fn new_scalar(value: &str) -> Self {
        Self {
            kind: Kind::Scalar {
                value: value.to_owned(),
                style: Style::Plain,
            },
            span: 0..0,
            anchor: 0,
            tag: None,
        }
    }

    fn forget_places(&mut self) {
        self.span = 0..0;
        match &mut self.kind {
            // How the changed scalar is quoted is the editor's decision; all others have their bytes still.
            Kind::Scalar { style, .. } => *style = Style::Plain,
            Kind::Sequence(items) => items.iter_mut().for_each(Self::forget_places),
            Kind::Mapping(entries) => entries.iter_mut().for_each(|(key, value)| {
                key.forget_places();
                value.forget_places();
            }),
            Kind::Alias(_) => {}
        }
    }
}

impl Document {
    /// Leaves what two texts with the same content have in common.
    pub(crate) fn forget_places(&mut self) {
        self.root.forget_places();
        self.aliases.iter_mut().for_each(|(_, at)| *at = 0);
    }

    /// The node that is reached by these positions of children.
    pub(crate) fn at_mut(&mut self, trail: &[usize]) -> Option<&mut Node> {
        trail
            .iter()
            .try_fold(&mut self.root, |node, at| match &mut node.kind {
                Kind::Sequence(items) => items.get_mut(*at),
                Kind::Mapping(entries) => entries.get_mut(*at).map(|(_, value)| value),
                _ => None,
            })
    }
}
