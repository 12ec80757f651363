//! One layer: what it removes is taken from the tree below, and what it has is read, file by file, while it passes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_oci::layer::{ChangeKind, LayerError, Limits, Walk};
use ci_oci::{Descriptor, Digest, Layout, compression};

use super::tree::Tree;
use super::{Programs, ScanError};
use crate::sources::{self, Finding, Kind};

/// Hard links whose content is looked for, of one layer.
const MAX_LINKS: usize = 50_000;
/// Bytes read at once.
const CHUNK: u64 = 256 << 10;

/// Reads a layer. What it has of interest is returned; `below` are the layers below it, from which its whiteouts take away.
pub(super) fn read(
    layout: &Layout,
    image: Digest,
    layer: &Descriptor,
    diff_id: &Digest,
    programs: &Programs,
    below: &mut Tree,
) -> Result<Tree, ScanError> {
    let content = |problem: String| ScanError::Content {
        layer: layer.digest,
        image,
        problem,
    };
    let mut scan = Scan {
        own: below.above(),
        below,
        programs,
        links: BTreeMap::new(),
    };
    let found = pass(layout, layer, |walk| scan.first(walk)).map_err(|it| it.at(layer, image))?;
    if found != *diff_id {
        return Err(content(format!("its content is {found}, not {diff_id}")));
    }
    if !scan.links.is_empty() {
        pass(layout, layer, |walk| scan.second(walk)).map_err(|it| it.at(layer, image))?;
    }
    Ok(scan.own)
}

/// Why a layer cannot be read.
enum Failure {
    Layout(ci_oci::layout::LayoutError),
    Layer(LayerError),
    Io(std::io::Error),
}

impl Failure {
    fn at(self, layer: &Descriptor, image: Digest) -> ScanError {
        let layer = layer.digest;
        match self {
            Self::Layout(error) => error.into(),
            Self::Layer(source) => ScanError::Layer {
                layer,
                image,
                source,
            },
            Self::Io(error) => ScanError::Content {
                layer,
                image,
                problem: error.to_string(),
            },
        }
    }
}

/// Reads a layer from beginning to end; its diff id.
fn pass(
    layout: &Layout,
    layer: &Descriptor,
    visit: impl FnOnce(&mut Walk<'_>) -> Result<(), LayerError>,
) -> Result<Digest, Failure> {
    let mut blob = layout.open_blob(layer).map_err(Failure::Layout)?;
    let mut tar = compression::decompress(&mut blob).map_err(Failure::Io)?;
    let mut walk = Walk::new(&mut tar, &Limits::default());
    visit(&mut walk).map_err(Failure::Layer)?;
    let diff_id = walk.finish().map_err(Failure::Layer)?;
    drop(tar);
    // The blob is verified when all of it has been read; something may follow what is compressed.
    std::io::copy(&mut blob, &mut std::io::sink()).map_err(Failure::Io)?;
    Ok(diff_id)
}

struct Scan<'t> {
    below: &'t mut Tree,
    own: Tree,
    programs: &'t Programs,
    /// Names of interest for files that have passed already, and the names these had: the `package.json` of a package, which is also
    /// in the store of a package manager.
    links: BTreeMap<Vec<u8>, (Vec<u8>, Kind)>,
}

impl Scan<'_> {
    /// The first time: everything that can be read as it comes.
    fn first(&mut self, walk: &mut Walk<'_>) -> Result<(), LayerError> {
        while let Some(change) = walk.next_change()? {
            let path = change.path;
            match change.kind {
                // Whiteouts are about lower layers.
                ChangeKind::Removed => self.below.remove(&path),
                ChangeKind::Opaque => self.below.clear(&path),
                ChangeKind::Directory => {
                    self.below.directory(&path);
                    self.own.directory(&path);
                }
                ChangeKind::File(size) => {
                    self.replace(&path);
                    self.file(path, size, walk)?;
                }
                ChangeKind::HardLink(target) if target == path => {}
                ChangeKind::HardLink(target) => {
                    self.replace(&path);
                    self.link(path, target);
                }
                ChangeKind::SymbolicLink(target) => {
                    self.replace(&path);
                    if let Some(finding) = Kind::read_link(&path, &target) {
                        self.own.insert(path, Arc::new(finding));
                    }
                }
                _ => self.replace(&path),
            }
        }
        Ok(())
    }

    fn replace(&mut self, path: &[u8]) {
        self.links.remove(path);
        self.below.replace(path);
        self.own.replace(path);
    }

    fn file(&mut self, path: Vec<u8>, size: u64, walk: &mut Walk<'_>) -> Result<(), LayerError> {
        let mut content = Content { walk, left: size };
        let mut bytes = Vec::new();
        let kind = match Kind::of(&path) {
            Some(kind) => kind,
            None => {
                content.read_up_to(4, &mut bytes)?;
                if !sources::is_elf(&bytes) {
                    return Ok(());
                }
                Kind::Elf
            }
        };
        if size > kind.limit() {
            let limit = kind.limit() >> 10;
            let gap = Finding::Gap(format!("it has more than {limit} KiB").into());
            self.own.insert(path, Arc::new(gap));
            return Ok(());
        }
        content.read_up_to(size, &mut bytes)?;
        let known = (kind == Kind::Elf && !self.programs.is_empty())
            .then(|| Digest::of(&bytes))
            .filter(|digest| self.programs.contains_key(digest));
        let finding = match known {
            Some(digest) => Some(Finding::Program(digest)),
            None => kind.read(&path, &bytes),
        };
        if let Some(finding) = finding {
            self.own.insert(path, Arc::new(finding));
        }
        Ok(())
    }

    /// Another name of a file of this layer.
    fn link(&mut self, path: Vec<u8>, target: Vec<u8>) {
        let kind = Kind::of(&path);
        // What a copyright file says depends on its name.
        let is_same = kind == Kind::of(&target) && kind != Some(Kind::Copyright);
        match (self.own.get(&target).filter(|_| is_same), kind) {
            (Some(finding), _) => {
                let finding = Arc::clone(finding);
                self.own.insert(path, finding);
            }
            (None, Some(_)) if self.links.len() >= MAX_LINKS => {
                self.own
                    .gap(format!("more than {MAX_LINKS} hard links in a layer"));
            }
            (None, Some(kind)) => {
                self.links.insert(path, (target, kind));
            }
            (None, None) => {}
        }
    }

    /// The second time: files that have other names of interest.
    fn second(&mut self, walk: &mut Walk<'_>) -> Result<(), LayerError> {
        let mut wanted: BTreeMap<Vec<u8>, Vec<(Vec<u8>, Kind)>> = BTreeMap::new();
        for (path, (target, kind)) in std::mem::take(&mut self.links) {
            wanted.entry(target).or_default().push((path, kind));
        }
        while let Some(change) = walk.next_change()? {
            let (ChangeKind::File(size), Some(names)) = (change.kind, wanted.get(&change.path))
            else {
                continue;
            };
            let limit = names
                .iter()
                .map(|(_, kind)| kind.limit())
                .max()
                .unwrap_or(0);
            let mut bytes = Vec::new();
            Content { walk, left: size }.read_up_to(limit, &mut bytes)?;
            for (path, kind) in names.iter().filter(|(_, kind)| size <= kind.limit()) {
                if let Some(finding) = kind.read(path, &bytes) {
                    self.own.insert(path.clone(), Arc::new(finding));
                }
            }
        }
        Ok(())
    }
}

/// The content of the file that a walk has come to.
struct Content<'c, 'a> {
    walk: &'c mut Walk<'a>,
    left: u64,
}

impl Content<'_, '_> {
    /// Reads on until there are so many bytes in all, or the file ends. Memory grows with what really comes.
    fn read_up_to(&mut self, count: u64, bytes: &mut Vec<u8>) -> Result<(), LayerError> {
        loop {
            let wanted = count
                .saturating_sub(bytes.len() as u64)
                .min(CHUNK)
                .min(self.left);
            if wanted == 0 {
                return Ok(());
            }
            let start = bytes.len();
            bytes.resize(start + wanted as usize, 0);
            let read = self.walk.read_content(&mut bytes[start..])?;
            bytes.truncate(start + read);
            self.left -= read as u64;
        }
    }
}
