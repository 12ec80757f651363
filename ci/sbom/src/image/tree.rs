//! What a container would see of the files that name packages: findings by path, with what upper layers do to lower ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::sources::{Finding, System};

/// Packages and licences that are kept of one image. The largest that people publish have some ten thousand.
const MAX_WEIGHT: usize = 250_000;

/// Findings by path. Files that say nothing are not in it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<Vec<u8>, Arc<Finding>>,
    /// How much was ever inserted.
    weight: usize,
    /// What of the image could not be read at all.
    gaps: BTreeSet<String>,
}

impl Tree {
    /// Something is at a path that is no directory: what was there and below is not any more, and what is above is a directory.
    pub(super) fn replace(&mut self, path: &[u8]) {
        self.files.remove(path);
        self.clear(path);
        self.imply(path);
    }

    /// There is a directory at a path, so neither there nor above is a file.
    pub(super) fn directory(&mut self, path: &[u8]) {
        self.files.remove(path);
        self.imply(path);
    }

    /// What is above a path are directories.
    fn imply(&mut self, path: &[u8]) {
        for (at, byte) in path.iter().enumerate() {
            if *byte == b'/' {
                self.files.remove(&path[..at]);
            }
        }
    }

    /// Removes what is at a path and below.
    pub(super) fn remove(&mut self, path: &[u8]) {
        self.files.remove(path);
        self.clear(path);
    }

    /// Removes what is below a path; of the empty path, everything.
    pub(super) fn clear(&mut self, path: &[u8]) {
        if path.is_empty() {
            self.files.clear();
            return;
        }
        // `0` is the byte after the slash.
        let below = [path, b"/"].concat()..[path, b"0"].concat();
        self.files.extract_if(below, |_, _| true).for_each(drop);
    }

    /// The place for a layer on top of this. Both together keep no more than one.
    pub(super) fn above(&self) -> Self {
        Self {
            weight: self.files.values().map(|it| it.weight()).sum(),
            ..Self::default()
        }
    }

    /// A file says this.
    pub(super) fn insert(&mut self, path: Vec<u8>, finding: Arc<Finding>) {
        self.weight = self.weight.saturating_add(finding.weight());
        if self.weight <= MAX_WEIGHT {
            self.files.insert(path, finding);
        } else {
            self.gap(format!("more than {MAX_WEIGHT} packages and licences"));
        }
    }

    /// What a file says.
    pub(super) fn get(&self, path: &[u8]) -> Option<&Arc<Finding>> {
        self.files.get(path)
    }

    /// Says that something could not be read.
    pub(super) fn gap(&mut self, what: String) {
        self.gaps.insert(what);
    }

    /// Puts what a layer has on top.
    pub(super) fn add(&mut self, layer: Self) {
        self.files.extend(layer.files);
        self.gaps.extend(layer.gaps);
    }

    /// Everything that was found, by path.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&[u8], &Finding)> {
        self.files.iter().map(|(path, it)| (path.as_slice(), &**it))
    }

    /// The distribution: `etc` comes before `usr`, and so it should.
    pub(super) fn system(&self) -> Option<System> {
        self.files.values().find_map(|it| match &**it {
            Finding::System(system) => Some(system.clone()),
            _ => None,
        })
    }

    /// What could not be read at all.
    pub(super) fn gaps(&self) -> impl Iterator<Item = &String> {
        self.gaps.iter()
    }
}
