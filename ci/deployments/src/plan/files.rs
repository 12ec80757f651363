//! Files while a plan is made: as they were read, with the changes so far.

use std::collections::BTreeMap;

use super::{FileChange, Refused};
use crate::{Contents, Entry};

#[derive(Debug)]
pub(super) struct Files<'a> {
    contents: &'a Contents,
    changes: BTreeMap<String, FileChange>,
}

impl<'a> Files<'a> {
    pub(super) fn new(contents: &'a Contents) -> Self {
        Self {
            contents,
            changes: BTreeMap::new(),
        }
    }

    /// Changes a file that must be there.
    pub(super) fn change(
        &mut self,
        path: &str,
        edit: impl FnOnce(&[u8]) -> Result<Vec<u8>, Refused>,
    ) -> Result<(), Refused> {
        let before = match self.changes.get(path) {
            Some(change) => &change.after,
            None => bytes(self.contents, path)?,
        };
        let after = edit(before)?;
        self.put(path, after);
        Ok(())
    }

    /// Replaces or makes a file.
    pub(super) fn put(&mut self, path: &str, after: Vec<u8>) {
        if let Some(change) = self.changes.get_mut(path) {
            change.after = after;
            return;
        }
        let (before, executable) = match self.contents.get(path) {
            Entry::File { bytes, executable } => (Some(bytes.clone()), *executable),
            _ => (None, false),
        };
        let change = FileChange {
            before,
            after,
            executable,
        };
        self.changes.insert(path.to_owned(), change);
    }

    /// The line, from 1, where a text stands in a file that was edited.
    pub(super) fn line_with(&self, path: &str, text: &str) -> Option<usize> {
        let after = String::from_utf8_lossy(&self.changes.get(path)?.after);
        let line = after.lines().position(|line| line.contains(text));
        line.map(|line| line + 1)
    }

    /// The files that differ from what was read.
    pub(super) fn into_changes(mut self) -> BTreeMap<String, FileChange> {
        self.changes
            .retain(|_, change| change.before.as_ref() != Some(&change.after));
        self.changes
    }
}

/// The bytes of a file that must be there.
pub(super) fn bytes<'a>(contents: &'a Contents, path: &str) -> Result<&'a [u8], Refused> {
    let entry = contents.get(path);
    let path = path.to_owned();
    match entry {
        Entry::File { bytes, .. } => Ok(bytes),
        Entry::Link => Err(Refused::Link { path }),
        Entry::Folder => Err(Refused::NotAFile { path }),
        Entry::Missing { nearby } => Err(Refused::Missing {
            path,
            nearby: nearby.clone(),
        }),
    }
}
