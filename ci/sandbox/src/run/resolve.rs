//! Where a path inside an image leads: links are followed inside the image only, and what does not exist is named instead of made.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path};

use rustix::fs::{FileType, Mode, OFlags, fstat, openat, readlinkat};
use rustix::io::Errno;

/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;

/// A path without links and dots, split where the image ends.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The names that exist, from the root, each opened without following links.
    pub(crate) existing: Vec<(OsString, OwnedFd)>,
    /// The names below that do not.
    pub(crate) missing: Vec<OsString>,
}

impl Resolved {
    /// Type of what the path leads to; `None` if it does not exist.
    pub(crate) fn file_type(&self) -> io::Result<Option<FileType>> {
        match (&*self.missing, self.existing.last()) {
            ([], Some((_, last))) => Ok(Some(FileType::from_raw_mode(fstat(last)?.st_mode))),
            ([], None) => Ok(Some(FileType::Directory)),
            _ => Ok(None),
        }
    }
}

/// Resolves `path` inside `root`. Nothing else may change what is below `root` meanwhile (it is a mount only we can see).
///
/// Each name is opened relative to its parent and never through a link, so the walk cannot leave `root`: an absolute link starts
/// again at `root`, and `..` there stays there. A link to something missing leads to the place where it would be.
pub(crate) fn resolve(root: impl AsFd, path: &Path) -> io::Result<Resolved> {
    let mut existing: Vec<(OsString, OwnedFd)> = Vec::new();
    let mut missing: Vec<OsString> = Vec::new();
    let mut links = 0;
    let mut ahead = VecDeque::new();
    push_front(&mut ahead, path);

    while let Some(step) = ahead.pop_front() {
        let name = match step {
            Step::Root => {
                existing.clear();
                missing.clear();
                continue;
            }
            Step::Up => {
                if missing.pop().is_none() {
                    existing.pop();
                }
                continue;
            }
            Step::Down(name) => name,
        };
        if !missing.is_empty() {
            missing.push(name);
            continue;
        }
        let parent = existing.last().map_or(root.as_fd(), |(_, fd)| fd.as_fd());
        let child = match openat(
            parent,
            &name,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(child) => child,
            Err(Errno::NOENT) => {
                missing.push(name);
                continue;
            }
            Err(errno) => return Err(errno.into()),
        };
        if FileType::from_raw_mode(fstat(&child)?.st_mode) == FileType::Symlink {
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = OsString::from_vec(readlinkat(&child, "", Vec::new())?.into_bytes());
            push_front(&mut ahead, Path::new(&target));
        } else {
            existing.push((name, child));
        }
    }
    Ok(Resolved { existing, missing })
}

enum Step {
    Root,
    Up,
    Down(OsString),
}

fn push_front(ahead: &mut VecDeque<Step>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Prefix(_) | Component::CurDir => {}
            Component::RootDir => ahead.push_front(Step::Root),
            Component::ParentDir => ahead.push_front(Step::Up),
            Component::Normal(name) => ahead.push_front(Step::Down(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
