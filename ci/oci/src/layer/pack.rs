//! From a layer directory to its canonical tar.
//!
//! Never follows a symbolic link: every name is opened relative to the descriptor of its directory. Memory is bounded by the names of
//! the directories on the way to the current entry and by the table of hard links. A small file costs five system calls.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, fstat, major, minor, openat, readlinkat, statat,
};
use rustix::io::Errno;

use super::error::PackProblem;
use super::names::{OPAQUE, WHITEOUT, split};
use super::sink::Sink;
use super::source::{Listing, OpenError, Source};
use super::xattr::{self, AttributeError, Attributes};
use super::{DiskIds, LayerError, PackOptions, Packed};
use crate::tar::{self, Entry, Kind, MTIME};
use crate::{Device, DeviceKind, Owners};

/// Linux opens nothing longer (PATH_MAX without its NUL).
const MAX_PATH: usize = 4095;

type Result<T> = std::result::Result<T, LayerError>;

/// Writes the layer directory `dir` as its canonical tar: the same bytes for the same content, whatever the order, times and
/// ownership on disk.
///
/// What its own mode forbids to read (possible without root) is made readable while it is read. The directory must not change
/// meanwhile; where that is noticed it is an error.
pub fn pack(
    dir: BorrowedFd<'_>,
    owners: &Owners,
    options: &PackOptions,
    out: &mut (dyn Write + Send),
) -> Result<Packed> {
    std::thread::scope(|scope| {
        let mut packer = Packer {
            sink: Sink::new(scope, out),
            owners,
            options,
            path: Vec::new(),
            links: HashMap::new(),
            attributes: Vec::new(),
            listing: Vec::with_capacity(32 << 10),
            entries: 0,
        };
        packer.root(dir)?;
        let Packer {
            mut sink, entries, ..
        } = packer;
        sink.buffer().extend_from_slice(&tar::END);
        let (diff_id, size) = sink.finish().map_err(LayerError::Write)?;
        Ok(Packed {
            diff_id,
            size,
            entries,
        })
    })
}

struct Packer<'scope, 'env> {
    sink: Sink<'scope, 'env>,
    owners: &'env Owners,
    options: &'env PackOptions,
    /// Path of the current entry.
    path: Vec<u8>,
    /// First name of every file that has several.
    links: HashMap<(u64, u64), Vec<u8>>,
    /// Space for extended attributes.
    attributes: Vec<u8>,
    /// Space for directory listings.
    listing: Vec<u8>,
    entries: u64,
}

impl Packer<'_, '_> {
    fn root(&mut self, dir: BorrowedFd<'_>) -> Result<()> {
        // An open file of its own: a shared one would share the position in the listing.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(dir, c".", flags, Mode::empty()).map_err(self.io("open"))?;
        let stat = fstat(&dir).map_err(self.io("examine"))?;
        let attributes = self.attributes(&dir)?;
        if self.options.root_entry {
            let mut entry = self.entry(Kind::Directory, &stat, b"");
            entry.path = b"./".to_vec();
            entry.xattrs.extend(attributes.kept);
            self.put(&entry)?;
        }
        self.contents(&dir, attributes.opaque)
    }

    /// Everything in a directory, sorted by name; each directory is followed by what is in it.
    fn contents(&mut self, dir: &OwnedFd, opaque: bool) -> Result<()> {
        if opaque {
            self.marker(OPAQUE)?;
        }
        let listing = Listing::read(dir, &mut self.listing).map_err(self.io("list"))?;
        for (name, kind) in listing.iter() {
            let length = self.path.len();
            self.descend(name.to_bytes());
            if self.path.len() > MAX_PATH {
                return Err(self.problem(PackProblem::LongPath));
            }
            if name.to_bytes().starts_with(WHITEOUT) {
                return Err(self.problem(PackProblem::ReservedName));
            }
            match kind {
                FileType::Directory => self.directory(dir, name)?,
                FileType::RegularFile => self.file(dir, name)?,
                _ => self.other(dir, name)?,
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn directory(&mut self, parent: &OwnedFd, name: &CStr) -> Result<()> {
        let dir = Source::open(parent, name, FileType::Directory).map_err(self.refused())?;
        let done = self.opened_directory(&dir);
        dir.close().map_err(self.io("restore the mode of"))?;
        done
    }

    fn opened_directory(&mut self, dir: &Source) -> Result<()> {
        let attributes = self.attributes(&dir.file)?;
        let mut entry = self.entry(Kind::Directory, &dir.stat, &self.path);
        entry.xattrs.extend(attributes.kept);
        self.put(&entry)?;
        self.contents(&dir.file, attributes.opaque)
    }

    fn file(&mut self, dir: &OwnedFd, name: &CStr) -> Result<()> {
        let file = Source::open(dir, name, FileType::RegularFile).map_err(self.refused())?;
        // Attributes are guarded by the mode as it is now, the content of an open file is not.
        let described = self.describe(&file);
        let file = file.close().map_err(self.io("restore the mode of"))?;
        match described? {
            Some(entry) => {
                self.put(&entry)?;
                self.content(&file, entry.size)
            }
            None => Ok(()),
        }
    }

    /// The entry of an open file, unless it was written as a hard link.
    fn describe(&mut self, file: &Source) -> Result<Option<Entry>> {
        if self.linked(&file.stat)? {
            return Ok(None);
        }
        let mut entry = self.entry(Kind::File, &file.stat, &self.path);
        if entry.kind == Kind::File {
            entry.size = u64::try_from(file.stat.st_size).unwrap_or_default();
        }
        let attributes = self.attributes(&file.file)?;
        // What the sidecar has comes first.
        let recorded = !entry.xattrs.is_empty();
        let kept = attributes.kept.into_iter();
        entry
            .xattrs
            .extend(kept.filter(|(name, _)| !recorded || name != xattr::CAPABILITY));
        entry.xattrs.sort();
        Ok(Some(entry))
    }

    fn content(&mut self, file: &OwnedFd, size: u64) -> Result<()> {
        let mut left = size;
        while left > 0 {
            self.sink.pass_on().map_err(LayerError::Write)?;
            // Offers more space than the file needs: a file that has grown is noticed without another call.
            match rustix::io::read(file, spare_capacity(self.sink.buffer())) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.io("read")(errno)),
                Ok(count) if count == 0 || count as u64 > left => {
                    return Err(self.problem(PackProblem::Changed));
                }
                Ok(count) => left -= count as u64,
            }
        }
        let buffer = self.sink.buffer();
        buffer.resize(buffer.len() + tar::padding(size), 0);
        Ok(())
    }

    /// What has no content, and what the listing did not tell.
    fn other(&mut self, dir: &OwnedFd, name: &CStr) -> Result<()> {
        let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(self.io("examine"))?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => return self.directory(dir, name),
            FileType::RegularFile => return self.file(dir, name),
            FileType::CharacterDevice if stat.st_rdev == 0 => {
                self.path.truncate(split(&self.path).0.len());
                return self.marker(&[WHITEOUT, name.to_bytes()].concat());
            }
            FileType::Symlink => Kind::SymbolicLink,
            FileType::CharacterDevice => Kind::Character,
            FileType::BlockDevice => Kind::Block,
            FileType::Fifo => Kind::Fifo,
            // A socket is nothing without the process that listens on it.
            _ => return Ok(()),
        };
        if self.linked(&stat)? {
            return Ok(());
        }
        let mut entry = self.entry(kind, &stat, &self.path);
        if kind == Kind::SymbolicLink {
            entry.link = readlinkat(dir, name, Vec::new())
                .map_err(self.io("read the link"))?
                .into_bytes();
        }
        self.put(&entry)
    }

    /// An entry that only its name says something with.
    fn marker(&mut self, name: &[u8]) -> Result<()> {
        let length = self.path.len();
        self.descend(name);
        let entry = Entry {
            path: self.path.clone(),
            mtime: MTIME,
            ..Entry::new(Kind::File)
        };
        self.path.truncate(length);
        self.put(&entry)
    }

    /// Writes a hard link if this file has been seen under another name.
    fn linked(&mut self, stat: &Stat) -> Result<bool> {
        if stat.st_nlink < 2 {
            return Ok(false);
        }
        let key = (stat.st_dev, stat.st_ino);
        let Some(first) = self.links.get(&key) else {
            self.links.insert(key, self.path.clone());
            return Ok(false);
        };
        let mut entry = self.entry(Kind::HardLink, stat, first);
        entry.link = first.clone();
        entry.kind = Kind::HardLink;
        entry.xattrs.clear();
        (entry.major, entry.minor) = (0, 0);
        self.put(&entry)?;
        Ok(true)
    }

    /// An entry at the current path, as the disk and the sidecar together describe it; the sidecar has it under `recorded`.
    fn entry(&self, kind: Kind, stat: &Stat, recorded: &[u8]) -> Entry {
        let mut entry = Entry {
            path: self.path.clone(),
            mode: stat.st_mode & 0o7777,
            mtime: MTIME,
            ..Entry::new(kind)
        };
        if self.options.disk_ids == DiskIds::Real {
            (entry.uid, entry.gid) = (stat.st_uid, stat.st_gid);
        }
        if matches!(kind, Kind::Character | Kind::Block) {
            (entry.major, entry.minor) = (major(stat.st_rdev), minor(stat.st_rdev));
        }
        if let Some(owner) = self.owners.get(recorded) {
            (entry.uid, entry.gid) = (owner.uid, owner.gid);
            if let Some(Device { kind, major, minor }) = owner.device {
                entry.kind = if kind == DeviceKind::Character {
                    Kind::Character
                } else {
                    Kind::Block
                };
                (entry.major, entry.minor) = (major, minor);
            }
            entry.xattrs.extend(
                owner
                    .capability
                    .iter()
                    .map(|capability| (xattr::CAPABILITY.to_vec(), capability.clone())),
            );
        }
        entry
    }

    fn put(&mut self, entry: &Entry) -> Result<()> {
        self.sink.pass_on().map_err(LayerError::Write)?;
        tar::put_header(self.sink.buffer(), entry);
        self.entries += 1;
        Ok(())
    }

    fn descend(&mut self, name: &[u8]) {
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
    }

    fn attributes(&mut self, file: &OwnedFd) -> Result<Attributes> {
        xattr::read(file.as_fd(), &mut self.attributes).map_err(|error| match error {
            AttributeError::Io(errno) => self.io("read the attributes of")(errno),
            AttributeError::Problem(problem) => self.problem(problem),
        })
    }

    fn refused(&self) -> impl FnOnce(OpenError) -> LayerError {
        |error| match error {
            OpenError::Changed => self.problem(PackProblem::Changed),
            OpenError::System(errno) => self.io("open")(errno),
        }
    }

    fn io(&self, action: &'static str) -> impl FnOnce(Errno) -> LayerError {
        LayerError::io(action, &self.path)
    }

    fn problem(&self, problem: PackProblem) -> LayerError {
        LayerError::unpackable(&self.path, problem)
    }
}
