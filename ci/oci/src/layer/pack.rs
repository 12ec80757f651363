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
    AtFlags, FileType, Mode, OFlags, RawDir, Stat, chmodat, fchmod, fstat, major, minor, openat,
    readlinkat, statat,
};
use rustix::io::Errno;

use super::error::PackProblem;
use super::names::{OPAQUE, WHITEOUT, split};
use super::sink::Sink;
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

/// The names of one directory, sorted, each with what it is said to be.
struct Listing {
    /// Each ended by NUL.
    bytes: Vec<u8>,
    names: Vec<(usize, FileType)>,
}

impl Listing {
    fn name(&self, start: usize) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes[start..]).unwrap_or_default()
    }
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
        let listing = self.list(dir)?;
        for (start, kind) in &listing.names {
            let name = listing.name(*start);
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

    fn list(&mut self, dir: &OwnedFd) -> Result<Listing> {
        let mut listing = Listing {
            bytes: Vec::new(),
            names: Vec::new(),
        };
        let mut space = std::mem::take(&mut self.listing);
        let mut reader = RawDir::new(dir, space.spare_capacity_mut());
        while let Some(entry) = reader.next() {
            let entry = entry.map_err(self.io("list"))?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                listing.names.push((listing.bytes.len(), entry.file_type()));
                listing.bytes.extend_from_slice(name.to_bytes_with_nul());
            }
        }
        self.listing = space;
        // The NUL is below every other byte, so whole tails compare as the names do.
        let bytes = &listing.bytes;
        listing
            .names
            .sort_unstable_by(|(a, _), (b, _)| bytes[*a..].cmp(&bytes[*b..]));
        Ok(listing)
    }

    fn directory(&mut self, parent: &OwnedFd, name: &CStr) -> Result<()> {
        let (dir, forbidden) = self.open(parent, name, OFlags::DIRECTORY, Mode::RWXU)?;
        let done = self.opened(&dir, forbidden);
        self.forbid(&dir, forbidden)?;
        done
    }

    fn opened(&mut self, dir: &OwnedFd, forbidden: Option<Mode>) -> Result<()> {
        let mut stat = fstat(dir).map_err(self.io("examine"))?;
        stat.st_mode = forbidden.map_or(stat.st_mode, Mode::as_raw_mode);
        let attributes = self.attributes(dir)?;
        let mut entry = self.entry(Kind::Directory, &stat, &self.path);
        entry.xattrs.extend(attributes.kept);
        self.put(&entry)?;
        self.contents(dir, attributes.opaque)
    }

    fn file(&mut self, dir: &OwnedFd, name: &CStr) -> Result<()> {
        // Not blocking: whatever may have taken the file's place must not hold us.
        let (file, forbidden) = self.open(dir, name, OFlags::NONBLOCK, Mode::RUSR)?;
        // Attributes are guarded by the mode as it is now, the content of an open file is not.
        let described = self.describe(&file, forbidden);
        self.forbid(&file, forbidden)?;
        match described? {
            Some(entry) => {
                self.put(&entry)?;
                self.content(&file, entry.size)
            }
            None => Ok(()),
        }
    }

    /// The entry of an open file, unless it was written as a hard link.
    fn describe(&mut self, file: &OwnedFd, forbidden: Option<Mode>) -> Result<Option<Entry>> {
        let mut stat = fstat(file).map_err(self.io("examine"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.problem(PackProblem::Changed));
        }
        stat.st_mode = forbidden.map_or(stat.st_mode, Mode::as_raw_mode);
        if self.linked(&stat)? {
            return Ok(None);
        }
        let mut entry = self.entry(Kind::File, &stat, &self.path);
        if entry.kind == Kind::File {
            entry.size = u64::try_from(stat.st_size).unwrap_or_default();
        }
        let attributes = self.attributes(file)?;
        // What the sidecar has comes first.
        let recorded = !entry.xattrs.is_empty();
        entry.xattrs.extend(
            attributes
                .kept
                .into_iter()
                .filter(|(name, _)| !recorded || name != xattr::CAPABILITY),
        );
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

    /// Opens a name for reading. If its mode forbids that to its owner, `needed` is added; the mode it had is returned.
    fn open(
        &self,
        dir: &OwnedFd,
        name: &CStr,
        kind: OFlags,
        needed: Mode,
    ) -> Result<(OwnedFd, Option<Mode>)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind;
        match openat(dir, name, flags, Mode::empty()) {
            Ok(file) => Ok((file, None)),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(self.problem(PackProblem::Changed)),
            Err(Errno::ACCESS) => {
                let stat =
                    statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(self.io("examine"))?;
                let mode = Mode::from_raw_mode(stat.st_mode);
                chmodat(dir, name, mode | needed, AtFlags::empty()).map_err(self.io("open"))?;
                let file = openat(dir, name, flags, Mode::empty()).map_err(self.io("open"))?;
                Ok((file, Some(mode)))
            }
            Err(errno) => Err(self.io("open")(errno)),
        }
    }

    fn forbid(&self, file: &OwnedFd, mode: Option<Mode>) -> Result<()> {
        mode.map_or(Ok(()), |mode| fchmod(file, mode))
            .map_err(self.io("restore the mode of"))
    }

    fn attributes(&mut self, file: &OwnedFd) -> Result<Attributes> {
        xattr::read(file.as_fd(), &mut self.attributes).map_err(|error| match error {
            AttributeError::Io(errno) => self.io("read the attributes of")(errno),
            AttributeError::Problem(problem) => self.problem(problem),
        })
    }

    fn io(&self, action: &'static str) -> impl FnOnce(Errno) -> LayerError {
        LayerError::io(action, &self.path)
    }

    fn problem(&self, problem: PackProblem) -> LayerError {
        LayerError::unpackable(&self.path, problem)
    }
}
