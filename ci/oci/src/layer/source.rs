//! Reading a layer directory without following anything: sorted listings, and files opened even where their own mode forbids it.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, RawDir, Stat};
use rustix::fs::{accessat, chmodat, fchmod, fstat, openat, statat};
use rustix::io::Errno;

/// The names of one directory, sorted, each with what it is said to be.
pub(super) struct Listing {
    /// Each ended by NUL.
    bytes: Vec<u8>,
    names: Vec<(usize, FileType)>,
}

impl Listing {
    /// Reads an open directory. The space is for the system's records and stays empty.
    pub(super) fn read(dir: &OwnedFd, space: &mut Vec<u8>) -> Result<Self, Errno> {
        let mut listing = Self {
            bytes: Vec::new(),
            names: Vec::new(),
        };
        let mut reader = RawDir::new(dir, space.spare_capacity_mut());
        while let Some(entry) = reader.next() {
            let entry = entry?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                listing.names.push((listing.bytes.len(), entry.file_type()));
                listing.bytes.extend_from_slice(name.to_bytes_with_nul());
            }
        }
        // The NUL is below every other byte, so whole tails compare as the names do.
        let bytes = &listing.bytes;
        listing
            .names
            .sort_unstable_by(|(a, _), (b, _)| bytes[*a..].cmp(&bytes[*b..]));
        Ok(listing)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&CStr, FileType)> {
        let name =
            |start: usize| CStr::from_bytes_until_nul(&self.bytes[start..]).unwrap_or_default();
        self.names
            .iter()
            .map(move |(start, kind)| (name(*start), *kind))
    }
}

/// Why a name could not be opened as what it was listed as.
#[derive(Debug)]
pub(super) enum OpenError {
    /// It is something else now (L11).
    Changed,
    System(Errno),
}

impl From<Errno> for OpenError {
    fn from(errno: Errno) -> Self {
        match errno {
            // A symbolic link, a file in the place of a directory, a socket.
            Errno::LOOP | Errno::NOTDIR | Errno::NXIO => Self::Changed,
            errno => Self::System(errno),
        }
    }
}

/// A file or directory open for reading.
pub(super) struct Source {
    pub(super) file: OwnedFd,
    /// With the mode it is to keep.
    pub(super) stat: Stat,
    /// Its mode was changed so that it can be read.
    unlocked: bool,
}

impl Source {
    /// Opens a name in a directory. What its mode forbids to its owner it allows until [`Source::close`].
    pub(super) fn open(dir: &OwnedFd, name: &CStr, kind: FileType) -> Result<Self, OpenError> {
        let special = if kind == FileType::Directory {
            OFlags::DIRECTORY
        } else {
            OFlags::NONBLOCK
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | special;
        let open = || openat(dir, name, flags, Mode::empty());
        let (file, locked) = match open() {
            Err(Errno::ACCESS) => {
                let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
                let mode = Mode::from_raw_mode(stat.st_mode);
                chmodat(dir, name, mode | Mode::RWXU, AtFlags::empty())?;
                (open()?, Some(stat.st_mode))
            }
            other => (other?, None),
        };
        let mut stat = fstat(&file)?;
        stat.st_mode = locked.unwrap_or(stat.st_mode);
        let mut source = Self {
            file,
            stat,
            unlocked: locked.is_some(),
        };
        if FileType::from_raw_mode(stat.st_mode) != kind {
            source.close()?;
            return Err(OpenError::Changed);
        }
        // A directory that may be listed but not entered.
        let enterable = kind != FileType::Directory || source.mode().contains(Mode::XUSR);
        if !enterable
            && accessat(
                &source.file,
                c"",
                Access::EXEC_OK,
                AtFlags::EACCESS | AtFlags::EMPTY_PATH,
            )
            .is_err()
        {
            fchmod(&source.file, source.mode() | Mode::RWXU)?;
            source.unlocked = true;
        }
        Ok(source)
    }

    /// Gives it back the mode it had. The content of a file can still be read.
    pub(super) fn close(self) -> Result<OwnedFd, Errno> {
        if self.unlocked {
            fchmod(self.file.as_fd(), self.mode())?;
        }
        Ok(self.file)
    }

    fn mode(&self) -> Mode {
        Mode::from_raw_mode(self.stat.st_mode)
    }
}
