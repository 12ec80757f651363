//! What a layer changes, entry by entry, without a file system: for whoever wants to know some files of an image.

use std::io::Read;

use super::names::{self, Target};
use super::{LayerError, Limits};
use crate::Digest;
use crate::tar::{Bounds, Kind, Reader};

/// Reads a layer's archive. The archive is hostile until [`Walk::finish`] has returned.
///
/// Names are checked as [`super::unpack()`] does, and nothing is followed: whether a name leads through a link is left to the caller.
pub struct Walk<'a> {
    archive: Reader<'a>,
}

/// What an entry does to the file system below the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the root, in normal form: no `.`, no `..`, no slash at either end. Empty for the root itself.
    pub path: Vec<u8>,
    /// What becomes of it.
    pub kind: ChangeKind,
}

/// What becomes of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It is a directory; what lower layers have below it stays.
    Directory,
    /// It is a file of this many bytes. [`Walk::read_content`] reads them, before the next entry is asked for.
    File(u64),
    /// It is another name of this file of the same layer; the path is in normal form, too.
    HardLink(Vec<u8>),
    /// It is a symbolic link to what is written here.
    SymbolicLink(Vec<u8>),
    /// It is a device or a named pipe.
    Special,
    /// Lower layers have it no more. What this layer has at the path stays.
    Removed,
    /// It is a directory that has nothing of lower layers any more. What this layer has below it stays.
    Opaque,
}

impl<'a> Walk<'a> {
    /// Begins to read an uncompressed archive.
    pub fn new(tar: &'a mut dyn Read, limits: &Limits) -> Self {
        let bounds = Bounds {
            entries: limits.entries,
            name: limits.name,
            extended_header: limits.extended_header,
            size: limits.size,
        };
        Self {
            archive: Reader::new(tar, bounds),
        }
    }

    /// The next change, or `None` at the end. Content that was not read is passed over.
    ///
    /// # Errors
    /// When the archive is damaged or too large, or names something outside of it (L1, L5, L8, L9, L12).
    pub fn next_change(&mut self) -> Result<Option<Change>, LayerError> {
        while let Some(entry) = self.archive.next_entry()? {
            let refuse = |problem| LayerError::entry(&entry.path, problem);
            let (path, kind) = match names::target(&entry.path).map_err(refuse)? {
                Target::Ignored => continue,
                Target::Whiteout(path) => (path, ChangeKind::Removed),
                Target::Opaque(path) => (path, ChangeKind::Opaque),
                Target::Root if entry.kind != Kind::Directory => {
                    return Err(refuse(super::EntryProblem::Root));
                }
                Target::Root => (Vec::new(), ChangeKind::Directory),
                Target::Path(path) => {
                    let kind = match entry.kind {
                        Kind::Directory => ChangeKind::Directory,
                        Kind::File => ChangeKind::File(entry.size),
                        Kind::HardLink => {
                            ChangeKind::HardLink(names::relative(&entry.link).map_err(refuse)?)
                        }
                        Kind::SymbolicLink => ChangeKind::SymbolicLink(entry.link),
                        Kind::Character | Kind::Block | Kind::Fifo => ChangeKind::Special,
                    };
                    (path, kind)
                }
            };
            return Ok(Some(Change { path, kind }));
        }
        Ok(None)
    }

    /// Reads content of the file that was last given: zero bytes only at its end.
    ///
    /// # Errors
    /// When the archive ends or cannot be read.
    pub fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize, LayerError> {
        Ok(self.archive.read_content(buffer)?)
    }

    /// After the last change: makes sure that nothing follows. The digest of all that was read, the layer's diff id.
    ///
    /// # Errors
    /// When something does.
    pub fn finish(self) -> Result<Digest, LayerError> {
        let (diff_id, _, _) = self.archive.finish()?;
        Ok(diff_id)
    }
}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut add = |path: &str, kind: tar::EntryType, link: &str, content: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            if link.is_empty() {
                archive.append_data(&mut header, path, content).unwrap();
            } else {
                archive.append_link(&mut header, path, link).unwrap();
            }
        };
        use tar::EntryType::{Directory, Fifo, Link, Regular, Symlink};
        add("./a/", Directory, "", b"");
        add("a/file", Regular, "", b"content");
        add("a/same", Link, "/a/file", b"");
        add("a/link", Symlink, "../x", b"");
        add("a/pipe", Fifo, "", b"");
        add("a/.wh.gone", Regular, "", b"");
        add("b/.wh..wh..opq", Regular, "", b"");
        add(".wh..wh.plnk/1.2", Regular, "", b"");
        archive.into_inner().unwrap()
    }

    #[test]
    fn every_entry_is_a_change_and_bookkeeping_none() {
        let archive = archive();
        let mut tar = archive.as_slice();
        let mut walk = Walk::new(&mut tar, &Limits::default());
        let mut seen = Vec::new();
        while let Some(change) = walk.next_change().unwrap() {
            if change.kind == ChangeKind::File(7) {
                let mut content = [0; 16];
                assert_eq!(walk.read_content(&mut content).unwrap(), 7);
                assert_eq!(&content[..7], b"content");
                assert_eq!(walk.read_content(&mut content).unwrap(), 0);
            }
            seen.push((String::from_utf8(change.path).unwrap(), change.kind));
        }
        assert_eq!(walk.finish().unwrap(), Digest::of(&archive));
        let expected = [
            ("a", ChangeKind::Directory),
            ("a/file", ChangeKind::File(7)),
            ("a/same", ChangeKind::HardLink(b"a/file".to_vec())),
            ("a/link", ChangeKind::SymbolicLink(b"../x".to_vec())),
            ("a/pipe", ChangeKind::Special),
            ("a/gone", ChangeKind::Removed),
            ("b", ChangeKind::Opaque),
        ];
        assert_eq!(
            seen,
            expected
                .map(|(path, kind)| (path.to_owned(), kind))
                .to_vec()
        );
    }

    #[test]
    fn what_leads_out_of_the_layer_is_refused_l1_l6() {
        for (path, link) in [("a/../../x", ""), ("x", "../../etc/passwd")] {
            let mut header = tar::Header::new_gnu();
            let name = header.as_gnu_mut().unwrap();
            name.name[..path.len()].copy_from_slice(path.as_bytes());
            name.linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_entry_type(if link.is_empty() {
                tar::EntryType::Regular
            } else {
                tar::EntryType::Link
            });
            header.set_size(0);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_cksum();
            let mut tar = header.as_bytes().as_slice();
            let mut walk = Walk::new(&mut tar, &Limits::default());
            let error = walk.next_change().unwrap_err();
            assert!(matches!(
                error,
                LayerError::Entry {
                    problem: super::super::EntryProblem::Parent,
                    ..
                }
            ));
        }
    }
}
