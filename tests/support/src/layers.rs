//! Layer archives applied to a tree as the OCI image specification says, in memory: no privileges, and no code of the product.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use tar::{Archive, EntryType};

use crate::tree::{Entry, Node, Tree};

/// No device has this number, so files of archives are the same as none on disk.
const DEVICE: u64 = u64::MAX;

/// Counts the files that were read: each is another one.
static FILES: AtomicU64 = AtomicU64::new(0);

impl Tree {
    /// Applies an uncompressed layer. What its whiteouts remove is what lower layers have.
    #[track_caller]
    pub fn apply(&mut self, layer: impl Read) {
        // Some end without the blocks of zeros that archives end with.
        let mut archive = Archive::new(layer.chain(std::io::repeat(0).take(2048)));
        let mut added = BTreeSet::new();
        if self.0.is_empty() {
            self.insert_directory(Vec::new());
        }
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = normal(&entry.path_bytes());
            let (parent, name) = split(&path);
            if name == b".wh..wh..opq" {
                self.remove(&added, parent);
                continue;
            }
            if let Some(name) = name.strip_prefix(b".wh.") {
                let hidden = join(parent, name);
                self.remove(&added, &hidden);
                if !added.contains(&hidden) {
                    self.0.remove(&hidden);
                }
                continue;
            }
            self.imply(parent);
            let target = entry.link_name_bytes().map(|target| target.to_vec());
            let kind = entry.header().entry_type();
            let new = if kind == EntryType::Link {
                let first = normal(&target.unwrap());
                self.0[&first].clone()
            } else {
                read(&mut entry, target)
            };
            if new.node != Node::Directory {
                self.remove(&BTreeSet::new(), &path);
            }
            added.insert(path.clone());
            self.0.insert(path, new);
        }
    }

    /// Removes what is below a path, but not what this layer has added.
    fn remove(&mut self, added: &BTreeSet<Vec<u8>>, path: &[u8]) {
        let prefix = if path.is_empty() {
            Vec::new()
        } else {
            join(path, b"")
        };
        self.0.retain(|known, _| {
            known.is_empty() || !known.starts_with(&prefix) || added.contains(known)
        });
    }

    /// Directories on the way that no entry describes.
    fn imply(&mut self, path: &[u8]) {
        if !path.is_empty() && !self.0.contains_key(path) {
            self.imply(split(path).0);
            self.insert_directory(path.to_vec());
        }
    }

    fn insert_directory(&mut self, path: Vec<u8>) {
        let directory = Entry {
            node: Node::Directory,
            mode: 0o755,
            owner: (0, 0),
            xattrs: Default::default(),
            mtime: 0,
            inode: (DEVICE, FILES.fetch_add(1, Ordering::Relaxed)),
        };
        self.0.insert(path, directory);
    }
}

fn read(entry: &mut tar::Entry<'_, impl Read>, target: Option<Vec<u8>>) -> Entry {
    let header = entry.header().clone();
    let device = |kind| {
        let (major, minor) = (header.device_major(), header.device_minor());
        Node::Device(
            kind,
            major.unwrap().unwrap_or(0),
            minor.unwrap().unwrap_or(0),
        )
    };
    let mut xattrs = std::collections::BTreeMap::new();
    if let Some(extensions) = entry.pax_extensions().unwrap() {
        for extension in extensions.map(Result::unwrap) {
            if let Some(name) = extension.key().unwrap().strip_prefix("SCHILY.xattr.") {
                xattrs.insert(name.to_owned(), extension.value_bytes().to_vec());
            }
        }
    }
    let node = match header.entry_type() {
        EntryType::Directory => Node::Directory,
        EntryType::Symlink => Node::Link(target.unwrap()),
        EntryType::Fifo => Node::Fifo,
        EntryType::Char => device('c'),
        EntryType::Block => device('b'),
        _ => {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            Node::file(&content)
        }
    };
    Entry {
        mode: if matches!(node, Node::Link(_)) {
            0o777
        } else {
            header.mode().unwrap() & 0o7777
        },
        node,
        owner: (
            u32::try_from(header.uid().unwrap()).unwrap(),
            u32::try_from(header.gid().unwrap()).unwrap(),
        ),
        xattrs,
        mtime: i64::try_from(header.mtime().unwrap()).unwrap(),
        inode: (DEVICE, FILES.fetch_add(1, Ordering::Relaxed)),
    }
}

/// A path without leading and trailing slashes and dots.
fn normal(path: &[u8]) -> Vec<u8> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let names = path.components().filter_map(|part| match part {
        std::path::Component::Normal(name) => Some(name.as_bytes()),
        _ => None,
    });
    names.collect::<Vec<_>>().join(&b'/')
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() {
        name.to_vec()
    } else {
        [parent, b"/", name].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Layer;

    fn layer(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut layer = Layer::new();
        for (path, content) in entries {
            layer.file(path, 0o644, (0, 0), content.as_bytes());
        }
        layer.finish()
    }

    fn paths(tree: &Tree) -> Vec<String> {
        tree.lines().into_keys().collect()
    }

    #[test]
    fn whiteouts_hide_what_is_below_and_nothing_of_their_own_layer() {
        let mut tree = Tree::default();
        tree.apply(&layer(&[("a/x", "1"), ("a/y", "1"), ("b/x", "1"), ("bb", "1")])[..]);
        tree.apply(
            &layer(&[
                ("a/new", "2"),
                ("a/.wh..wh..opq", ""),
                (".wh.b", ""),
                ("c/.wh.none", ""),
            ])[..],
        );
        assert_eq!(paths(&tree), [".", "a", "a/new", "bb"]);
    }

    #[test]
    fn a_file_in_place_of_a_directory_takes_what_was_in_it_away() {
        let mut tree = Tree::default();
        tree.apply(&layer(&[("a/x", "1")])[..]);
        tree.apply(&layer(&[("a", "2")])[..]);
        assert_eq!(paths(&tree), [".", "a"]);
    }
}
