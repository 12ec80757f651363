//! What differs between two lock files, and between a lock file and what is needed.

use std::collections::BTreeSet;
use std::fmt;

use super::{LOCK_FILE, Lock};

/// An image that is not the same in two lock files. Displays as one line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LockChange {
    /// Only the later one has it.
    Added {
        /// The image.
        reference: String,
        /// Its digest.
        digest: String,
    },
    /// Only the earlier one has it.
    Removed {
        /// The image.
        reference: String,
        /// The digest it had.
        digest: String,
    },
    /// Both have it, with different digests: the tag was moved.
    Moved {
        /// The image.
        reference: String,
        /// The earlier digest.
        from: String,
        /// The later digest.
        to: String,
    },
}

/// What keeps a lock file from being the one of what is needed. Displays as a message of several lines.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LockDrift {
    /// What is needed, but has no digest, ordered.
    pub missing: Vec<String>,
    /// What has a digest, but is not needed, ordered.
    pub unused: Vec<String>,
}

impl Lock {
    /// What `later` has otherwise, ordered by reference.
    #[must_use]
    pub fn changes(&self, later: &Self) -> Vec<LockChange> {
        let references: BTreeSet<&String> = self.images.keys().chain(later.images.keys()).collect();
        let change = |reference: &String| {
            let reference = reference.clone();
            match (
                self.images.get(&reference).cloned(),
                later.images.get(&reference).cloned(),
            ) {
                (None, Some(digest)) => Some(LockChange::Added { reference, digest }),
                (Some(digest), None) => Some(LockChange::Removed { reference, digest }),
                (Some(from), Some(to)) if from != to => Some(LockChange::Moved {
                    reference,
                    from,
                    to,
                }),
                _ => None,
            }
        };
        references.into_iter().filter_map(change).collect()
    }

    /// How this differs from a lock of what is `needed`, given as canonical references. Those with a digest of their own need none
    /// from here.
    #[must_use]
    pub fn drift<'a>(&self, needed: impl IntoIterator<Item = &'a str>) -> LockDrift {
        let needed: BTreeSet<&str> = needed
            .into_iter()
            .filter(|reference| !reference.contains('@'))
            .collect();
        let missing = needed.iter().filter(|it| !self.images.contains_key(**it));
        let unused = self
            .images
            .keys()
            .filter(|it| !needed.contains(it.as_str()));
        LockDrift {
            missing: missing.map(|it| (*it).to_owned()).collect(),
            unused: unused.cloned().collect(),
        }
    }
}

impl LockDrift {
    /// Whether the lock file is just that of what is needed.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty()
    }
}

impl fmt::Display for LockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { reference, digest } => write!(f, "{reference} added: {}", Short(digest)),
            Self::Removed { reference, digest } => {
                write!(f, "{reference} removed: {}", Short(digest))
            }
            Self::Moved {
                reference,
                from,
                to,
            } => write!(f, "{reference} moved: {} -> {}", Short(from), Short(to)),
        }
    }
}

impl fmt::Display for LockDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return write!(f, "{LOCK_FILE} is up to date");
        }
        write!(f, "{LOCK_FILE} is not that of this catalog:")?;
        for reference in &self.missing {
            write!(f, "\n  {reference} is used, but not locked")?;
        }
        for reference in &self.unused {
            write!(f, "\n  {reference} is locked, but not used")?;
        }
        Ok(())
    }
}

/// As much of a digest as people compare.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = "sha256:0123456789ab".len();
        f.write_str(self.0.get(..SHOWN).unwrap_or(self.0))
    }
}
