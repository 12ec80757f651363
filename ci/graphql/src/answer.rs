//! The answer while it grows, and its JSON form.
//!
//! Nodes live in one vector, parents before their children, so that an answer of any depth is built, printed and dropped
//! without recursion.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::PathSegment;

/// An index into the nodes of an answer.
pub(crate) type NodeId = usize;

/// The data of a response.
#[derive(Debug)]
pub(crate) struct Answer {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    parent: NodeId,
    key: Key,
    /// Whether null may stand here; if not, an error here makes the parent null.
    nullable: bool,
    content: Content,
    /// Kept when an error makes the content null: what runs below still has its place.
    children: Range<NodeId>,
}

/// Where a node is in its parent.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Field(Arc<str>),
    Index(usize),
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Null,
    Leaf(Value),
    Object,
    List,
}

/// The root of every answer.
pub(crate) const ROOT: NodeId = 0;

impl Answer {
    pub(crate) fn new() -> Self {
        let root = Node {
            parent: ROOT,
            key: Key::Index(0),
            nullable: true,
            content: Content::Null,
            children: 0..0,
        };
        Answer { nodes: vec![root] }
    }

    pub(crate) fn set_leaf(&mut self, node: NodeId, value: Value) {
        self.nodes[node].content = Content::Leaf(value);
    }

    /// Makes a node an object with these keys; each is null until it is set. The flag tells whether it may stay so.
    pub(crate) fn set_object(
        &mut self,
        node: NodeId,
        keys: impl Iterator<Item = (Arc<str>, bool)>,
    ) -> Range<NodeId> {
        self.nodes[node].content = Content::Object;
        self.adopt(
            node,
            keys.map(|(key, nullable)| (Key::Field(key), nullable)),
        )
    }

    /// Makes a node a list of this length.
    pub(crate) fn set_list(
        &mut self,
        node: NodeId,
        length: usize,
        nullable: bool,
    ) -> Range<NodeId> {
        self.nodes[node].content = Content::List;
        self.adopt(node, (0..length).map(|index| (Key::Index(index), nullable)))
    }

    fn adopt(
        &mut self,
        parent: NodeId,
        children: impl Iterator<Item = (Key, bool)>,
    ) -> Range<NodeId> {
        let start = self.nodes.len();
        let node = |(key, nullable)| Node {
            parent,
            key,
            nullable,
            content: Content::Null,
            children: 0..0,
        };
        self.nodes.extend(children.map(node));
        self.nodes[parent].children = start..self.nodes.len();
        start..self.nodes.len()
    }

    /// An error at `node`: it, or the nearest ancestor where null may stand, becomes null (June 2018 §6.4.4).
    pub(crate) fn fail(&mut self, mut node: NodeId) {
        while !self.nodes[node].nullable {
            node = self.nodes[node].parent;
        }
        self.nodes[node].content = Content::Null;
    }

    pub(crate) fn path(&self, mut node: NodeId) -> Vec<PathSegment> {
        let mut path = Vec::new();
        while node != ROOT {
            path.push(match &self.nodes[node].key {
                Key::Field(key) => PathSegment::Key(key.to_string()),
                Key::Index(index) => PathSegment::Index(*index),
            });
            node = self.nodes[node].parent;
        }
        path.reverse();
        path
    }

    /// The place of each node in a reading of the answer from front to back. Numbers of nodes depend on what finished first;
    /// this does not.
    pub(crate) fn reading_order(&self) -> Vec<usize> {
        let mut order = vec![0; self.nodes.len()];
        let mut stack = vec![ROOT];
        let mut next = 0;
        while let Some(node) = stack.pop() {
            order[node] = next;
            next += 1;
            stack.extend(self.nodes[node].children.clone().rev());
        }
        order
    }

    /// The children that are part of the answer.
    fn live_children(&self, node: NodeId) -> Range<NodeId> {
        match self.nodes[node].content {
            Content::Object | Content::List => self.nodes[node].children.clone(),
            Content::Null | Content::Leaf(_) => 0..0,
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut live = vec![false; self.nodes.len()];
        live[ROOT] = true;
        for node in 0..self.nodes.len() {
            if live[node] {
                live[self.live_children(node)].fill(true);
            }
        }
        // Children have higher numbers than their parents: from the back, they are all there when the parent is made.
        let mut values: Vec<Value> = vec![Value::Null; self.nodes.len()];
        for node in (0..self.nodes.len()).rev().filter(|node| live[*node]) {
            values[node] = match &self.nodes[node].content {
                Content::Null => Value::Null,
                Content::Leaf(leaf) => leaf.clone(),
                Content::List => Value::Array(
                    self.live_children(node)
                        .map(|child| values[child].take())
                        .collect(),
                ),
                Content::Object => {
                    let field = |child: NodeId| match &self.nodes[child].key {
                        Key::Field(key) => Some((key.to_string(), values[child].take())),
                        Key::Index(_) => None,
                    };
                    Value::Object(
                        self.live_children(node)
                            .filter_map(field)
                            .collect::<Map<_, _>>(),
                    )
                }
            };
        }
        values[ROOT].take()
    }

    pub(crate) fn write_json(&self, out: &mut String) {
        let mut open: Vec<(Range<NodeId>, char)> = Vec::new();
        let mut node = ROOT;
        loop {
            match &self.nodes[node].content {
                Content::Null => out.push_str("null"),
                // Writing to a string cannot fail.
                Content::Leaf(leaf) => _ = write!(out, "{leaf}"),
                Content::Object => {
                    out.push('{');
                    open.push((self.live_children(node), '}'));
                }
                Content::List => {
                    out.push('[');
                    open.push((self.live_children(node), ']'));
                }
            }
            node = loop {
                let Some((children, close)) = open.last_mut() else {
                    return;
                };
                match children.next() {
                    Some(child) => break child,
                    None => {
                        out.push(*close);
                        open.pop();
                    }
                }
            };
            if !out.ends_with(['{', '[']) {
                out.push(',');
            }
            // Response keys are GraphQL names: nothing in them needs escaping.
            if let Key::Field(key) = &self.nodes[node].key {
                out.extend(["\"", key, "\":"]);
            }
        }
    }
}
