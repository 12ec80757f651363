//! Results: what an operation gave, under the key of the operation, with the layers and blobs it
//! needs.
//!
//! A result is a record in `results/<kind>/<2 hex>/<hex>`. It is only ever an answer when it is
//! whole, filed under its own key, and everything it refers to is there; otherwise it is removed
//! and the operation runs again (C4). Its modification time is the time of its last use, to the
//! hour: what was used least recently goes first when space is short.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ci_oci::profile::PROFILE;
use ci_oci::{Descriptor, Digest};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;
use crate::record::{self, Read};
use crate::store::{Inner, Store};

/// How exact the time of last use is: writing it more often would make reading a cache a lot of
/// writing.
const USE_STEP: Duration = Duration::from_secs(3600);

/// What a result needs to be of use; it keeps them from being pruned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refs {
    /// Diff ids of layers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Digest>,
    /// Digests of blobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Digest>,
}

/// The file of a result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResultRecord<T> {
    pub(crate) kind: String,
    pub(crate) key: Digest,
    #[serde(default)]
    pub(crate) refs: Refs,
    pub(crate) value: T,
}

impl Store {
    /// The result of kind `kind` under `key`; `None` if there is none that can be relied upon.
    /// Counts as a use.
    #[must_use]
    pub fn result<T: DeserializeOwned>(&self, kind: &str, key: &Digest) -> Option<T> {
        let path = self.inner.result_path(kind, key).ok()?;
        let record: ResultRecord<T> = match record::read(&path) {
            Read::Absent => return None,
            Read::Blank | Read::Broken => return discard(&path),
            Read::Whole(record) => record,
        };
        if !record.fits(&path) || !self.inner.has_all(&record.refs) {
            return discard(&path);
        }
        touch(&path);
        Some(record.value)
    }

    /// Records a result. `kind` (lower-case letters, digits, `-`) names the type of `value` and its
    /// version: changing the type means another kind. What `refs` names must be in the store.
    ///
    /// # Errors
    /// It cannot be encoded or written.
    pub fn put_result<T: Serialize>(
        &self,
        kind: &str,
        key: &Digest,
        value: &T,
        refs: Refs,
    ) -> Result<()> {
        let path = self.inner.result_path(kind, key)?;
        let record = ResultRecord {
            kind: kind.to_owned(),
            key: *key,
            refs,
            value,
        };
        let bytes = record::encode(&record).map_err(|source| Error::Encode {
            kind: kind.to_owned(),
            source,
        })?;
        files::replace(&path, &self.inner.session.path()?, &bytes, false)?;
        self.inner.wrote(false);
        Ok(())
    }

    /// The blob that is the layer's compressed form under the assembly profile of this program, if
    /// the store has it.
    #[must_use]
    pub fn compressed(&self, diff_id: &Digest) -> Option<Descriptor> {
        self.result(&compressed(), diff_id)
    }

    /// Records a blob of the store as the compressed form of a layer.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put_compressed(&self, diff_id: &Digest, blob: &Descriptor) -> Result<()> {
        let refs = Refs {
            layers: Vec::new(),
            blobs: vec![blob.digest],
        };
        self.put_result(&compressed(), diff_id, blob, refs)
    }
}

impl<T> ResultRecord<T> {
    /// Whether it lies where it belongs.
    pub(crate) fn fits(&self, path: &Path) -> bool {
        let kind = path.parent().and_then(Path::parent).map(files::name);
        kind == Some(&self.kind) && files::name(path) == self.key.hex()
    }
}

/// What the result in this file refers to; `None` if it is no answer.
pub(crate) fn refs_of(path: &Path) -> Option<Refs> {
    let record: ResultRecord<IgnoredAny> = record::read(path).whole()?;
    record.fits(path).then_some(record.refs)
}

impl Inner {
    fn result_path(&self, kind: &str, key: &Digest) -> Result<PathBuf> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if kind.is_empty() || !kind.bytes().all(plain) {
            return Err(Error::Kind(kind.to_owned()));
        }
        let hex = key.hex();
        Ok(self
            .root
            .join("results")
            .join(kind)
            .join(&hex[..2])
            .join(hex))
    }

    pub(crate) fn has_all(&self, refs: &Refs) -> bool {
        refs.layers.iter().all(|layer| self.layer(layer).is_some())
            && refs.blobs.iter().all(|blob| self.has_blob(blob))
    }
}

/// The kind of the results that say which blob is a layer's compressed form.
fn compressed() -> String {
    format!("compressed-{PROFILE}")
}

/// Removes a result that is no answer, and answers so.
fn discard<T>(path: &Path) -> Option<T> {
    drop(fs::remove_file(path));
    None
}

/// Notes a use. That it fails (a cache on a read-only disk) is no reason to run the operation
/// again.
fn touch(path: &Path) {
    let now = SystemTime::now();
    let stale = |used: SystemTime| now.duration_since(used).map_or(true, |age| age >= USE_STEP);
    if fs::metadata(path)
        .and_then(|m| m.modified())
        .is_ok_and(stale)
    {
        drop(File::open(path).and_then(|file| file.set_times(FileTimes::new().set_modified(now))));
    }
}

#[cfg(test)]
mod tests;
