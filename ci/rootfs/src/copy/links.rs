//! Files with several names, and names that share a file's bytes: how copies of them are made.

use std::collections::{HashMap, HashSet};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags};
use rustix::io::Errno;

use super::Job;
use crate::error::{Context, Result};
use crate::merged::Metadata;
use crate::upper::{self, name_of};

/// What is known of the inodes met while copying.
#[derive(Default)]
pub(super) struct Links {
    /// Where the first name of a file was copied to, by the layer it is in and its inode. One source's only: names that are
    /// asked for separately become separate files.
    pub(super) copied: HashMap<(usize, u64), PathBuf>,
    /// Inodes of the source's layers that the new layer shares.
    shared: HashSet<u64>,
}

impl Job<'_, '_> {
    /// What names of one file have in common, if it has several. Two layers may share an inode to save space: that makes
    /// their names no names of one file.
    pub(super) fn file_of(&self, canonical: &Path, metadata: &Metadata) -> Option<(usize, u64)> {
        let inode = metadata.shared_inode?;
        Some((self.source.provider(canonical)?.layer, inode))
    }

    /// Shares the file with the layer it is in, if it is there with the very metadata the copy would have. Layers are
    /// never written to, so sharing is safe; a second link in one layer would look like a hard link and is not made.
    pub(super) fn share(
        &mut self,
        parent: BorrowedFd<'_>,
        canonical: &Path,
        target: &Path,
        metadata: &Metadata,
    ) -> Result<bool> {
        let is_stamped = metadata.mtime == (upper::MTIME.tv_sec, 0);
        if !is_stamped || !self.shares || self.source.recorded_owner(canonical).is_some() {
            return Ok(false);
        }
        let Some(provided) = self.source.provider(canonical) else {
            return Ok(false);
        };
        if !self.links.shared.insert(provided.stat.st_ino) {
            return Ok(false);
        }
        let (from, to) = (name_of(canonical)?, name_of(target)?);
        match fs::linkat(provided.dir(), from, parent, to, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error).context("link", target),
        }
    }
}
