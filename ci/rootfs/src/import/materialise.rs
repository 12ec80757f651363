//! The copying of what a scan saw.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use ci_oci::{Digest, DigestWriter};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{BUFFER, DIRECTORY, Node, READ, Tree, digest_of, pour};
use crate::error::{Context, Error, Result};
use crate::upper::{STAMP, stamp};

/// Copies a scanned tree into the empty layer directory `into`. A file that the layer directory `like` (an earlier import of
/// the same place) holds at the same path with the same content and mode is shared with it instead of being copied.
///
/// # Errors
/// [`Error::Changed`] when a file is no longer what the scan saw, and when the system refuses.
pub fn materialise(tree: &Tree, root: &Path, into: &Path, like: Option<&Path>) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    let open = |path: &Path| fs::open(path, DIRECTORY, Mode::empty());
    let mut dirs = vec![Open {
        path: PathBuf::new(),
        from: open(root).ok(),
        into: open(into).context("open", into)?,
        like: like.and_then(|like| open(like).ok()),
    }];
    for entry in &tree.entries {
        let parent = entry.path.parent().unwrap_or(Path::new(""));
        // What a directory contains follows it, so whatever is not above this entry is complete.
        while dirs.len() > 1
            && let Some(dir) = dirs.pop_if(|dir| dir.path != parent)
        {
            dir.finish(into)?;
        }
        let (Some(dir), Some(name)) = (dirs.last(), entry.path.file_name().map(Path::new)) else {
            continue;
        };
        let target = into.join(&entry.path);
        match &entry.node {
            Node::Directory => {
                let inner = dir
                    .enter(name, entry.path.clone())
                    .context("create", target)?;
                dirs.push(inner);
            }
            Node::Symlink(link) => {
                fs::symlinkat(link, &dir.into, name).context("create", &target)?;
                stamp(dir.into.as_fd(), name).context("set the time of", &target)?;
            }
            Node::File { digest, executable } => {
                if !dir.shares(name, digest, *executable, &mut buffer) {
                    let from = root.join(&entry.path);
                    let mode = if *executable { 0o755 } else { 0o644 };
                    dir.copy(name, digest, mode, &mut buffer, (&from, &target))?;
                }
            }
        }
    }
    dirs.drain(1..).rev().try_for_each(|dir| dir.finish(into))
}

/// A directory that is being copied.
struct Open {
    /// Below the roots.
    path: PathBuf,
    /// On the host, if it still is one.
    from: Option<OwnedFd>,
    /// In the layer.
    into: OwnedFd,
    /// In the earlier import, if it was there.
    like: Option<OwnedFd>,
}

impl Open {
    /// Makes a directory in this one.
    fn enter(&self, name: &Path, path: PathBuf) -> rustix::io::Result<Self> {
        let mode = Mode::from_raw_mode(0o755);
        fs::mkdirat(&self.into, name, mode)?;
        let into = fs::openat(&self.into, name, DIRECTORY, Mode::empty())?;
        fs::fchmod(&into, mode)?;
        let open = |dir: &OwnedFd| fs::openat(dir, name, DIRECTORY, Mode::empty()).ok();
        Ok(Self {
            path,
            from: self.from.as_ref().and_then(open),
            into,
            like: self.like.as_ref().and_then(open),
        })
    }

    /// To be called last, since creating something in a directory changes its time.
    fn finish(self, root: &Path) -> Result<()> {
        stamp(self.into.as_fd(), Path::new(".")).context("set the time of", root.join(self.path))
    }

    /// Shares a file with the earlier import, if that has what the scan saw. Its digest is computed anew: reading a small file
    /// from the page cache costs less than creating one.
    fn shares(&self, name: &Path, digest: &Digest, executable: bool, buffer: &mut [u8]) -> bool {
        let Some(like) = &self.like else {
            return false;
        };
        let is_same = digest_of(like, name, buffer).is_ok_and(|(found, stat)| {
            FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
                && (stat.st_mode & 0o100 != 0) == executable
                && found == *digest
        });
        is_same && fs::linkat(like, name, &self.into, name, AtFlags::empty()).is_ok()
    }

    /// Copies a file from the host; `from` and `to` are its names for people.
    fn copy(
        &self,
        name: &Path,
        digest: &Digest,
        mode: u32,
        buffer: &mut [u8],
        (from, to): (&Path, &Path),
    ) -> Result<()> {
        let changed = || Error::Changed(from.display().to_string());
        let dir = self.from.as_ref().ok_or_else(changed)?;
        let input = match fs::openat(dir, name, READ, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP) => return Err(changed()),
            other => File::from(other.context("open", from)?),
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let output = fs::openat(&self.into, name, flags, Mode::from_raw_mode(0o600));
        let mut output = DigestWriter::new(File::from(output.context("create", to)?));
        pour(input, &mut output, buffer).context("copy", from)?;
        let (output, found, _) = output.finish();
        if found != *digest {
            return Err(changed());
        }
        fs::fchmod(&output, Mode::from_raw_mode(mode)).context("set the mode of", to)?;
        fs::futimens(&output, &STAMP).context("set the time of", to)
    }
}
