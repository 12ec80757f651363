//! Holding the store to its promises: every blob has its digest, every layer its diff id, every
//! result what it refers to.
//!
//! A store that was killed or lost power verifies clean: what was unfinished is either invisible or
//! does not count. What is found here comes from failing disks, other programs, or errors of ours.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ci_oci::{Digest, DigestReader};
use serde::de::IgnoredAny;

use crate::durability::Standing;
use crate::error::Result;
use crate::files;
use crate::inventory::Inventory;
use crate::layers::LayerPaths;
use crate::lock::Waiting;
use crate::record::{self, Read};
use crate::results::{ResultRecord, refs_of};
use crate::store::{Inner, Store};
use crate::usage::Usage;

/// Computes the digest of a layer's canonical archive by packing it: knowledge the store does not have.
pub type Pack<'a> =
    &'a dyn Fn(&LayerPaths) -> Result<Digest, Box<dyn std::error::Error + Send + Sync>>;

/// Told how far a verification is: bytes done, and bytes in all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// What a verification found.
#[derive(Debug, Default)]
pub struct Report {
    /// What was examined.
    pub checked: Usage,
    /// The part of it that does not count since a power loss; a prune removes it.
    pub lost: Usage,
    /// What is broken, by path.
    pub problems: Vec<Problem>,
}

/// Something that is not as it should be.
#[derive(Debug)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The content has another digest than its name says.
    Digest(Digest),
    /// It cannot be read.
    Unreadable(String),
    /// Its record is damaged or missing.
    Record,
    /// It needs a layer or a blob that is not there.
    Dangling,
    /// It is nothing the store has put there.
    Stranger,
}

impl Report {
    /// Whether all is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Store {
    /// Examines everything in the store, reading all of it, while others may go on using it.
    ///
    /// # Errors
    /// The store cannot be listed. What is wrong with its content is in the report.
    pub fn verify(&self, pack: Pack<'_>, progress: Progress<'_>) -> Result<Report> {
        check(&self.inner, pack, progress)
    }

    /// As [`Store::verify`], and deletes what is broken: the next build makes it again. Like a
    /// prune it needs the store for itself.
    ///
    /// # Errors
    /// As [`Store::verify`]; [`crate::Error::Busy`]; or something cannot be deleted.
    pub fn repair(
        &mut self,
        pack: Pack<'_>,
        progress: Progress<'_>,
        waiting: Waiting<'_>,
    ) -> Result<Report> {
        self.exclusively(waiting, |store| {
            let report = check(store, pack, progress)?;
            for problem in &report.problems {
                remove(store, &problem.path)?;
            }
            // Those that referred to what is now gone.
            for result in Inventory::take(store)?.results {
                if !refs_of(&result.path).is_some_and(|refs| store.has_all(&refs)) {
                    files::remove_file(&result.path)?;
                }
            }
            Ok(report)
        })
    }
}

fn remove(store: &Inner, path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok_and(|m| m.is_dir()) {
        store.discard(path)
    } else {
        files::remove_file(path)
    }
}

fn check(store: &Inner, pack: Pack<'_>, progress: Progress<'_>) -> Result<Report> {
    let inventory = Inventory::take(store)?;
    let checked = inventory.usage();
    let mut report = Report {
        checked,
        ..Report::default()
    };
    let (mut done, total) = (0, checked.blobs.bytes + checked.layers.bytes);
    progress(done, total);

    for path in inventory.strangers {
        report.add(path, Fault::Stranger);
    }
    for blob in inventory.blobs {
        report.compare(&blob.path, &blob.what, digest_of(&blob.path));
        done += blob.size;
        progress(done, total);
    }
    let mut lost = HashSet::new();
    for layer in inventory.layers {
        match &layer.what {
            Standing::Whole(record) => {
                let packed = pack(&LayerPaths::of(&layer.path)).map_err(|error| chain(&*error));
                report.compare(&layer.path, &record.content, packed);
            }
            Standing::Lost => {
                lost.extend(Digest::from_hex(files::name(&layer.path)));
                report.lost.layers += layer.size;
            }
            Standing::Broken => report.add(layer.path, Fault::Record),
        }
        done += layer.size;
        progress(done, total);
    }
    for volume in inventory.volumes {
        match volume.what {
            Standing::Whole(_) => {}
            Standing::Lost => report.lost.volumes += volume.size,
            Standing::Broken => report.add(volume.path, Fault::Record),
        }
    }
    for result in inventory.results {
        match record::read::<ResultRecord<IgnoredAny>>(&result.path) {
            // Somebody has replaced or pruned it meanwhile.
            Read::Absent => {}
            Read::Blank => report.lost.results += result.size,
            Read::Broken => report.add(result.path, Fault::Record),
            Read::Whole(record) if !record.fits(&result.path) => {
                report.add(result.path, Fault::Record)
            }
            Read::Whole(record) if store.has_all(&record.refs) => {}
            Read::Whole(record) if record.refs.layers.iter().any(|layer| lost.contains(layer)) => {
                report.lost.results += result.size;
            }
            Read::Whole(_) => report.add(result.path, Fault::Dangling),
        }
    }
    report.problems.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(report)
}

impl Report {
    fn add(&mut self, path: PathBuf, fault: Fault) {
        self.problems.push(Problem { path, fault });
    }

    fn compare(&mut self, path: &Path, expected: &Digest, found: Result<Digest, String>) {
        match found {
            Ok(digest) if digest == *expected => {}
            Ok(digest) => self.add(path.to_owned(), Fault::Digest(digest)),
            Err(message) => self.add(path.to_owned(), Fault::Unreadable(message)),
        }
    }
}

fn digest_of(path: &Path) -> Result<Digest, String> {
    let hash = || -> io::Result<Digest> {
        let mut reader = DigestReader::new(std::fs::File::open(path)?);
        io::copy(&mut reader, &mut io::sink())?;
        Ok(reader.finish().1)
    };
    hash().map_err(|error| error.to_string())
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(found) => write!(f, "its content is {found}"),
            Self::Unreadable(message) => write!(f, "cannot be read: {message}"),
            Self::Record => f.write_str("its record is damaged"),
            Self::Dangling => f.write_str("something it needs is missing"),
            Self::Stranger => f.write_str("does not belong here"),
        }
    }
}

#[cfg(test)]
mod tests;
