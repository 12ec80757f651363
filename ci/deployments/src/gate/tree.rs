//! A YAML document as its readers see it: aliases and merge keys followed.

use std::collections::{BTreeMap, BTreeSet};

use crate::edit::{Candidate, Kind, Node, Refusal, RefusalKind, Yaml};

/// The key that takes over the entries of other mappings.
const MERGE: &str = "<<";

/// A document.
pub(super) struct Tree<'a> {
    pub(super) yaml: &'a Yaml<'a>,
    pub(super) root: &'a Node,
    anchors: BTreeMap<usize, &'a Node>,
}

impl<'a> Tree<'a> {
    /// Reads a document. A key that stands twice is refused: some readers take the first, some the last (P3).
    pub(super) fn new(yaml: &'a Yaml<'a>, root: &'a Node) -> Result<Self, Refusal> {
        let mut tree = Self {
            yaml,
            root,
            anchors: BTreeMap::new(),
        };
        tree.collect(root)?;
        Ok(tree)
    }

    fn collect(&mut self, node: &'a Node) -> Result<(), Refusal> {
        if node.anchor != 0 {
            self.anchors.insert(node.anchor, node);
        }
        match &node.kind {
            Kind::Sequence(items) => items.iter().try_for_each(|item| self.collect(item)),
            Kind::Mapping(entries) => {
                let mut keys = BTreeSet::new();
                entries.iter().try_for_each(|(key, value)| {
                    if key.scalar().is_some_and(|name| !keys.insert(name)) {
                        return Err(self.refused(key, "a key stands twice in one mapping"));
                    }
                    self.collect(key)?;
                    self.collect(value)
                })
            }
            Kind::Scalar { .. } | Kind::Alias(_) => Ok(()),
        }
    }

    pub(super) fn refused(&self, node: &Node, message: &str) -> Refusal {
        Refusal::new(RefusalKind::Ambiguous, message)
            .candidate(Candidate::at(self.yaml.text, node.span.start))
    }

    /// What a node stands for.
    pub(super) fn resolve(&self, node: &'a Node) -> &'a Node {
        match node.kind {
            Kind::Alias(anchor) => self.anchors.get(&anchor).copied().unwrap_or(node),
            _ => node,
        }
    }

    /// The value of a key, which may be an alias: the mapping's own, else that of what is merged into it.
    pub(super) fn get(&self, node: &'a Node, key: &str) -> Option<&'a Node> {
        let mut seen = BTreeSet::new();
        // Looked at from the end.
        let mut mappings = vec![node];
        while let Some(node) = mappings.pop() {
            let node = self.resolve(node);
            let Kind::Mapping(entries) = &node.kind else {
                continue;
            };
            if !seen.insert(node.span.start) {
                continue;
            }
            let entry = |name: &str| entries.iter().find(|(key, _)| key.scalar() == Some(name));
            if let Some((_, value)) = entry(key) {
                return Some(value);
            }
            if let Some((_, merged)) = entry(MERGE) {
                match &self.resolve(merged).kind {
                    Kind::Sequence(items) => mappings.extend(items.iter().rev()),
                    _ => mappings.push(merged),
                }
            }
        }
        None
    }

    /// The scalar that a key holds.
    pub(super) fn text(&self, node: &'a Node, key: &str) -> Option<&'a str> {
        self.resolve(self.get(node, key)?).scalar()
    }

    /// The items of a list, as they stand there.
    pub(super) fn items(&self, node: &'a Node) -> &'a [Node] {
        match &self.resolve(node).kind {
            Kind::Sequence(items) => items,
            _ => &[],
        }
    }
}
