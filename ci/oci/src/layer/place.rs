//! The layer directory while an archive is unpacked into it: finding, making and removing names without ever leaving it.
//!
//! Every parent is opened by the kernel with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS`, so no entry reaches through a link that an
//! earlier entry made (L2, L4), and the last name is only used with calls that do not follow links (L6, L7).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, mkdirat, openat, openat2, statat,
    unlinkat,
};
use rustix::io::Errno;

use super::LayerError;
use super::error::EntryProblem;
use super::names::{join, split};

type Result<T> = std::result::Result<T, LayerError>;

/// Until it gets its own: nobody else's business.
pub(super) const PRIVATE: Mode = Mode::RWXU;

/// What was changed to make a name or its parents possible.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// This directory was made, because something lies in it.
    Implied(Vec<u8>),
    /// A whiteout of this name gave way to a directory, which therefore hides what lower layers have there.
    Opaque(Vec<u8>),
    /// This name, and everything below it, was removed.
    Removed(Vec<u8>),
}

pub(super) struct Place<'a> {
    root: BorrowedFd<'a>,
    /// The parent opened last: entries of one directory follow each other.
    last: Option<(Vec<u8>, Rc<OwnedFd>)>,
    pub(super) changes: Vec<Change>,
}

/// What exists under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Directory,
    Whiteout,
    Other,
}

impl Existing {
    fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Self::Directory,
            // Only whiteouts have this number here: an archive's own device 0:0 is never made.
            FileType::CharacterDevice if stat.st_rdev == 0 => Self::Whiteout,
            _ => Self::Other,
        }
    }
}

impl<'a> Place<'a> {
    pub(super) fn new(root: BorrowedFd<'a>) -> Self {
        Self {
            root,
            last: None,
            changes: Vec::new(),
        }
    }

    /// The directory at `path`, for use as a parent; missing ones are made.
    pub(super) fn directory(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>> {
        if let Some((last, dir)) = &self.last
            && last == path
        {
            return Ok(Rc::clone(dir));
        }
        let dir = match self.open(path, OFlags::PATH) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR) => self.make_parents(path)?,
            Err(errno) => return Err(refused(errno, path)),
        };
        let dir = Rc::new(dir);
        self.last = Some((path.to_vec(), Rc::clone(&dir)));
        Ok(dir)
    }

    /// The directory that holds `path`, if it exists: nothing is made.
    pub(super) fn existing_parent(&self, path: &[u8]) -> std::result::Result<OwnedFd, Errno> {
        self.open(split(path).0, OFlags::PATH)
    }

    /// Opens the directory at `path`, of which no part may be a symbolic link.
    pub(super) fn open(&self, path: &[u8], how: OFlags) -> std::result::Result<OwnedFd, Errno> {
        let path = if path.is_empty() {
            b".".as_slice()
        } else {
            path
        };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | how;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        loop {
            match openat2(self.root, path, flags, Mode::empty(), resolve) {
                // A rename somewhere in the system raced with the walk.
                Err(Errno::AGAIN) => {}
                other => return other,
            }
        }
    }

    /// Makes the directories of `path` that are missing, from the top.
    fn make_parents(&mut self, path: &[u8]) -> Result<OwnedFd> {
        let mut made = Vec::new();
        let mut dir = self
            .open(b"", OFlags::PATH)
            .map_err(|errno| refused(errno, b""))?;
        for part in path.split(|byte| *byte == b'/') {
            let here = join(&made, part);
            match self.examine(dir.as_fd(), &here)? {
                None => {
                    mkdirat(&dir, part, PRIVATE).map_err(LayerError::io("make", &here))?;
                    self.changes.push(Change::Implied(here.clone()));
                }
                Some(Existing::Whiteout) => {
                    self.replace_whiteout(dir.as_fd(), &here)?;
                    self.changes.push(Change::Implied(here.clone()));
                }
                Some(_) => {}
            }
            dir = self
                .open(&here, OFlags::PATH)
                .map_err(|errno| refused(errno, &here))?;
            made = here;
        }
        Ok(dir)
    }

    /// What is at `path`, in its parent `dir`.
    pub(super) fn examine(&self, dir: BorrowedFd<'_>, path: &[u8]) -> Result<Option<Existing>> {
        match statat(dir, split(path).1, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Existing::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(LayerError::io("examine", path)(errno)),
        }
    }

    /// Makes a directory at `path` in its parent `dir`, in place of anything else; an existing one stays.
    pub(super) fn make_directory(&mut self, dir: BorrowedFd<'_>, path: &[u8]) -> Result<()> {
        let name = split(path).1;
        match mkdirat(dir, name, PRIVATE) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(LayerError::io("make", path)(errno)),
        }
        match self.examine(dir, path)? {
            Some(Existing::Directory) => Ok(()),
            Some(Existing::Whiteout) => self.replace_whiteout(dir, path),
            _ => {
                self.remove(dir, path)?;
                mkdirat(dir, name, PRIVATE).map_err(LayerError::io("make", path))
            }
        }
    }

    fn replace_whiteout(&mut self, dir: BorrowedFd<'_>, path: &[u8]) -> Result<()> {
        let name = split(path).1;
        unlinkat(dir, name, AtFlags::empty()).map_err(LayerError::io("replace", path))?;
        mkdirat(dir, name, PRIVATE).map_err(LayerError::io("make", path))?;
        self.changes.push(Change::Opaque(path.to_vec()));
        Ok(())
    }

    /// Makes something at `path` that is no directory, in place of whatever is there: the last entry of a name wins (L12).
    pub(super) fn make<T>(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &[u8],
        mut make: impl FnMut(&[u8]) -> rustix::io::Result<T>,
    ) -> Result<T> {
        let name = split(path).1;
        match make(name) {
            Err(Errno::EXIST) => {
                self.remove(dir, path)?;
                make(name).map_err(LayerError::io("make", path))
            }
            other => other.map_err(LayerError::io("make", path)),
        }
    }

    /// Removes whatever is at `path`.
    fn remove(&mut self, dir: BorrowedFd<'_>, path: &[u8]) -> Result<()> {
        // The remembered directory stays right: it is the parent of `path`, never something below it.
        remove_tree(dir, split(path).1).map_err(LayerError::io("replace", path))?;
        self.changes.push(Change::Removed(path.to_vec()));
        Ok(())
    }
}

fn remove_tree(dir: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        other => return other,
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = openat(dir, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&inner)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            remove_tree(inner.as_fd(), name.to_bytes())?;
        }
    }
    unlinkat(dir, name, AtFlags::REMOVEDIR)
}

/// What the kernel's refusal to walk a path means.
pub(super) fn refused(errno: Errno, path: &[u8]) -> LayerError {
    match errno {
        Errno::LOOP | Errno::XDEV => LayerError::entry(path, EntryProblem::ThroughLink),
        Errno::NOTDIR => LayerError::entry(path, EntryProblem::ThroughFile),
        errno => LayerError::io("open", path)(errno),
    }
}
