//! The images of Kubernetes objects.

use std::collections::BTreeSet;

use crate::edit::{Kind, Node};
use crate::foreign::printable;

use super::tree::Tree;
use super::{Finds, Unpinned, pinned};

/// Keys whose items are containers, at any depth: those of pods, in whatever holds a pod's template.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
/// Keys below which every key is somebody's own word.
const OWN_WORDS: [&str; 5] = [
    "annotations",
    "labels",
    "matchLabels",
    "nodeSelector",
    "selector",
];
/// The same in objects of [`DATA_KINDS`].
const DATA: [&str; 3] = ["data", "stringData", "binaryData"];
const DATA_KINDS: [&str; 2] = ["ConfigMap", "Secret"];

/// Adds the images of a document's objects.
pub(super) fn find<'a>(tree: &Tree<'a>, finds: &mut Finds<'_>) {
    let mut walk = Walk {
        tree,
        finds,
        seen: BTreeSet::new(),
    };
    walk.node(tree.root, "", true);
}

struct Walk<'a, 'b, 'c> {
    tree: &'b Tree<'a>,
    finds: &'b mut Finds<'c>,
    /// Anchors whose aliases were followed, so that none is followed for ever.
    seen: BTreeSet<(usize, bool)>,
}

impl<'a> Walk<'a, '_, '_> {
    /// Looks at a node of an object. `anywhere`: whether images may stand outside of containers, too.
    fn node(&mut self, node: &'a Node, owner: &str, anywhere: bool) {
        match &node.kind {
            Kind::Sequence(items) => items.iter().for_each(|it| self.node(it, owner, anywhere)),
            Kind::Mapping(entries) => self.mapping(node, entries, owner, anywhere),
            Kind::Alias(anchor) => {
                if self.seen.insert((*anchor, anywhere)) {
                    self.node(self.tree.resolve(node), owner, anywhere);
                }
            }
            Kind::Scalar { .. } => {}
        }
    }

    fn mapping(
        &mut self,
        node: &'a Node,
        entries: &'a [(Node, Node)],
        owner: &str,
        anywhere: bool,
    ) {
        let own = self.object(node);
        let owner = own.as_ref().map_or(owner, |(_, own)| own);
        let holds_data = own
            .as_ref()
            .is_some_and(|(kind, _)| DATA_KINDS.contains(kind));
        for (key, value) in entries {
            let key = key.scalar().unwrap_or_default();
            if CONTAINERS.contains(&key) {
                for item in self.tree.items(value) {
                    self.container(item, owner);
                }
            }
            if anywhere && is_image_key(key) {
                self.image(node, key, value, owner);
            }
            let is_own = OWN_WORDS.contains(&key) || (holds_data && DATA.contains(&key));
            self.node(value, owner, anywhere && !is_own);
        }
    }

    /// Kind and name, if this is an object of its own: the document, or an item of a list.
    fn object(&self, node: &'a Node) -> Option<(&'a str, String)> {
        let kind = self.tree.text(node, "kind")?;
        let name = self.tree.get(node, "metadata");
        let name = name.and_then(|metadata| self.tree.text(metadata, "name"));
        // What refers to an object has a kind, too.
        if name.is_none() && self.tree.get(node, "name").is_some() {
            return None;
        }
        let owner = [Some(kind), name].into_iter().flatten();
        let owner = owner.collect::<Vec<_>>().join(" ");
        Some((kind, printable(&owner)))
    }

    /// A container must run an image that can be told.
    fn container(&mut self, node: &'a Node, owner: &str) {
        let name = self.tree.text(node, "name");
        if let Some(image) = self.tree.get(node, "image") {
            let text = self.tree.resolve(image).scalar().unwrap_or_default();
            self.finds.add(image, owner, name, text, pinned(text));
        }
    }

    /// What may be an image, outside of containers: a reference, or its parts.
    fn image(&mut self, node: &'a Node, key: &str, value: &'a Node, owner: &str) {
        let name = self.tree.text(node, "name");
        let resolved = self.tree.resolve(value);
        let text = match &resolved.kind {
            Kind::Scalar { value, .. } => value.clone(),
            Kind::Mapping(_) => match self.parts(resolved) {
                Some(text) => text,
                None => return,
            },
            _ => return,
        };
        let image = match pinned(&text) {
            // A placeholder is for somebody to fill in; all else is a title, or the address of a picture.
            Err(Unpinned::NotAnImage) if text.contains(['$', '{']) => Err(Unpinned::Computed),
            Err(Unpinned::NotAnImage) => return,
            // A word alone is an image under the very key only.
            Err(Unpinned::NoDigest) if key != "image" && !text.contains(['/', ':']) => return,
            image => image,
        };
        self.finds.add(value, owner, name, &text, image);
    }

    /// `{reference: …}` of an image volume, and `{registry, repository, tag, digest}` as operators have it.
    fn parts(&self, node: &'a Node) -> Option<String> {
        let part = |key: &str| self.tree.text(node, key).filter(|text| !text.is_empty());
        if let Some(reference) = part("reference") {
            return Some(reference.to_owned());
        }
        let mut text = part("repository")?.to_owned();
        if let Some(registry) = part("registry") {
            text = format!("{registry}/{text}");
        }
        if let Some(tag) = part("tag") {
            text = format!("{text}:{tag}");
        }
        if let Some(digest) = part("digest") {
            text = format!("{text}@{digest}");
        }
        Some(text)
    }
}

fn is_image_key(key: &str) -> bool {
    key == "image" || key == "imageName" || key.ends_with("Image") || key.ends_with("ImageName")
}
