//! Layer archives written entry by entry, without privileges: owners, modes and devices are what the test says.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use tar::{Builder, EntryType, Header};

/// When every entry was changed, in seconds since the epoch.
const MTIME: u64 = 1_700_000_000;

/// A layer archive that is being written.
pub struct Layer(Builder<Vec<u8>>);

impl Layer {
    /// An empty one.
    #[expect(
        clippy::new_without_default,
        reason = "there is no sense in a default archive"
    )]
    pub fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    /// One that is written already; nothing can be added to it.
    pub fn of(archive: Vec<u8>) -> Self {
        Self(Builder::new(archive))
    }

    /// The archive.
    #[track_caller]
    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    /// A directory.
    #[track_caller]
    pub fn directory(&mut self, path: &str, mode: u32, owner: (u64, u64)) {
        self.entry(
            path.as_bytes(),
            &mut header(EntryType::Directory, mode, owner),
            b"",
        );
    }

    /// A file.
    #[track_caller]
    pub fn file<P: AsRef<[u8]> + ?Sized>(
        &mut self,
        path: &P,
        mode: u32,
        owner: (u64, u64),
        content: &[u8],
    ) {
        self.entry(
            path.as_ref(),
            &mut header(EntryType::Regular, mode, owner),
            content,
        );
    }

    /// A symbolic link.
    #[track_caller]
    pub fn link(&mut self, path: &str, target: &str, owner: (u64, u64)) {
        let mut header = header(EntryType::Symlink, 0o777, owner);
        self.0.append_link(&mut header, path, target).unwrap();
    }

    /// A further name of a file.
    #[track_caller]
    pub fn same(&mut self, path: &str, first: &str) {
        let mut header = header(EntryType::Link, 0o644, (0, 0));
        self.0.append_link(&mut header, path, first).unwrap();
    }

    /// A named pipe or a device.
    #[track_caller]
    pub fn special(&mut self, path: &str, kind: EntryType, mode: u32, (major, minor): (u32, u32)) {
        let mut header = header(kind, mode, (0, 0));
        header.set_device_major(major).unwrap();
        header.set_device_minor(minor).unwrap();
        self.entry(path.as_bytes(), &mut header, b"");
    }

    /// An extended attribute of the next entry.
    #[track_caller]
    pub fn attribute(&mut self, name: &str, value: &[u8]) {
        let key = format!("SCHILY.xattr.{name}");
        self.0
            .append_pax_extensions([(key.as_str(), value)])
            .unwrap();
    }

    #[track_caller]
    fn entry(&mut self, path: &[u8], header: &mut Header, content: &[u8]) {
        header.set_size(content.len() as u64);
        let path = OsStr::from_bytes(path);
        self.0.append_data(header, path, content).unwrap();
    }
}

fn header(kind: EntryType, mode: u32, (uid, gid): (u64, u64)) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(uid);
    header.set_gid(gid);
    header.set_mtime(MTIME);
    header.set_size(0);
    header
}
