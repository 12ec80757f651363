//! The files of a deployments repository that a plan needs: read by a writer, at one commit, before the plan is made.

use std::collections::BTreeMap;

/// Files by their paths from the root, at one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<String, Entry>);

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// A file.
    File {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Git's executable bit.
        executable: bool,
    },
    /// A symbolic link, which is never followed.
    Link,
    /// A folder, or another repository.
    Folder,
    /// Nothing.
    Missing {
        /// What the nearest folder that exists holds, from the root; not necessarily all of it.
        nearby: Vec<String>,
    },
}

impl Contents {
    /// Adds what stands at a path.
    pub fn insert(&mut self, path: impl Into<String>, entry: Entry) {
        self.0.insert(path.into(), entry);
    }

    /// Everything that is known, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// What stands at a path; nothing known counts as missing.
    pub fn get(&self, path: &str) -> &Entry {
        const MISSING: &Entry = &Entry::Missing { nearby: Vec::new() };
        self.0.get(path).unwrap_or(MISSING)
    }

    /// Whether the same stands at every path. What is near to nothing is no matter.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let mut paths = self.0.keys().chain(other.0.keys());
        paths.all(|path| match (self.get(path), other.get(path)) {
            (Entry::Missing { .. }, Entry::Missing { .. }) => true,
            (one, other) => one == other,
        })
    }
}

impl<P: Into<String>> FromIterator<(P, Entry)> for Contents {
    fn from_iter<I: IntoIterator<Item = (P, Entry)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(path, entry)| (path.into(), entry))
                .collect(),
        )
    }
}

impl Entry {
    /// A file without the executable bit.
    pub fn file(bytes: impl Into<Vec<u8>>) -> Self {
        Self::File {
            bytes: bytes.into(),
            executable: false,
        }
    }
}
