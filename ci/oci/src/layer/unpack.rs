//! From anybody's tar to a layer directory. The archive is hostile until its last byte has been read.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, linkat, makedev, mknodat, openat, symlinkat,
};
use rustix::io::Errno;

use super::error::EntryProblem;
use super::metadata::{Metadata, Writer};
use super::names::{self, Target, split};
use super::place::{Change, Existing, PRIVATE, Place, refused};
use super::{LayerError, Limits, Ownership, Unpacked, xattr};
use crate::tar::{Bounds, Entry, Kind, Reader};
use crate::{Device, DeviceKind, Owner};

type Result<T> = std::result::Result<T, LayerError>;

/// Makes a layer of an uncompressed tar in `dir`, which must be an empty directory. After an error its content is undefined.
pub fn unpack(
    tar: &mut dyn Read,
    dir: BorrowedFd<'_>,
    limits: &Limits,
    ownership: Ownership,
) -> Result<Unpacked> {
    must_be_empty(dir)?;
    let Limits {
        entries,
        name,
        extended_header,
        size,
    } = *limits;
    let mut archive = Reader::new(
        tar,
        Bounds {
            entries,
            name,
            extended_header,
            size,
        },
    );
    let mut unpacker = Unpacker {
        place: Place::new(dir),
        writer: Writer::new(ownership),
        directories: BTreeMap::new(),
        implied: BTreeSet::new(),
        opaque: BTreeSet::new(),
        buffer: vec![0; 128 << 10],
    };
    while let Some(entry) = archive.next_entry()? {
        unpacker.entry(entry, &mut archive)?;
    }
    let (diff_id, size, entries) = archive.finish()?;
    unpacker.finish_directories()?;
    let Unpacker {
        writer,
        implied,
        opaque,
        ..
    } = unpacker;
    Ok(Unpacked {
        diff_id,
        size,
        entries,
        owners: writer.owners,
        implied: implied.into_iter().collect(),
        opaque_root: opaque.contains(b"".as_slice()),
    })
}

fn must_be_empty(dir: BorrowedFd<'_>) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let listing = openat(dir, c".", flags, Mode::empty())
        .and_then(Dir::new)
        .map_err(LayerError::io("list", b""))?;
    for entry in listing {
        let entry = entry.map_err(LayerError::io("list", b""))?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            return Err(LayerError::NotEmpty);
        }
    }
    Ok(())
}

struct Unpacker<'a> {
    place: Place<'a>,
    writer: Writer,
    /// What directories get when everything is in them: earlier, their modes could be in the way and their times would change.
    directories: BTreeMap<Vec<u8>, Metadata>,
    implied: BTreeSet<Vec<u8>>,
    opaque: BTreeSet<Vec<u8>>,
    buffer: Vec<u8>,
}

impl Unpacker<'_> {
    fn entry(&mut self, entry: Entry, archive: &mut Reader<'_>) -> Result<()> {
        let refuse = |problem| LayerError::entry(&entry.path, problem);
        match names::target(&entry.path).map_err(refuse)? {
            Target::Ignored => Ok(()),
            Target::Root if entry.kind != Kind::Directory => Err(refuse(EntryProblem::Root)),
            Target::Root => {
                self.directories.insert(Vec::new(), Metadata::of(entry));
                Ok(())
            }
            Target::Whiteout(path) => self.whiteout(&path),
            Target::Opaque(path) => {
                self.place.directory(&path)?;
                self.settle();
                self.opaque.insert(path);
                Ok(())
            }
            Target::Path(path) => {
                let parent = self.place.directory(split(&path).0)?;
                self.settle();
                self.make(parent.as_fd(), path, entry, archive)
            }
        }
    }

    fn make(
        &mut self,
        parent: BorrowedFd<'_>,
        path: Vec<u8>,
        entry: Entry,
        archive: &mut Reader<'_>,
    ) -> Result<()> {
        match entry.kind {
            Kind::Directory => self.place.make_directory(parent, &path)?,
            Kind::File => return self.file(parent, &path, entry, archive),
            Kind::HardLink => return self.hard_link(parent, &path, &entry),
            Kind::SymbolicLink if entry.link.is_empty() => {
                return Err(LayerError::entry(&path, EntryProblem::EmptyLink));
            }
            Kind::SymbolicLink => {
                self.place.make(parent, &path, |name| {
                    symlinkat(entry.link.as_slice(), parent, name)
                })?;
                self.settle();
                return self.writer.link(parent, &path, &Metadata::of(entry));
            }
            Kind::Fifo => {
                self.place.make(parent, &path, |name| {
                    mknodat(parent, name, FileType::Fifo, PRIVATE, 0)
                })?;
                self.settle();
                return self.writer.node(parent, &path, &Metadata::of(entry));
            }
            Kind::Character | Kind::Block => return self.device(parent, &path, entry),
        }
        self.settle();
        self.implied.remove(&path);
        self.directories.insert(path, Metadata::of(entry));
        Ok(())
    }

    fn file(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &[u8],
        entry: Entry,
        archive: &mut Reader<'_>,
    ) -> Result<()> {
        let file = self.create(parent, path)?;
        loop {
            let count = archive.read_content(&mut self.buffer)?;
            if count == 0 {
                break;
            }
            let mut rest = &self.buffer[..count];
            while !rest.is_empty() {
                match rustix::io::write(&file, rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(Errno::INTR) => {}
                    Err(errno) => return Err(LayerError::io("write", path)(errno)),
                }
            }
        }
        self.writer.file(&file, path, &Metadata::of(entry))
    }

    /// A new, empty file, in place of anything else.
    fn create(&mut self, parent: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = self
            .place
            .make(parent, path, |name| openat(parent, name, flags, PRIVATE))?;
        self.settle();
        Ok(file)
    }

    /// The target is a name of this layer, never what a link of that name points at (L6).
    fn hard_link(&mut self, parent: BorrowedFd<'_>, path: &[u8], entry: &Entry) -> Result<()> {
        let missing = || {
            LayerError::entry(
                &entry.path,
                EntryProblem::LinkTarget(super::error::show(&entry.link)),
            )
        };
        let target = names::relative(&entry.link)
            .map_err(|problem| LayerError::entry(&entry.path, problem))?;
        let dir = match self.place.existing_parent(&target) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Err(missing()),
            Err(errno) => return Err(refused(errno, &target)),
        };
        let name = split(&target).1;
        if name.is_empty() || self.place.examine(dir.as_fd(), &target)? != Some(Existing::Other) {
            return Err(missing());
        }
        if target == path {
            return Ok(());
        }
        self.place.make(parent, path, |new| {
            linkat(&dir, name, parent, new, AtFlags::empty())
        })?;
        self.settle();
        if let Some(owner) = self.writer.owners.get(&target).cloned() {
            self.writer.owners.insert(path, owner);
        }
        Ok(())
    }

    /// Where the system does not make it, an empty file stands for it and the sidecar tells what it is. So it is for a character
    /// device 0:0, which on disk would be a whiteout.
    fn device(&mut self, parent: BorrowedFd<'_>, path: &[u8], entry: Entry) -> Result<()> {
        let (kind, file_type) = match entry.kind {
            Kind::Character => (DeviceKind::Character, FileType::CharacterDevice),
            _ => (DeviceKind::Block, FileType::BlockDevice),
        };
        let device = Device {
            kind,
            major: entry.major,
            minor: entry.minor,
        };
        let whiteout = kind == DeviceKind::Character && (entry.major, entry.minor) == (0, 0);
        if self.writer.ownership == Ownership::Apply && !whiteout {
            let number = makedev(entry.major, entry.minor);
            let made = self.place.make(parent, path, |name| {
                match mknodat(parent, name, file_type, PRIVATE, number) {
                    Ok(()) => Ok(true),
                    Err(Errno::PERM) => Ok(false),
                    Err(errno) => Err(errno),
                }
            })?;
            self.settle();
            if made {
                return self.writer.node(parent, path, &Metadata::of(entry));
            }
        }
        let file = self.create(parent, path)?;
        let owner = Owner {
            device: Some(device),
            ..Owner::new(entry.uid, entry.gid)
        };
        self.writer.file(&file, path, &Metadata::of(entry))?;
        self.writer.owners.insert(path, owner);
        Ok(())
    }

    /// Whiteouts are about lower layers: what this layer has under the name stays, and hides what is below (L4).
    fn whiteout(&mut self, path: &[u8]) -> Result<()> {
        let parent = self.place.directory(split(path).0)?;
        self.settle();
        match self.place.examine(parent.as_fd(), path)? {
            None => mknodat(
                &*parent,
                split(path).1,
                FileType::CharacterDevice,
                Mode::empty(),
                0,
            )
            .map_err(LayerError::io("make", path)),
            Some(Existing::Directory) => {
                self.opaque.insert(path.to_vec());
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }

    /// Brings what is remembered into line with what was changed on disk.
    fn settle(&mut self) {
        for change in std::mem::take(&mut self.place.changes) {
            match change {
                Change::Implied(path) => {
                    self.implied.insert(path);
                }
                Change::Opaque(path) => {
                    self.opaque.insert(path);
                }
                Change::Removed(path) => {
                    self.writer.owners.remove_tree(&path);
                    let below = names::below(&path);
                    self.directories.remove(&path);
                    self.implied.remove(&path);
                    self.opaque.remove(&path);
                    self.directories
                        .extract_if(below.clone(), |_, _| true)
                        .for_each(drop);
                    self.implied
                        .extract_if(below.clone(), |_| true)
                        .for_each(drop);
                    self.opaque.extract_if(below, |_| true).for_each(drop);
                }
            }
        }
    }

    fn finish_directories(&mut self) -> Result<()> {
        for path in &self.implied {
            self.directories
                .entry(path.clone())
                .or_insert_with(Metadata::implied);
        }
        for path in &self.opaque {
            let dir = self
                .place
                .open(path, OFlags::RDONLY)
                .map_err(|errno| refused(errno, path))?;
            xattr::set_opaque(dir.as_fd()).map_err(LayerError::io("mark", path))?;
        }
        // From the deepest up: a directory's own mode may forbid to enter it.
        for (path, metadata) in self.directories.iter().rev() {
            let dir = self
                .place
                .open(path, OFlags::RDONLY)
                .map_err(|errno| refused(errno, path))?;
            self.writer.file(&dir, path, metadata)?;
        }
        Ok(())
    }
}
